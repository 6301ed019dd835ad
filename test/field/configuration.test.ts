import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { assertCaughtUp, catchUp, peerOf } from "../catchup/others.ts";
import { type Cluster, groupOf, type Host, startCluster } from "../cluster/cluster.ts";

/** csync2.cfg syncs itself, a file that it includes, and keys. */
const SYNCED = ["auto younger;", "include /etc/csync2.cfg /etc/csync2.d /etc/csync2.key*;"];
const CFG = groupOf(["h1", "h2", "h3"], SYNCED);

function extra(hosts: string, key: string): string {
  return `group extra {\n    host ${hosts};\n    key ${key};\n    auto younger;\n    include /srv/extra;\n}\n`;
}

describe("a csync2.cfg that csync2 itself syncs, and that changed while a host was down", () => {
  let cluster: Cluster;
  let h1: Host;
  let h3: Host;
  let h4: Host;
  before(async () => {
    cluster = await startCluster({ hosts: ["h1", "h2", "h3", "h4"], cfg: CFG });
    [h1, h3, h4] = [cluster.host("h1"), cluster.host("h3"), cluster.host("h4")];
  });
  after(() => cluster.close());
  beforeEach(async () => {
    await cluster.reset(CFG);
    await Promise.all(cluster.hosts.map((host) => host.serve("inetd")));
    h1.write("/srv/data/file", "1");
    assert.equal((await h1.csync2("-x")).code, 0);
    assertCaughtUp(await catchUp(h3), "h1", "h2");
    await h3.powerOff();
  });

  test("a group more: the first run brings its files too, and says why it asked again", async () => {
    h1.write("/etc/csync2.cfg", CFG + extra("h1 h2 h3", "/etc/csync2.key"));
    h1.write("/srv/extra/file", "of the new group");
    await h1.csync2("-x", "-P", "h2");
    await h3.boot();

    const { code, stdout } = await h3.run("csync2rev --others");
    assert.equal(code, 0, stdout);
    assert.match(
      stdout,
      /^another csync2\.cfg came from a peer: it was read, and all peers were asked again$/m,
    );
    assert.match(stdout, /^h1 +cluster,extra +caught-up +[2-9]/m);
    assert.equal(h3.read("/srv/extra/file"), "of the new group");
    const lines = await h3.logged("csync2rev", 2);
    assert.match(lines.at(-1)?.message ?? "", /^event=others rounds=2 exit=0 peers=2 caught-up=2 /);
    assert.doesNotMatch(lines[0]?.message ?? "", /rounds/);
    assertCaughtUp(await catchUp(h3), "h1", "h2");
  });

  test("an included file with a host and a key more: that host is asked too", async () => {
    const keyed = extra("h1 h3 h4", "/etc/csync2.key_extra");
    h1.write("/etc/csync2.cfg", `${CFG}config /etc/csync2.d/extra.cfg;\n`);
    h1.write("/etc/csync2.d/extra.cfg", keyed);
    h1.write("/etc/csync2.key_extra", `${cluster.key.split("").reverse().join("")}\n`, 0o600);
    await h1.csync2("-x", "-P", "h2");
    h4.write("/etc/csync2.cfg", `nossl * *;\n${keyed}`);
    h4.write("/etc/csync2.key_extra", h1.read("/etc/csync2.key_extra"), 0o600);
    h4.write("/srv/extra/file", "on h4 alone");
    await h3.boot();

    const result = await catchUp(h3);
    assertCaughtUp(result, "h1", "h2", "h1", "h4");
    assert.equal(result.rounds, 2);
    assert.equal(h3.read("/srv/extra/file"), "on h4 alone");
    assert.ok(
      peerOf(result, "h1").updated + peerOf(result, "h2").updated >= 3,
      "what the first round brought counts",
    );
  });

  test("a host less: it is not waited for any more", async () => {
    await cluster.host("h2").powerOff();
    h1.write("/etc/csync2.cfg", groupOf(["h1", "h3"], SYNCED));
    await h3.boot();
    const result = await catchUp(h3, "--deadline", "86400", "--connect-timeout", "1");
    assertCaughtUp(result, "h1");
  });

  test("one that cannot be read here: nothing is well, and what is wrong is told", async () => {
    h1.write("/etc/csync2.cfg", CFG + extra("h1 h2 h3", "/root/csync2.key"));
    h1.write("/root/csync2.key", h1.read("/etc/csync2.key"), 0o600);
    await h3.boot();
    const { code, stderr, stdout } = await h3.run("csync2rev --others --json -P h1");
    assert.equal(code, 78, stdout);
    assert.equal((JSON.parse(stdout) as { exit: number }).exit, 78);
    assert.match(stderr, /^csync2rev: another csync2\.cfg came from a peer: .*\/root\/csync2\.key/);
  });
});
