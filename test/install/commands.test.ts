import assert from "node:assert/strict";
import { randomFillSync } from "node:crypto";
import { chmodSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import {
  type Cluster,
  csync2,
  groupOf,
  type Host,
  type RunResult,
  startCluster,
} from "../cluster/cluster.ts";
import { WITHOUT_SETGROUPS } from "../cluster/services.ts";

const TOP = join(import.meta.dirname, "../..");

const MANUAL = "man/csync2rev.8";

/** The part of a document that the pattern's group matches. */
function quoted(document: string, pattern: RegExp): string {
  const found = pattern.exec(readFileSync(join(TOP, document), "utf8"))?.[1];
  assert.ok(found !== undefined, `${document} has no ${String(pattern)}`);
  return found;
}

describe("what the documents tell an administrator to write", () => {
  let cluster: Cluster;
  let h1: Host;
  let h2: Host;
  before(async () => {
    cluster = await startCluster({
      hosts: ["h1", "h2"],
      packages: ["cron"],
      cfg: groupOf(["h1", "h2"]).replace("nossl * *;", ""),
    });
    h1 = cluster.host("h1");
    h2 = cluster.host("h2");
  });
  after(() => cluster.close());
  beforeEach(async () => {
    await cluster.reset();
    await Promise.all(cluster.hosts.map((host) => host.serve("inetd")));
  });

  test("for Nagios: one line, OK, WARNING while a peer is down, CRITICAL for all else, UNKNOWN if it cannot run", async () => {
    const path = quoted(
      "docs/monitoring.md",
      /^ {4}command\[check_csync2rev\]=\/usr\/lib\/nagios\/plugins\/(.*)$/m,
    );
    const plugin = `/opt/${path}`;
    h1.write(plugin, readFileSync(join(TOP, "monitoring", path), "utf8"), 0o755);
    const check = async (...args: readonly string[]): Promise<[number | null, string]> => {
      const { code, stdout } = await h1.run([plugin, ...args]);
      assert.match(
        stdout,
        /^CSYNC2REV (OK|WARNING|CRITICAL|UNKNOWN) - [^|\n]+( \| (\w+=\d+;;;0(;\d+)?( |(?=\n)))+)?\n$/,
      );
      return [code, stdout];
    };
    const [fine, ok] = await check();
    assert.equal(fine, 0);
    const [, warnings = ""] =
      /^CSYNC2REV OK - .* \| ok=\d+;;;0 warnings=(\d+);;;0 failed=0;;;0 answered=1;;;0;1$/m.exec(ok) ?? [];
    assert.notEqual(warnings, "", ok);
    chmodSync(h1.path("/etc/csync2.key"), 0o644);
    const [doubtful, why] = await check();
    assert.equal(doubtful, 0);
    assert.match(why, /^CSYNC2REV OK - key file \/etc\/csync2\.key: /m);
    assert.ok(why.includes(` warnings=${Number(warnings) + 1};;;0 failed=0;;;0 `), why);
    await h2.stopServices();
    const [code, text] = await check();
    assert.equal(code, 1);
    assert.match(text, /^CSYNC2REV WARNING - ping h2: unreachable.* failed=1;;;0 answered=0;;;0;1$/m);
    h1.write("/etc/csync2rev.ini", "nonsense\n");
    const [worse, fault] = await check();
    assert.equal(worse, 2);
    assert.match(fault, /^CSYNC2REV CRITICAL - settings: .* \(and \d+ more\) \|/m);
    const [unknown, usage] = await check("--bogus");
    assert.equal(unknown, 3);
    assert.match(usage, /^CSYNC2REV UNKNOWN - csync2rev: unknown option "--bogus": /m);
  });

  test("for Nagios: another user runs csync2rev with sudo, exactly as the sudoers line allows", async () => {
    const line = quoted("docs/monitoring.md", /^ {4}(nagios ALL=.*)$/m);
    const script = readFileSync(join(TOP, "monitoring/check_csync2rev"), "utf8");
    assert.ok(script.includes(`#   ${line}\n`), "the script has the same line");
    h1.write("/opt/check_csync2rev", script.replace("PATH=", "PATH=/opt/bin:"), 0o755);
    h1.write("/opt/bin/id", "#!/bin/sh\necho 110\n", 0o755);
    h1.write(
      "/opt/bin/sudo",
      '#!/bin/sh\nprintf "%s\\n" "$*" >/run/asked\necho "sudo: a password is required" >&2\nexit 1\n',
      0o755,
    );
    const { code, stdout } = await h1.run("/opt/check_csync2rev");
    assert.equal(h1.read("/run/asked"), `-n ${line.replace(/.*NOPASSWD: /, "")}\n`);
    assert.deepEqual([code, stdout], [3, "CSYNC2REV UNKNOWN - sudo: a password is required\n"]);
  });

  test("for xinetd: the sample, switched on", async () => {
    const command = quoted("docs/install.md", /\| xinetd \| `(sed .*?) >/);
    h1.write(
      "/usr/share/doc/csync2rev/examples/xinetd.csync2rev".replace("/usr/share", "/srv/share"),
      readFileSync(join(TOP, "xinetd/csync2rev"), "utf8"),
    );
    const { stdout, code } = await h1.run(command.replace("/usr/share", "/srv/share"));
    assert.equal(code, 0);
    await h1.serve("xinetd", [csync2, { text: stdout, port: 30866 }]);
    assert.deepEqual((await h1.run("csync2rev --test -q")).stdout, "");
    h1.write("/srv/data/file", "one");
    assert.equal((await h2.run("csync2rev --others -q")).code, 0);
    assert.equal(h2.read("/srv/data/file"), "one");
  });

  test("for csync2 from cron: it and csync2rev wait for each other", async () => {
    const line = quoted("docs/install.md", /^ {4}\* \* \* \* \* root (flock .*)$/m);
    h2.write("/srv/data/file", "one");
    h2.write("/opt/csync2", "#!/bin/sh\ntouch /tmp/runs\nuntil [ -e /tmp/go ]; do sleep 0.1; done\n", 0o755);
    const cron = h2.run(line.replace("/usr/sbin/csync2 ", "/opt/csync2 "));
    await h2.until("it runs", () => existsSync(h2.path("/tmp/runs")));
    const { code, stdout } = await h1.run("csync2rev --others --deadline 2");
    assert.match(stdout, /^h2: busy: csync2 \(pid \d+\) holds \/run\/csync2rev\.lock/m);
    assert.equal(code, 75);
    h2.write("/tmp/go", "");
    assert.equal((await cron).code, 0);
    assert.equal((await h1.run("csync2rev --others")).code, 0);
    assert.equal(h1.read("/srv/data/file"), "one");
  });

  test("for csync2 from cron: it ends by itself if its peer loses power", async () => {
    const line = quoted("docs/install.md", /^ {4}\* \* \* \* \* root (flock .*)$/m);
    h2.write("/srv/data/a", "1");
    h2.write("/srv/data/big", randomFillSync(Buffer.alloc(60 << 20)));
    const cron = asCron(line, h2);
    await h1.until("it pushes", () => h1.tree().has("a"));
    await h1.powerOff();
    await h1.boot();
    // 141 would be SIGPIPE.
    assert.equal((await cron).code, 1);
    assert.equal((await h1.run("csync2rev --others")).code, 0);
    assert.deepEqual([...h1.tree()], [...h2.tree()]);
  });

  test("for cron at boot: Debian's cron runs it, and it says nothing", async () => {
    h2.write("/srv/data/file", "one");
    const line = quoted("docs/install.md", /^\| cron \| `(@reboot root [^`]*)`/m);
    h1.write("/etc/cron.d/csync2rev", `${line} >/root/said 2>&1; echo "ended $?" >>/root/said\n`);
    const permit = ["auth", "account", "session", "password"].map(
      (kind) => `${kind} required pam_permit.so\n`,
    );
    for (const service of ["cron", "other"]) h1.write(`/etc/pam.d/${service}`, permit.join(""));
    await h1.run("ln -s /run /var/run; mkdir -p /var/spool/cron/crontabs");
    const cron = h1.spawn("cron -f", WITHOUT_SETGROUPS);
    try {
      const ended = async (): Promise<boolean> => (await h1.run(["grep", "^ended", "/root/said"])).code === 0;
      await h1.until("the line has run", ended, 20_000);
    } finally {
      cron.kill();
    }
    assert.equal(h1.read("/root/said"), "ended 0\n");
    assert.equal(h1.read("/srv/data/file"), "one");
  });

  for (const [where, document, pattern] of [
    ["rc.local", "docs/install.md", /^\| rc\.local \| `([^`]*)`/m],
    ["cron, every night", "docs/install.md", /^\| cron, every night \| `[\d* ]+root ([^`]*)`/m],
    ["cron, to tell Prometheus", "docs/monitoring.md", /^ {4}[\d* ]+root (.* --metrics .*)$/m],
  ] as const)
    test(`for ${where}: catches up, and says nothing`, async () => {
      h2.write("/srv/data/file", "one");
      await h1.run("mkdir -p /var/lib/prometheus/node-exporter");
      const { stdout, stderr } = await asCron(`${quoted(document, pattern)}\nwait`);
      assert.equal(stdout + stderr, "");
      assert.equal(h1.read("/srv/data/file"), "one");
    });

  test("for an administrator's own csync2: it takes its turn", async () => {
    h2.write("/srv/data/file", "one");
    const line = quoted("docs/install.md", /^ {4}\* \* \* \* \* root (flock .*)$/m);
    assert.equal((await asCron(line, h2)).code, 0);
    assert.equal(h1.read("/srv/data/file"), "one");
  });

  test("the manual page has every field that --json and --show-config print, and no other", async () => {
    const seen = new Set<string>();
    for (const command of ["--others --json", "--test --json", "--status --json", "--show-config"])
      addFields(JSON.parse((await h1.run(`csync2rev ${command}`)).stdout), seen);
    assert.deepEqual([...seen].sort(), namesIn("JSON OUTPUT"));
  });

  test("the manual page has every key of the handler's log, and no other", async () => {
    await h1.run("csync2rev --others");
    const noBody = groupOf(["h1", "h2"], ["#csync2rev allow nobody;"]);
    h2.write("/etc/csync2.cfg", noBody);
    assert.match((await h1.run("csync2rev --others")).stdout, /refused: not-allowed/);
    h2.write("/etc/csync2.key", "another".repeat(10));
    assert.match((await h1.run("csync2rev --others")).stdout, /unanswered/);
    const events = ["accepted", "done", "refused", "unauthenticated"];
    const lines = (): string[] => h2.syslog("csync2rev").map(({ message }) => message);
    await h2.until("all is logged", () =>
      events.every((event) => lines().some((line) => line.startsWith(`event=${event} `))),
    );
    const keys = lines().flatMap((line) =>
      Array.from(line.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""').matchAll(/(\w+)=/g), ([, key = ""]) => key),
    );
    assert.deepEqual([...new Set(keys)].sort(), namesIn("LOG"));
  });

  /** As cron(8) of Debian does it: with its PATH, and nothing else that would help. */
  async function asCron(line: string, host = h1): Promise<RunResult> {
    return await host.run(["env", "-i", "PATH=/usr/bin:/bin", "HOME=/root", "/bin/sh", "-c", line]);
  }
});

/** The names of fields or keys that a section of the manual page describes, sorted. */
function namesIn(section: string): string[] {
  const text = quoted(MANUAL, new RegExp(`^\\.Sh ${section}\\n([^]*?)^\\.Sh `, "m"));
  const names = Array.from(
    text.matchAll(/^\.(?:It )?Va ([\w ,]+)$/gm),
    ([, list = ""]) => list.match(/\w+/g) ?? [],
  );
  return [...new Set(names.flat())].sort();
}

/** Adds the names of all fields of a value. */
function addFields(value: unknown, seen: Set<string>): void {
  if (Array.isArray(value)) for (const one of value) addFields(one, seen);
  else if (typeof value === "object" && value !== null)
    for (const [name, field] of Object.entries(value)) {
      seen.add(name);
      // Its names are peernames.
      if (name !== "holds") addFields(field, seen);
    }
}
