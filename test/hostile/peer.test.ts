import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import {
  csync2,
  groupOf,
  startCluster,
  type Cluster,
  type Host,
  type RunResult,
} from "../cluster/cluster.ts";
import { install } from "./programs.ts";

/** What acts on a terminal, breaks a line or changes the reading order; the lines' own ends aside. */
const UNPRINTABLE = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufffd]/;

interface Peer {
  readonly peer: string;
  readonly outcome: string;
  readonly detail: string | null;
  readonly attempts: number;
}

/** Each manner of the peer stub, and the outcomes that are right for it. */
const MANNERS: Readonly<Record<string, readonly string[]>> = {
  honest: ["caught-up"],
  drops: ["lost"],
  "drops-accepted": ["unanswered"],
  doubles: ["lost"],
  reorders: ["lost"],
  "cuts-a-frame": ["lost"],
  "cuts-between": ["lost"],
  "skips-accepted": ["unanswered"],
  flips: ["lost"],
  "no-pending": ["failed"],
  silence: ["unreachable"],
  "length-0": ["unanswered"],
  "too-long": ["unanswered"],
  "largest-frames": ["caught-up"],
  escapes: ["failed"],
  "escapes-refused": ["refused"],
  absurd: ["lost"],
  endless: ["busy"],
  noise: ["unanswered"],
  "no-greeting": ["unreachable"],
  "another-version": ["unanswered"],
  "hangs-up": ["unanswered"],
  advises: ["refused"],
  "advises-on-a-file": ["pending"],
};

describe("a host that asks hostile peers", () => {
  const manners = Object.keys(MANNERS);
  const peers = manners.map((manner, i) => ({ manner, name: `p${i}` }));
  let cluster: Cluster, h1: Host;
  before(async () => {
    // All of them are one host with a name and an address each.
    const [first = "", ...aliases] = peers.map(({ name }) => name);
    cluster = await startCluster({
      hosts: ["h1", { name: first, aliases }],
      cfg: groupOf(["h1", ...peers.map(({ name }) => name)]),
    });
    h1 = cluster.host("h1");
    await h1.run("ip route add 10.77.0.0/16 dev eth0");
    await h1.serve("inetd", [csync2]);
    await startPeers();
  });
  after(() => cluster.close());

  /** Has a stub listen on each peer's address. */
  const startPeers = async (): Promise<void> => {
    const host = cluster.host(peers[0]?.name ?? "");
    const program = install(host, "peer-stub");
    await Promise.all(
      peers.map(async ({ manner, name }) => {
        const child = host.spawn([
          ...program,
          manner,
          cluster.key,
          "30866",
          cluster.addresses(name)[0] ?? "",
        ]);
        await once(child.stdout, "data");
      }),
    );
  };
  const ask = async (...args: readonly string[]): Promise<RunResult> =>
    h1.run(["csync2rev", "--others", "--deadline", "4", ...args]);

  test("never takes them for done, and tells what each did", async () => {
    let asked: RunResult;
    let outcomes: Record<string, Peer | undefined>;
    // By chance, the deadline may cut a peer's last try short: then all are asked again.
    do {
      asked = await ask("--json", "--jobs", "30", "--deadline", "10");
      const result = JSON.parse(asked.stdout) as { peers: Peer[] };
      outcomes = Object.fromEntries(
        peers.map(({ manner, name }) => [manner, result.peers.find(({ peer }) => peer === name)]),
      );
    } while (
      manners.some((manner) => manner !== "endless" && outcomes[manner]?.detail?.endsWith(" at the deadline"))
    );
    const { stdout, stderr, code } = asked;
    for (const manner of manners)
      assert.ok(
        MANNERS[manner]?.includes(outcomes[manner]?.outcome ?? ""),
        `${manner}: ${JSON.stringify(outcomes[manner])}`,
      );
    assert.equal(code, 1);
    assert.equal(stderr, "");
    assert.doesNotMatch(stdout, UNPRINTABLE);
    assert.ok(!stdout.includes(cluster.key));
  });

  test("shows nothing that acts on its terminal", async () => {
    const nasty = peers.filter(({ manner }) => /escapes|absurd|largest/.test(manner)).map(({ name }) => name);
    const command = `stty cols 100 rows 40; csync2rev --others -v --deadline 3 -P ${nasty.join(",")}`;
    const onTerminal = await h1.run(["script", "--quiet", "--return", "--command", command, "/dev/null"], {
      env: { TERM: "xterm" },
    });
    const piped = await h1.run(["csync2rev", "--others", "-v", "--deadline", "3", "-P", nasty.join(",")]);
    assert.match(piped.stdout, /\\x1b\[2J/);
    assert.match(piped.stderr, /\\x1b\[2J/);
    assert.doesNotMatch(piped.stdout + piped.stderr, UNPRINTABLE);
    assert.doesNotMatch(piped.stdout + piped.stderr, /^forged/m);
    assert.match(piped.stdout, /^p14: failed: not-included: /m);
    assert.doesNotMatch(piped.stdout, /\brun (here|there)\b.*owned/);
    // Our own: up some lines, to the line's start, erase to the end; colours.
    const own = /\x1b\[\d+A\r\x1b\[J|\x1b\[\d+m|\r(?=\n)/g;
    const foreign = onTerminal.stdout.replaceAll(own, "");
    assert.match(foreign, /owned/);
    assert.doesNotMatch(foreign, UNPRINTABLE);
  });

  test("never takes their words for csync2rev's own advice", async () => {
    const name = peers.find(({ manner }) => manner === "advises")?.name ?? "";
    for (const mode of ["--others -v --deadline 3", "--test --connect-timeout 1", "--status"]) {
      const { stdout, stderr } = await h1.run(`csync2rev ${mode} -P ${name}`);
      const said = (stdout + stderr).split("\n").filter((text) => text.includes("rm -rf"));
      assert.ok(said.length > 0, `${mode}: ${stdout}${stderr}`);
      for (const text of said) {
        assert.doesNotMatch(text, /→/);
        assert.match(text, /\\u\{2192\} to mend this/);
      }
      assert.match(stdout, /^ *→ /m);
    }
  });

  test("never takes the name of a file for it, nor what it shows while it waits", async () => {
    const nameOf = (wanted: string): string => peers.find(({ manner }) => manner === wanted)?.name ?? "";
    const { stdout } = await h1.run(`csync2rev --others --deadline 3 -P ${nameOf("advises-on-a-file")}`);
    assert.match(
      stdout,
      /^ {2}→ FILE is the path of %p%\/ {2}\\u\{2192\} to mend this, run here {2}rm -rf \/ on the/m,
    );
    const command = `stty cols 100 rows 40; csync2rev --others --deadline 3 -P ${nameOf("advises")}`;
    const onTerminal = await h1.run(["script", "--quiet", "--return", "--command", command, "/dev/null"], {
      env: { TERM: "xterm" },
    });
    assert.match(onTerminal.stdout, /waiting: {3}\\u\{2192\} to mend this/);
    assert.doesNotMatch(onTerminal.stdout, /→ to mend this/);
  });

  test("never takes the words of another user's program in the place of its own csync2 for it", async () => {
    const said = "no\\n  \\342\\206\\222 to mend this, run here  rm -rf /\\n";
    h1.write("/opt/impostor", `#!/bin/sh\nprintf '${said}'\nsleep 1\n`, 0o755);
    await h1.serve("inetd", [{ ...csync2, command: ["/opt/impostor"] }]);
    const name = peers.find(({ manner }) => manner === "honest")?.name ?? "";
    const { stdout } = await h1.run(`csync2rev --test --connect-timeout 1 -P ${name}`);
    assert.match(stdout, /^failed {3}csync2 on port 30865 of h1: .* it says "no": peers cannot push$/m);
    assert.doesNotMatch(stdout, /rm -rf/);
    await h1.serve("inetd", [csync2]);
  });

  test("keeps its memory while one never ends", async () => {
    const endless = peers.find(({ manner }) => manner === "endless")?.name ?? "";
    let peak = 0;
    const run = ask("-v", "-P", endless);
    const look = setInterval(() => {
      for (const { pid, command } of h1.processes())
        if (command.includes("csync2rev --others")) peak = Math.max(peak, h1.peakMemory(pid));
    }, 100);
    const { code, stderr } = await run;
    clearInterval(look);
    assert.equal(code, 75);
    assert.ok(stderr.length > 50_000, `only ${stderr.length} characters came`);
    assert.ok(peak > 10_000 && peak < 250_000, `${peak} kB at its peak`);
  });
});
