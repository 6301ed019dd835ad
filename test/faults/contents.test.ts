import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { assertCaughtUp, catchUp, peerOf } from "../catchup/others.ts";
import { type Cluster, groupOf, type Host, startCluster } from "../cluster/cluster.ts";

/** csync2 records kind, size and time: what differs in nothing else is the same file to it. */
describe("csync2rev --others --verify=content", () => {
  let cluster: Cluster, h1: Host, h2: Host;
  before(async () => {
    cluster = await startCluster({ hosts: ["h1", "h2"] });
    [h1, h2] = [cluster.host("h1"), cluster.host("h2")];
  });
  after(() => cluster.close());
  beforeEach(async () => {
    await cluster.reset();
    await Promise.all(cluster.hosts.map((host) => host.serve("inetd")));
  });

  /** Both have the same files, but for one whose content has changed on h2 with its size and time kept. */
  async function spoilOne(file: string): Promise<void> {
    for (const name of ["a", "b", "odd name\n% $'"]) h1.write(`${file}-${name}`, "good");
    h1.write(file, "good");
    await h1.shell("csync2 -xr");
    await h2.shell(`cp -p ${file} /root/f && printf evil >${file} && touch -r /root/f ${file}`);
  }

  test("names files whose size and time are the same and whose contents differ; --verify does not", async () => {
    await spoilOne("/srv/data/f");
    assertCaughtUp(await catchUp(h2, "--verify"));
    const result = await catchUp(h2, "--verify=content");
    assert.deepEqual([result.code, result.outcomes], [1, ["pending"]]);
    const { reason, detail, files, pending } = peerOf(result, "h1");
    assert.deepEqual([reason, pending, files], ["differs", 1, ["/srv/data/f"]]);
    assert.equal(
      detail,
      "1 with other contents, though size and time are the same: touch the good copy and run csync2 -x on its host",
    );

    assert.equal(h2.read("/srv/data/f"), "evil", "it has only looked");
    assert.equal((await h2.run("csync2 -M")).code, 2, "and marked nothing");
    await h1.shell("touch -d tomorrow /srv/data/f && csync2 -x");
    assertCaughtUp(await catchUp(h2, "--verify=content"));
    assert.equal(h2.read("/srv/data/f"), "good");
  });

  test("names what it cannot compare: this host is a slave, whose csync2 pushes nothing", async () => {
    const slave = groupOf(["h1", "h2"]).replace("host h1 h2;", "host h1 (h2);");
    for (const host of cluster.hosts) host.write("/etc/csync2.cfg", slave);
    await spoilOne("/srv/data/f");
    const result = await catchUp(h2, "--verify=content");
    const { outcome, detail, pending } = peerOf(result, "h1");
    assert.deepEqual([result.code, outcome, pending], [1, "pending", 4], JSON.stringify(result));
    assert.match(detail ?? "", /^4 whose contents were not compared: this host is a slave there/);
  });

  test("compares below a prefix too, and over TLS", async () => {
    const cfg = groupOf(["h1", "h2"])
      .replace("nossl * *;", "prefix data { on *: /srv/data; }")
      .replace("include /srv/data", "include %data%");
    await cluster.reset(cfg);
    await Promise.all(cluster.hosts.map((host) => host.serve("inetd")));
    await spoilOne("/srv/data/f");
    const { files, outcome } = peerOf(await catchUp(h2, "--verify=content"), "h1");
    assert.deepEqual([outcome, files], ["pending", ["%data%/f"]]);
  });

  test("takes no other word", async () => {
    const { code, stderr } = await h1.run("csync2rev --others --verify=contents");
    assert.equal(code, 64);
    assert.match(stderr, /--verify "contents" is not allowed: write --verify or --verify=content/);
  });
});
