import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, beforeEach, describe, test } from "node:test";
import { type Cluster, groupOf, type Host, startCluster } from "../cluster/cluster.ts";
import { TerminalScreen } from "./screen.ts";

/** Names of hosts that are in csync2.cfg and nowhere else. */
const STRANGERS = Array.from(
  { length: 38 },
  (_, i) => `storage-node-${String(i + 1).padStart(2, "0")}.rack-17.datacentre.example.org`,
);

describe("csync2rev --others on a terminal", () => {
  let cluster: Cluster;
  let h1: Host;
  let h2: Host;
  before(async () => {
    cluster = await startCluster({ hosts: ["h1", "h2"] });
    h1 = cluster.host("h1");
    h2 = cluster.host("h2");
  });
  after(() => cluster.close());
  beforeEach(async () => {
    await cluster.reset(groupOf(["h1", "h2"]));
    await Promise.all(cluster.hosts.map((host) => host.serve("inetd")));
  });

  /** What it writes to a terminal of this size, byte for byte, and what that looks like in the end. */
  const onTerminal = async (
    command: string,
    [columns, rows]: readonly [number, number] = [80, 24],
    env: Readonly<Record<string, string>> = { TERM: "xterm" },
  ): Promise<{ raw: string; screen: TerminalScreen; code: number | null }> => {
    const inside = `stty cols ${columns} rows ${rows}; exec ${command}`;
    const { stdout, code } = await h1.run(
      ["script", "--quiet", "--return", "--command", inside, "/dev/null"],
      {
        env,
      },
    );
    const screen = new TerminalScreen(columns || 80, rows || 24);
    screen.write(stdout);
    return { raw: stdout, screen, code };
  };

  const strangers = (): void => {
    for (const host of cluster.hosts)
      host.write("/etc/csync2.cfg", groupOf(["h1", "h2", ...STRANGERS]), 0o600);
  };

  test("changes lines in place, and leaves the table alone in the end", async () => {
    // A host without any record would reconcile.
    h1.write("/srv/data/known", "");
    await h1.shell("csync2 -cIr /");
    h2.write("/srv/data/file", "one");
    h2.write("/opt/slow-csync2", '#!/bin/sh\nsleep 0.3\nexec /usr/sbin/csync2 "$@"\n', 0o755);
    h2.write("/etc/csync2rev.ini", "csync2 = /opt/slow-csync2\n");
    const { raw, screen, code } = await onTerminal("csync2rev --others");
    assert.equal(code, 0);
    assert.match(raw, /\x1b\[1A\r\x1b\[J/);
    assert.match(raw, /h2 {2}checking its files/);
    assert.match(
      screen.text,
      /^PEER {2}GROUP {4}OUTCOME {4}UPDATED {2}DELETED {2}PENDING {2}SECONDS\nh2 {4}cluster {2}caught-up {8}1 {8}0 {8}0 {6}\d+\.\d\n\ncaught up with 1 of 1 peer in \d+\.\d s\n$/,
    );
  });

  test("takes a terminal that does not know its size for one of 80 columns", async () => {
    h2.write("/srv/data/file", "one");
    const { raw, screen } = await onTerminal("csync2rev --others", [0, 0]);
    assert.match(raw, /\x1b\[1A\r\x1b\[J/);
    assert.match(screen.text, /^PEER {2}GROUP {4}OUTCOME .* SECONDS\n/);
    assert.match(
      (await onTerminal("csync2rev --help", [0, 0])).raw,
      /^ {2}-o, --others +Ask every peer in turn/m,
    );
  });

  test("shows csync2's lines with -v, each with its peer, above those that change", async () => {
    h2.write("/srv/data/file", "one");
    const { screen } = await onTerminal("csync2rev --others -v");
    assert.match(screen.text, /^h2: Marking file as dirty: \/srv\/data\/file$/m);
    assert.match(screen.text, /^h2: Updating \/srv\/data\/file on h1 \.\.\.$/m);
    assert.doesNotMatch(screen.text, /^h2 {2}\S/m);
  });

  for (const [columns, rows] of [
    [40, 12],
    [80, 24],
    [200, 60],
    [20, 2],
  ] as const)
    test(`keeps to ${columns} columns and ${rows} rows with 39 peers and long names`, async () => {
      strangers();
      await h2.stopServices();
      const { raw, screen } = await onTerminal("csync2rev --others --deadline 1 --jobs 50", [columns, rows]);
      const live = new TerminalScreen(columns, rows);
      const frames = raw.split(/(?=\x1b\[\d+A\r\x1b\[J)/);
      assert.ok(frames.length > 2, "lines change in place");
      for (const frame of frames.slice(0, -1)) live.write(frame);
      assert.equal(live.broken, 0, "no line is broken while lines change");
      // Were a line erased that is not there, or one left, the table would not be the beginning of all.
      assert.match(screen.text, /^PEER/);
      assert.equal(screen.text.match(/PEER/g)?.length, 1);
      assert.equal(screen.text.replaceAll("\n", "").match(/unreachable: /g)?.length, STRANGERS.length + 1);
      if (rows < 40) assert.match(raw, /\d+ of 39 peers done/);
      if (columns >= 80) assert.match(screen.text, /^storage-node-01\S* .*unreachable/m);
    });

  test("colours outcomes, and does not where NO_COLOR is set", async () => {
    strangers();
    const command = "csync2rev --others --deadline 1 -P storage-node-01.rack-17.datacentre.example.org";
    const row = /\x1b\[33mstorage-node-01\S* +unreachable/;
    assert.match((await onTerminal(command)).raw, row);
    const plain = await onTerminal(command, [80, 24], { TERM: "xterm", NO_COLOR: "1" });
    assert.doesNotMatch(plain.raw, /\x1b\[\d*m/);
    assert.match(plain.raw, /unreachable/);
  });

  for (const [what, command, env] of [
    ["a dumb terminal", "csync2rev --others", { TERM: "dumb" }],
    ["standard output that is a pipe", "csync2rev --others | cat", { TERM: "xterm" }],
    ["standard error that is a pipe", "csync2rev --others -v 2>&1 >/dev/null | cat", { TERM: "xterm" }],
    ["the test on a dumb terminal", "csync2rev --test", { TERM: "dumb" }],
  ] as const)
    test(`writes no control characters to ${what}`, async () => {
      h2.write("/srv/data/file", "one");
      const { raw } = await onTerminal(`sh -c '${command}'`, [80, 24], env);
      assert.match(raw, /h2/);
      assert.doesNotMatch(raw.replaceAll("\r\n", "\n"), /[^\n\P{Cc}]/u);
    });

  test("says why a peer is asked again, when, and until when", async () => {
    await h2.stopServices();
    const { raw } = await onTerminal("csync2rev --others --deadline 3", [120, 24]);
    assert.match(
      raw,
      /^.*h2 {2}nothing listens there; asked again in \d s, until \d\d:\d\d \(Ctrl-C shows the result\)/m,
    );
  });

  test("shows the file that arrives, its size so far and its seconds", async () => {
    h1.write("/srv/data/known", "");
    await h1.shell("csync2 -cIr /");
    h2.write("/srv/data/film.mkv", randomBytes(20_000_000));
    // A line to h1 that takes a few seconds for it.
    await h2.shell("tc qdisc add dev eth0 root tbf rate 40mbit burst 64kb latency 400ms");
    try {
      const { raw } = await onTerminal("csync2rev --others");
      assert.match(raw, /h2 {2}pushing: file \d+, film\.mkv, \d+ [kM]B, [1-9] s/);
    } finally {
      await h2.shell("tc qdisc del dev eth0 root");
    }
  });

  test("without a terminal, one line at the start, on standard error; none with -q or --json", async () => {
    const { stdout, stderr } = await h1.run("csync2rev --others --deadline 60");
    assert.match(stdout, /^PEER/);
    assert.match(stderr, /^csync2rev: asking 1 peer, until \d\d:\d\d at the latest\n$/);
    for (const option of ["-q", "--json"])
      assert.equal((await h1.run(["csync2rev", "-o", option])).stderr, "");
  });

  test("prints only what needs attention with -q", async () => {
    assert.equal((await onTerminal("csync2rev --others -q")).raw, "");
    await h2.stopServices();
    const { raw, code } = await onTerminal("csync2rev --others -q --deadline 1", [80, 24], { TERM: "dumb" });
    assert.match(raw, /^h2: unreachable: not-listening: .*\r\n {2}→ start csync2rev on h2: /);
    assert.equal(code, 75);
  });
});
