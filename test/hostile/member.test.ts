import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { csync2, csync2rev, groupOf, startCluster, type Cluster, type Host } from "../cluster/cluster.ts";
import { asking, connectFrom } from "./programs.ts";
import type { Outcome } from "./stranger.ts";

/** Whatever acts on a terminal, breaks a line or changes the reading order. */
const UNPRINTABLE = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufffd]/;
/** Takes the place of csync2 if a test is about its arguments, or about more output than it ever prints. */
const CSYNC2_STUB = "/opt/csync2-stub";
/** In the long run csync2 prints ten times as much. */
const LONGER = process.env["HOSTILE"] === "long" ? 10 : 1;
const USE_STUB = `csync2 = ${CSYNC2_STUB}\nretries = 0\n`;

describe("a member", () => {
  let cluster: Cluster, h1: Host, h2: Host;
  before(async () => {
    cluster = await startCluster({ hosts: ["h1", "h2"] });
    [h1, h2] = [cluster.host("h1"), cluster.host("h2")];
  });
  beforeEach(() => cluster.reset(groupOf(["h1", "h2"])));
  after(() => cluster.close());
  afterEach(async () => {
    await h2.until("every handler is gone", () => h2.processes().length === 0, 15_000);
    for (const host of [h1, h2])
      for (const { message } of host.syslog("csync2rev")) {
        assert.doesNotMatch(message, /[\x00-\x1f\x7f-\x9f\u202a-\u202e]/);
        assert.ok(!message.includes(cluster.key));
      }
  });
  const ask = async (texts: readonly string[], atOnce = 3): Promise<Outcome[]> =>
    connectFrom(
      h1,
      texts.map((text) => ({ host: "h2", seal: { key: cluster.key, text } })),
      atOnce,
    );
  const stub = (script: string): void => {
    // Every csync2 -v ends so.
    const finish = `trap "printf '\\nFinished with 0 errors.\\n' >&2" EXIT`;
    h2.write(CSYNC2_STUB, `#!/bin/sh\n${finish}\n${script}\n`, 0o755);
    h2.write("/etc/csync2rev.ini", USE_STUB);
  };
  const reasonOf = ({ replies }: Outcome): unknown =>
    (replies.at(-1) as { reason?: unknown } | undefined)?.reason;

  test("gets no name of its own into a command line, a log line or a file", async () => {
    stub(`for word; do printf '%s\\n' "$word"; done >>/tmp/arguments`);
    await h2.serve("inetd", [csync2rev]);
    const nasty = [
      ...[
        "-x",
        "-G",
        "--",
        "h1,h2",
        "h1 h2",
        "h1;reboot",
        "$(reboot)",
        "`reboot`",
        "'",
        '"',
        "\\",
        "../h1",
        "/h1",
        "*",
      ],
      ...[
        "h1\n",
        "h1\0",
        "\x1b]0;x\x07",
        "\x9b2J",
        "\u202eh1",
        "\u2028",
        "\ud800",
        "__proto__",
        "constructor",
        "H1",
        "h1.",
      ],
      ...["x".repeat(255), "\x7f".repeat(255), "<0>event=accepted from=h1 ".repeat(9)],
    ];
    const verbs = nasty.map((verb) => asking(verb));
    const froms = nasty.map((from) => asking("update", { from }));
    const tos = nasty.map((to) => asking("update", { to }));
    const outcomes = await ask([...verbs, ...froms, ...tos]);
    const expected = ["unsupported-verb", "not-a-member", "wrong-host"];
    for (const [i, outcome] of outcomes.entries())
      assert.equal(reasonOf(outcome), expected[Math.floor(i / nasty.length)], JSON.stringify(outcome));
    const lines = await h2.logged("csync2rev", outcomes.length);
    assert.equal(lines.length, outcomes.length);
    for (const { message, severity, facility } of lines) {
      assert.match(message, /^event=refused verb=/);
      assert.deepEqual([facility, severity], ["local0", "warning"]);
    }

    const extra = {
      argv: ["-f"],
      args: "-f",
      command: "reboot",
      csync2: "/bin/sh",
      ["__proto__"]: { verb: "update" },
    };
    // The key says which groups are meant, not the name.
    const groups = nasty.map((group) => asking("update", { group }));
    const fine = await ask([asking("update", extra), ...groups]);
    for (const { replies } of fine) assert.equal((replies.at(-1) as { exit?: number }).exit, 0);
    const runs = h2.read("/tmp/arguments").trim().split("\n-v\n");
    assert.deepEqual([...new Set(runs.map((run) => run.replace(/^-v\n/, "")))], ["-L", "-u\n-P\nh1", "-M"]);
    const said = await h2.logged("csync2rev", outcomes.length + 2 * fine.length);
    for (const { message } of said.slice(outcomes.length)) {
      const group = / group=(.*) from=/.exec(message)?.[1];
      assert.equal(group, "cluster", message);
    }
  });

  test("whose files are named like csync2's lines and options gets none into a reconcile", async () => {
    for (const host of [h1, h2]) {
      await host.serve("inetd");
      host.write("/srv/data/both", host.name);
    }
    stub(`cd /tmp; exec /usr/sbin/csync2 "$@"`);
    await h1.run("touch --date tomorrow /srv/data/both");
    h1.write("/srv/data/a\nL\tx\ty\t-smade-by-an-option", "");
    for (const host of [h1, h2]) assert.equal((await host.csync2("-cIr", "/")).code, 0);
    const { stdout } = await h2.csync2("-T", "h2", "h1");
    assert.match(stdout, /^L\tx\ty\t-smade-by-an-option$/m);
    await h1.run("csync2rev --others --reconcile");
    await h2.until("the reconcile is logged", () =>
      h2.syslog("csync2rev").some(({ message }) => message.startsWith("event=done verb=reconcile")),
    );
    assert.ok(!(await h2.run("ls /tmp")).stdout.includes("made-by-an-option"));
  });

  test("hears nothing when names are too long, or no names", async () => {
    await h2.serve("inetd", [csync2rev]);
    const values = ["", "x".repeat(256), "\x1b".repeat(256), 7, null, [], { toString: "h1" }, true];
    for (const { received } of await ask(values.map((from) => asking("ping", { from }))))
      assert.equal(received, 44);
  });

  test("of one group has no say in another group", async () => {
    await h2.serve("inetd", [csync2rev]);
    const other = groupOf(["h1", "h2"]).replace("nossl * *;", "").replace("cluster", "other");
    h2.write(
      "/etc/csync2.cfg",
      groupOf(["h1", "h2"]) + other.replace("csync2.key", "csync2.key_other"),
      0o600,
    );
    h2.write("/etc/csync2.key_other", "O".repeat(64), 0o600);
    const [own, foreign] = await ask([asking("ping"), asking("ping", { group: "other" })]);
    for (const outcome of [own, foreign])
      assert.deepEqual(outcome?.replies[0], { type: "accepted", groups: ["cluster"] });
  });

  test("whose name in csync2.cfg reads as an option or a list is refused", async () => {
    await h2.serve("inetd", [csync2rev]);
    for (const name of ["-x", "a,b"]) {
      const cfg = groupOf(["h1", "h2", `"${name}"`]);
      for (const host of [h1, h2]) host.write("/etc/csync2.cfg", cfg, 0o600);
      const [outcome] = await ask([asking("update", { from: name })]);
      assert.equal(outcome && reasonOf(outcome), "config");
    }
  });

  test("files with escape sequences in their names arrive, and are shown without harm", async () => {
    const names = [
      "\x1b[2Jred",
      "two\nlines",
      "\u202egpj.exe",
      "\x9bC1",
      "q\"uo'te",
      "$(reboot)",
      "-x",
      "a,b",
      "__proto__",
      "x".repeat(255),
      "tab\there",
    ];
    await h1.serve("inetd", [csync2]);
    await h2.serve("inetd");
    for (const name of names) h2.write(`/srv/data/${name}`, "new");
    const { code, stdout, stderr } = await h1.run("csync2rev --others -v");
    assert.equal(code, 0, stdout + stderr);
    assert.deepEqual(h1.tree(), h2.tree());
    assert.match(stderr, /\\x1b\[2Jred/);
    assert.doesNotMatch(stdout + stderr, UNPRINTABLE);

    for (const host of [h1, h2]) host.write("/etc/csync2.cfg", groupOf(["h1", "h2"], ["auto none;"]), 0o600);
    for (const name of names) for (const host of [h1, h2]) host.write(`/srv/data/${name}`, host.name);
    await h1.run("csync2 -cr /");
    const table = await h1.run("csync2rev --others");
    assert.equal(table.code, 1, table.stdout + table.stderr);
    assert.match(table.stdout, /\\x1b\[2Jred/);
    const quiet = await h1.run("csync2rev --others -q");
    const json = await h1.run("csync2rev --others --json");
    const { peers } = JSON.parse(json.stdout) as { peers: { files: string[]; attempts: number }[] };
    const [peer] = peers;
    assert.ok(peer);
    assert.equal(peer.attempts, 2, "a conflict does not pass by being tried again");
    assert.ok(peer.files.includes("/srv/data/\u202egpj.exe"));
    assert.ok(peer.files.includes("/srv/data/\x9bC1"));
    for (const { stdout, stderr } of [table, quiet, json]) assert.doesNotMatch(stdout + stderr, UNPRINTABLE);
  });

  test("names in csync2.cfg are shown without harm, whatever is in them", async () => {
    await h1.serve("inetd", [csync2]);
    const hosts = [
      "h1",
      ...["\x1b[2J", "\x9b31m", "\u202egnp", "__proto__", "two\nlines", "x".repeat(10_000)].map(
        (name) => `"${name}"`,
      ),
    ];
    const cfg = groupOf(hosts, ["#csync2rev allow \x1b[2J*;"]).replace(
      "group cluster",
      'group "\x1b[31m\u2028"',
    );
    h1.write("/etc/csync2.cfg", cfg, 0o600);
    for (const [mode, ...args] of [
      ["--show-config"],
      ["--test"],
      ["--others", "--deadline", "1"],
      ["--others", "--deadline", "1", "--json"],
      ["--others", "-P", "\x1b[2Jnone"],
      ["--others", "-C", "\x1b[2Jnone"],
      ["--others", "-C", `\x1b[2J${"x".repeat(10_000)}`],
    ]) {
      const { stdout, stderr } = await h1.run(["csync2rev", mode ?? "", ...args]);
      assert.match(stdout + stderr, /\\x1b\[2J|\\u001b\[2J/);
      assert.doesNotMatch(stdout + stderr, UNPRINTABLE);
    }
  });

  for (const [what, megabytes, output] of [
    // 50 bytes, so that no line is cut.
    ["lines", 10 * LONGER, "yes 'Updating /srv/data/some/file/of/usualxx on h1 ...' | head -c"],
    ["one line", 100, "tr '\\0' x </dev/zero | head -c"],
    ["noise", 10 * LONGER, "head </dev/urandom -c"],
  ] as const)
    test(`csync2 may print ${megabytes} MB of ${what}`, async () => {
      const most = `${output} ${megabytes}000000`;
      stub(`case "$*" in *-[LM]*) exit 2;; esac\n${most}\n${output} 1000000 >&2\necho last`);
      await h2.serve("inetd", [csync2rev]);
      let peak = 0;
      const look = setInterval(() => {
        for (const { pid, command } of h2.processes())
          if (/^(node \S*\/)?csync2rev -i/.test(command)) peak = Math.max(peak, h2.peakMemory(pid));
      }, 100);
      const [outcome] = await ask([asking("update", { output: true })]);
      clearInterval(look);
      const last = outcome?.replies.at(-1) as { type?: string; exit?: number } | undefined;
      assert.deepEqual([last?.type, last?.exit], ["done", 0], JSON.stringify(last));
      assert.ok(peak > 10_000 && peak < 200_000, `${peak} kB at its peak`);
      const [peakMB, seconds] = [Math.round(peak / 1000), ((outcome?.open ?? 0) / 1000).toFixed(1)];
      if (LONGER > 1) console.log(`| ${megabytes} MB of ${what} | ${peakMB} MB | ${seconds} s |`);
    });

  test("that does not read holds nobody up, and is told what it missed, through a socket and through pipes", async () => {
    stub(`case "$*" in *-[LM]*) exit 2;; esac\nyes 'a line of csync2, of a usual length' | head -n 500000`);
    h2.write("/etc/csync2rev.ini", `${USE_STUB}verify-address = no\n`);
    h2.write("/opt/piped", "#!/bin/bash\ncat | csync2rev -i | cat\n", 0o755);
    const seal = { key: cluster.key, text: asking("update", { output: true }) };
    for (const command of [csync2rev.command, ["/opt/piped"]]) {
      // systemd tells inetd where its own stderr goes, and inetd passes that on.
      await h2.serve("inetd", [{ ...csync2rev, command, env: { JOURNAL_STREAM: "8:1" } }]);
      const before = h2.syslog("csync2rev").length;
      let heard = false;
      const conversation = connectFrom(h1, [{ host: "h2", seal, deaf: 4000, finish: true }]).then(
        (outcomes) => {
          heard = true;
          return outcomes;
        },
      );
      await h2.until("its stderr is no longer the connection", async () => {
        const handler = h2.processes().find((running) => running.command.endsWith("csync2rev -i"));
        const { stdout } = await h2.run(["readlink", `/proc/${handler?.pid ?? 0}/fd/2`]);
        return stdout === "/dev/null\n";
      });
      const isDone = (): boolean =>
        h2
          .syslog("csync2rev")
          .slice(before)
          .some(({ message }) => message.startsWith("event=done"));
      await h2.until("csync2 has ended", isDone, 30_000);
      assert.equal(heard, false);
      const [outcome] = await conversation;
      const replies = (outcome?.replies ?? []) as { type: string; line?: string }[];
      const how = JSON.stringify({ ...outcome, replies: [replies.length, ...replies.slice(-3)] });
      assert.equal(replies.at(-1)?.type, "done", `${command.join(" ")}: ${how}`);
      assert.ok(replies.some(({ line }) => /^\(\d+ lines left out/.test(line ?? "")));
    }
  });

  test("shares its host with users who cannot hold csync2's locks", async (t) => {
    const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    if ((await h2.run([...nobody, "true"])).code !== 0) {
      t.skip("a user namespace that an ordinary user made has no second user");
      return;
    }
    await h1.serve("inetd", [csync2]);
    await h2.serve("inetd");
    h2.write("/run/csync2rev.lock", "", 0o644);
    // What a killed handler leaves is removed, and nothing that only has such a name.
    const [ours, theirs] = [
      "/run/csync2rev.lock.batch-999999-ours",
      "/run/csync2rev.lock.batch-999999-theirs",
    ];
    await h2.run(`mkdir ${ours} ${theirs}; ln -s /etc ${theirs}/link; chown 65534 ${theirs}`);
    h2.write("/srv/data/only-there", "x");
    await h2.csync2("-cIr", "/");
    assert.equal((await h1.run("csync2rev --others --reconcile")).code, 0);
    assert.equal(h1.read("/srv/data/only-there"), "x");
    assert.equal((await h2.run(`ls -d ${ours}`)).code, 2);
    assert.equal((await h2.run(`ls -d ${theirs}/link`)).code, 0);
    for (const lock of ["/run/csync2rev.lock", "/run/csync2rev.lock.check"]) {
      assert.equal((await h2.run(["flock", "--nonblock", lock, "true"])).code, 0);
      const { code, stderr } = await h2.run([...nobody, "flock", "--nonblock", lock, "true"]);
      assert.notEqual(code, 0);
      assert.match(stderr, /Permission denied|Operation not permitted/);
    }
    await h2.run("ln -s /etc/hosts /tmp/link");
    await h2.run("mkfifo /tmp/fifo");
    for (const theirs of ["/tmp/theirs", "/tmp/ours.check"]) {
      h2.write(theirs, "");
      await h2.run(["chown", "65534", theirs]);
    }
    for (const path of ["/nonexistent/lock", "/run", "/tmp/link", "/tmp/fifo", "/tmp/theirs", "/tmp/ours"]) {
      h2.write("/etc/csync2rev.ini", `lock-file = ${path}\n`);
      const [outcome] = await ask([asking("check")]);
      assert.equal(outcome && reasonOf(outcome), "config", path);
    }
  });

  test("finds the key nowhere: no log, error, report, process title or environment", async () => {
    const everything: string[] = [];
    stub("sleep 1; exit 1");
    await h1.serve("inetd", [csync2]);
    await h2.serve("inetd", [csync2rev]);
    const run = h1.run("csync2rev --others --deadline 5 -v --json");
    await h2.until("csync2 runs", () => h2.processes().some(({ command }) => command.includes(CSYNC2_STUB)));
    for (const host of [h1, h2]) {
      const { stdout } = await host.run("cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ /proc/[0-9]*/comm");
      assert.match(stdout, /csync2rev/);
      everything.push(stdout);
    }
    const { stdout, stderr } = await run;
    everything.push(stdout, stderr, (await h1.run("csync2rev --show-config")).stdout);
    for (const bad of [`${cluster.key}!`, cluster.key.slice(0, 20), `${cluster.key} x`]) {
      for (const host of [h1, h2]) host.write("/etc/csync2.key", `${bad}\n`, 0o600);
      for (const mode of ["--show-config", "--others"]) {
        const { code, stderr } = await h1.run(["csync2rev", mode]);
        assert.equal(code, 78);
        everything.push(stderr);
      }
      await connectFrom(h1, [
        { host: "h2", bytes: "ff", finish: true },
        { host: "h2", seal: { key: cluster.key, text: "{}" } },
      ]);
    }
    for (const host of [h1, h2]) everything.push(JSON.stringify(host.syslog()));
    assert.match(everything.join("\n"), /event=error code=key/);
    for (const text of everything) assert.ok(!text.includes(cluster.key.slice(0, 20)));
  });
});
