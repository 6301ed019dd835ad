import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, beforeEach, describe, test } from "node:test";
import { type Cluster, type Host, groupOf, startCluster } from "../cluster/cluster.ts";
import { assertOutcomes, catchUp } from "./others.ts";

const HOSTS = [
  { name: "h1", aliases: ["h1-sync"] },
  { name: "h2", aliases: ["h2-sync"] },
  { name: "h3", aliases: ["h3-sync"] },
];

let cluster: Cluster;
let h1: Host;
let h2: Host;
let h3: Host;

before(async () => {
  cluster = await startCluster({ hosts: HOSTS, cfg: groupOf(["h1", "h2", "h3"]) });
  [h1, h2, h3] = [cluster.host("h1"), cluster.host("h2"), cluster.host("h3")];
});
after(() => cluster.close());

describe("a member that was down", () => {
  beforeEach(async () => {
    await cluster.reset(groupOf(["h1", "h2", "h3"]));
  });

  for (const kind of ["inetd", "xinetd", "systemd"] as const) {
    const skip =
      kind === "systemd" &&
      !existsSync("/usr/bin/systemd-socket-activate") &&
      "systemd is not on this machine";
    test(`gets new, changed and deleted files from a peer behind ${kind}`, { skip }, async () => {
      for (const host of [h1, h2, h3]) await host.serve("inetd");
      await h1.serve(kind);
      h1.write("/srv/data/changes", "old");
      h1.write("/srv/data/goes", "old");
      assert.equal((await h1.csync2("-x")).code, 0);
      assert.deepEqual([...h3.tree().keys()], ["changes", "goes"]);

      await h3.powerOff();
      h1.write("/srv/data/changes", "new");
      h1.remove("/srv/data/goes");
      h1.write("/srv/data/dir/comes", "new");
      assert.notDeepEqual(h3.tree(), h1.tree());
      await h3.boot();

      const result = await catchUp(h3);
      assertOutcomes(result, { h1: "caught-up", h2: "caught-up" });
      assert.equal(result.exit, 0);
      assert.deepEqual(h3.tree(), h1.tree());
      const [fromH1] = result.peers;
      assert.deepEqual(
        [fromH1?.updated, fromH1?.deleted, fromH1?.pending, fromH1?.group],
        [3, 1, 0, "cluster"],
      );
      assert.equal(h3.read("/srv/data/changes"), "new");
      await h1.until("nothing is left running", () => h1.processes().length === 0);
    });
  }

  test("gets from each peer what only that peer has", async () => {
    await Promise.all([h1.serve("inetd"), h2.serve("xinetd"), h3.serve("inetd")]);
    h1.write("/srv/data/from-h1", "1");
    h2.write("/srv/data/from-h2", "2");
    const { code, stdout, stderr } = await h3.run("csync2rev --others");
    assert.equal(code, 0, stderr);
    assert.deepEqual([...h3.tree().keys()], ["from-h1", "from-h2"]);
    const lines = stdout.replaceAll(/\d+\.\d/g, "N").split("\n");
    assert.deepEqual(lines, [
      "PEER  GROUP    OUTCOME    UPDATED  DELETED  PENDING  SECONDS",
      "h1    cluster  caught-up        1        0        0      N",
      "h2    cluster  caught-up        1        0        0      N",
      "",
      "csync2's database here knew no file, so the peers compared theirs with it, as with --reconcile. Files that were here before are pushed to nobody; csync2rev --others --verify lists what differs",
      "",
      "caught up with 2 of 2 peers in N s",
      "",
    ]);
  });

  test("gets what changed since the request before, however soon it asks again", async () => {
    await Promise.all([h1, h3].map((host) => host.serve("inetd")));
    for (const version of ["1", "2", "three"]) {
      h1.write("/srv/data/a", version);
      assertOutcomes(await catchUp(h3, "-P", "h1"), { h1: "caught-up" });
      assert.equal(h3.read("/srv/data/a"), version);
    }
  });

  test("is known by the name right of the @, on both sides", async () => {
    await cluster.reset(groupOf(["h1@h1-sync", "h2@h2-sync", "h3@h3-sync"]));
    await Promise.all([h1, h2, h3].map((host) => host.serve("inetd")));
    h1.write("/srv/data/a", "a");
    assertOutcomes(await catchUp(h3), { "h1-sync": "caught-up", "h2-sync": "caught-up" });
    assert.deepEqual(h3.tree(), h1.tree());
    h3.write("/srv/data/b", "b");
    assertOutcomes(await catchUp(h1), { "h2-sync": "caught-up", "h3-sync": "caught-up" });
    assert.equal(h1.read("/srv/data/b"), "b");
  });

  test("asks only through the groups and the peers that it is told to", async () => {
    const group = (name: string, path: string, hosts: string): string =>
      `group ${name} {\n host ${hosts};\n key /etc/csync2.key;\n include ${path};\n auto younger;\n}\n`;
    await cluster.reset(`nossl * *;\n${group("web", "/srv/web", "h1 h3")}${group("db", "/srv/db", "h2 h3")}`);
    await Promise.all([h1, h2, h3].map((host) => host.serve("inetd")));
    h1.write("/srv/web/page", "1");
    h2.write("/srv/db/row", "2");
    assertOutcomes(await catchUp(h3, "-G", "db"), { h2: "caught-up" });
    assert.deepEqual(
      [existsSync(h3.path("/srv/db/row")), existsSync(h3.path("/srv/web/page"))],
      [true, false],
    );
    assertOutcomes(await catchUp(h3, "-P", "h1"), { h1: "caught-up" });
    assert.equal(existsSync(h3.path("/srv/web/page")), true);
    const unknown = await h3.run("csync2rev -o -P h9");
    assert.equal(unknown.code, 64);
    assert.match(unknown.stderr, /-P: "h9" is not a peer that may push to this host: choose from h1, h2\n$/);
  });

  test("--dry-run says what would come, and changes nothing on the host", async () => {
    await Promise.all([h1, h2, h3].map((host) => host.serve("inetd")));
    h3.write("/srv/data/own", "own");
    await h3.csync2("-cr", "/");
    h1.write("/srv/data/dir/new", "new");
    const before = h3.tree();
    const result = await catchUp(h3, "--dry-run");
    assert.equal(result.dryRun, true);
    assert.deepEqual(h3.tree(), before);
    assert.equal(result.exit, 1);
    const [h1Result, h2Result] = result.peers;
    assert.equal(h1Result?.outcome, "pending");
    assert.deepEqual([...h1Result.files].sort(), ["/srv/data/dir", "/srv/data/dir/new"]);
    assert.deepEqual([h1Result.updated, h1Result.deleted], [2, 0]);
    assert.equal(h2Result?.outcome, "caught-up");
  });

  test("-v shows csync2's lines, each with its peer", async () => {
    await Promise.all([h1, h2, h3].map((host) => host.serve("inetd")));
    h1.write("/srv/data/a", "a");
    const { code, stderr } = await h3.run("csync2rev --others -v");
    assert.equal(code, 0);
    assert.match(stderr, /^h1: Updating \/srv\/data\/a on h3 \.\.\.$/m);
  });

  test("takes what has changed while it was pushed", async () => {
    await Promise.all(cluster.hosts.map((host) => host.serve("inetd")));
    const meanwhile =
      '#!/bin/sh\n/usr/sbin/csync2 "$@"\nexit=$?\ncase "$*" in *-u*) [ -e /srv/data/late ] || { echo late >/srv/data/late; /usr/sbin/csync2 -cr /; }; esac\nexit $exit\n';
    h1.write("/opt/csync2-that-meets-a-change", meanwhile, 0o755);
    h1.write("/etc/csync2rev.ini", "csync2 = /opt/csync2-that-meets-a-change\n");
    h1.write("/srv/data/a", "a");
    const { exit, peers } = await catchUp(h3, "-P", "h1");
    assert.deepEqual(
      [exit, peers.map(({ outcome, updated, pending }) => [outcome, updated, pending])],
      [0, [["caught-up", 2, 0]]],
    );
    assert.deepEqual(h3.tree(), h1.tree());
  });

  test("waits until its own csync2 answers", async () => {
    await Promise.all([h1, h2].map((host) => host.serve("inetd")));
    h1.write("/srv/data/a", "a");
    const waiting = catchUp(h3);
    await h3.until("csync2rev looks whether csync2 is there", () =>
      h3.processes().some(({ command }) => command.includes("csync2rev --others")),
    );
    await h3.serve("inetd");
    assert.equal((await waiting).exit, 0);
    assert.deepEqual(h3.tree(), h1.tree());
  });

  test("says so when its own csync2 is stopped by csync2.lock", async () => {
    await Promise.all(cluster.hosts.map((host) => host.serve("inetd")));
    await h2.csync2("-cIr", "/");
    h1.write("/srv/data/a", "a");
    h3.write("/etc/csync2.lock", "");
    const result = await catchUp(h3);
    assertOutcomes(result, { h1: "failed/not-ready", h2: "caught-up" });
    assert.deepEqual(result.peers[0]?.files, ["/srv/data", "/srv/data/a"]);
    assert.match(result.peers[0].detail ?? "", /^\/etc\/csync2\.lock exists/);
  });

  test("says so when its own csync2 does not answer", async () => {
    await Promise.all([h1, h2].map((host) => host.serve("inetd")));
    for (const host of [h2, h3]) host.write("/srv/data/known", "known");
    for (const host of [h2, h3]) await host.csync2("-cIr", "/");
    h1.write("/srv/data/a", "a");
    h3.write("/etc/csync2rev.ini", "[others]\nready-timeout = 1\n");
    const result = await catchUp(h3);
    assertOutcomes(result, { h1: "failed/not-ready", h2: "caught-up" });
    assert.match(
      result.peers[0]?.detail ?? "",
      /csync2 on this host does not answer at h3 \(10\.77\.0\.3\) port 30865/,
    );
    assert.equal(result.exit, 1);
  });
});

describe("a peer that cannot help", () => {
  beforeEach(async () => {
    await cluster.reset(groupOf(["h1", "h2", "h3"]));
    await Promise.all([h1, h2, h3].map((host) => host.serve("inetd")));
  });
  // On a busy machine, a peer that can help takes a second to greet.
  const deadline = ["--deadline", "4", "--connect-timeout", "3"];

  test("down: unreachable, 75", async () => {
    await h2.powerOff();
    h1.write("/srv/data/a", "a");
    const result = await catchUp(h3, ...deadline);
    assertOutcomes(result, { h1: "caught-up", h2: "unreachable/no-answer" });
    assert.equal(result.exit, 75);
    assert.equal(h3.read("/srv/data/a"), "a");
  });

  test("down, and nobody on its network knows its address: not the advice to start csync2rev there", async () => {
    await h2.powerOff();
    await h3.shell("ip neigh flush nud permanent dev eth0");
    const { code, stdout } = await h3.run(["csync2rev", "--others", "-P", "h2", "--deadline", "10"]);
    assert.equal(code, 75);
    assert.match(
      stdout,
      /^h2: unreachable: no-route: 10\.77\.0\.2 port 30866: no route to it \(EHOSTUNREACH\)$/m,
    );
    assert.doesNotMatch(stdout, /start csync2rev/);
  });

  for (const [route, why] of [
    ["unreachable", "no route to it (EHOSTUNREACH)"],
    ["blackhole", "a route here drops what goes there (EINVAL)"],
  ] as const)
    test(`with no route to it, ${route}: unreachable, 75, and what to look at`, async () => {
      await h3.shell(`ip route add ${route} 10.77.0.2/32`);
      const { code, stdout } = await h3.run(["csync2rev", "--others", "-P", "h2", ...deadline]);
      await h3.shell(`ip route del ${route} 10.77.0.2/32`);
      assert.equal(code, 75);
      assert.ok(stdout.includes(`\nh2: unreachable: no-route: 10.77.0.2 port 30866: ${why}\n`), stdout);
      assert.match(
        stdout,
        /^ {2}→ check that h2 is up, and the network and the routes between this host and it$/m,
      );
    });

  for (const [what, settings, make, command] of [
    ["syslog", "", ":", "grep csync2rev /var/log/syslog"],
    ["a file", "log = /var/log/a log\n", ":", "tail '/var/log/a log'"],
    ["the journal", "", "mkdir -p /run/systemd/system", "journalctl -t csync2rev"],
    ["the journal", "ident = mine\n", "mkdir -p /run/systemd/system", "journalctl -t csync2rev -t mine"],
  ] as const)
    test(`that logs to ${what}, with ${settings.trim() || "the defaults"}: the command that shows its log`, async () => {
      for (const host of [h2, h3]) {
        await host.shell(make);
        host.write("/etc/csync2rev.ini", settings);
      }
      h2.write("/etc/csync2.key", `${"k".repeat(64)}\n`, 0o600);
      const { stdout } = await h3.run(["csync2rev", "--others", "-P", "h2", ...deadline]);
      const [, shown = ""] =
        /^ {2}→ .*: csync2rev's log on h2 says what is wrong {2}(.*)$/m.exec(stdout) ?? [];
      await Promise.all([h2, h3].map((host) => host.shell("rm -rf /run/systemd")));
      assert.equal(shown, command, stdout);
      if (!command.startsWith("journalctl"))
        assert.match(await h2.shell(command), /event=unauthenticated .*no key of this host/);
    });

  test("without csync2rev: unreachable, 75, and it says where nothing listens", async () => {
    await h2.stopServices();
    const result = await catchUp(h3, ...deadline);
    assertOutcomes(result, { h1: "caught-up", h2: "unreachable/not-listening" });
    assert.match(
      result.peers[1]?.detail ?? "",
      /^10\.77\.0\.2 port 30866: nothing listens there \(ECONNREFUSED\)$/,
    );
    assert.equal(result.exit, 75);
  });

  test("with another key: unanswered, 77, and its log says so", async () => {
    h2.write("/etc/csync2.key", `${"k".repeat(64)}\n`);
    const result = await catchUp(h3);
    assertOutcomes(result, { h1: "caught-up", h2: "unanswered" });
    assert.equal(result.exit, 77);
    const [line] = await h2.logged();
    assert.equal(
      line?.message,
      'event=unauthenticated code=unauthenticated message="no key of this host\'s groups opens the request" address=10.77.0.3',
    );
  });

  test("with an allow-list that does not name us: refused, 77", async () => {
    const directive = "    #csync2rev allow h1;\n}";
    h2.write("/etc/csync2.cfg", groupOf(["h1", "h2", "h3"]).replace(/\}/, directive));
    const result = await catchUp(h3);
    assertOutcomes(result, { h1: "caught-up", h2: "refused/not-allowed" });
    assert.equal(result.exit, 77);
    assertOutcomes(await catchUp(h1), { h2: "caught-up", h3: "caught-up" });
  });

  test("that does not know us: refused", async () => {
    h2.write("/etc/csync2.cfg", groupOf(["h1", "h2"]));
    assertOutcomes(await catchUp(h3), { h1: "caught-up", h2: "refused/not-a-member" });
  });

  test("that resolves our name to another address: refused", async () => {
    h2.write("/etc/hosts", h2.read("/etc/hosts").replace("10.77.0.3 h3", "10.77.0.33 h3"));
    const result = await catchUp(h3);
    assertOutcomes(result, { h1: "caught-up", h2: "refused/wrong-address" });
    assert.equal(
      result.peers[1]?.detail,
      '10.77.0.3 is not an address of "h3" there: it resolves to 10.77.0.33',
    );
  });

  test("that our name service mixes up with another: refused", async () => {
    h3.write("/etc/hosts", h3.read("/etc/hosts").replace("10.77.0.2 h2", "10.77.0.1 h2"));
    assertOutcomes(await catchUp(h3), { h1: "caught-up", h2: "refused/wrong-host" });
  });

  test("that holds itself for a slave: refused", async () => {
    h2.write("/etc/csync2.cfg", groupOf(["h1", "(h2)", "h3"]));
    assertOutcomes(await catchUp(h3), { h1: "caught-up", h2: "refused/slave" });
  });

  test("that is a slave in our configuration too: not asked", async () => {
    await cluster.reset(groupOf(["h1", "(h2)", "h3"]));
    await Promise.all([h1, h3].map((host) => host.serve("inetd")));
    assertOutcomes(await catchUp(h3), { h1: "caught-up" });
  });

  test("with a csync2.lock: refused", async () => {
    h2.write("/etc/csync2.lock", "");
    assertOutcomes(await catchUp(h3), { h1: "caught-up", h2: "refused/locked" });
  });

  test("with a broken directive: refused, and its log says where", async () => {
    h2.write("/etc/csync2.cfg", groupOf(["h1", "h2", "h3"]).replace(/\}/, "    #csync2rev alow h3;\n}"));
    assertOutcomes(await catchUp(h3), { h1: "caught-up", h2: "refused/config" });
    const error = (await h2.logged()).find(({ message }) => message.startsWith("event=error"));
    assert.match(error?.message ?? "", /code=directive message=".*\/etc\/csync2\.cfg:\d+:\d+: /);
  });

  test("with a directive that is misspelt at its beginning: refused too, and its log says where", async () => {
    const cfg = groupOf(["h1", "h2", "h3"]);
    for (const [line, column] of [
      ["# csync2rev allow h1;", 6],
      ["#csync2rev\u00a0allow h1;", 15],
      ["#\u0441sync2rev: only h1;", 6],
      ["#csync2rev", 15],
    ] as const) {
      h2.write("/etc/csync2.cfg", cfg.replace(/\}/, `    ${line}\n}`));
      const before = h2.syslog("csync2rev").length;
      assertOutcomes(await catchUp(h3), { h1: "caught-up", h2: "refused/config" });
      const logged = (await h2.logged("csync2rev", before + 1)).slice(before);
      const error = logged.find(({ message }) => message.startsWith("event=error"))?.message ?? "";
      assert.ok(error.includes(`code=directive message="/etc/csync2.cfg:8:${column}: `), `${line}: ${error}`);
    }
  });

  test("without csync2: refused, and it says what is missing", async () => {
    h2.write("/etc/csync2rev.ini", "csync2 = /usr/sbin/csync2-gone\n");
    const result = await catchUp(h3);
    assertOutcomes(result, { h1: "caught-up", h2: "refused/config" });
    assert.match(result.peers[1]?.detail ?? "", /there is no program \/usr\/sbin\/csync2-gone/);
  });

  test("that refuses in one group and serves in another: both are told", async () => {
    const group = (name: string, hosts: string, line = ""): string =>
      `group ${name} {\n host ${hosts};\n key /etc/csync2.key;\n include /srv/${name};\n${line}}\n`;
    const all = `nossl * *;\n${group("web", "h1 h2 h3")}${group("db", "h1 h2 h3")}`;
    await cluster.reset((host) => (host === "h2" ? all.replace(/\}/, "#csync2rev allow;\n}") : all));
    await Promise.all([h1, h2, h3].map((host) => host.serve("inetd")));
    h2.write("/srv/db/row", "1");
    h2.write("/srv/web/page", "1");
    const result = await catchUp(h3);
    assertOutcomes(result, { h1: "caught-up", h2: "refused/not-allowed" });
    assert.equal(result.exit, 77);
    const [, h2Result] = result.peers;
    assert.deepEqual([h2Result?.group, h2Result?.groups, h2Result?.updated], ["web,db", ["web", "db"], 2]);
    assert.match(h2Result?.detail ?? "", /^group web: not-allowed: /);
    assert.deepEqual([existsSync(h3.path("/srv/db/row")), existsSync(h3.path("/srv/web"))], [true, false]);
  });

  const strangers: readonly (readonly [string, string, string, RegExp, number])[] = [
    ["is something else", "EXEC:'echo SSH-2.0-OpenSSH_9.2'", "unanswered", /is not csync2rev/, 77],
    ["sends garbage without end", "EXEC:'cat /dev/urandom'", "unanswered", /is not csync2rev/, 77],
    ["hangs", "EXEC:'sleep 60'", "unreachable/no-greeting", /connected, but no greeting within 3 s/, 75],
    ["closes early", "EXEC:true", "unreachable/no-greeting", /connected, but it closed the connection/, 75],
  ];
  for (const [what, address, outcome, detail, exit] of strangers) {
    test(`whose port ${what}: ${outcome}`, async () => {
      await h2.stopServices();
      const socat = h2.spawn(["socat", "TCP-LISTEN:30866,reuseaddr,fork", address]);
      await h2.until("socat listens", () => h2.listens(30866));
      const result = await catchUp(h3, ...deadline);
      socat.kill();
      assertOutcomes(result, { h1: "caught-up", h2: outcome });
      assert.match(result.peers[1]?.detail ?? "", detail);
      assert.equal(result.exit, exit);
    });
  }
});
