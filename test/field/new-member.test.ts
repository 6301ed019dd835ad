import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { assertCaughtUp, catchUp, dirty, peerOf } from "../catchup/others.ts";
import { type Cluster, groupOf, type Host, startCluster } from "../cluster/cluster.ts";

describe("a new or reinstalled member", () => {
  let cluster: Cluster;
  let h1: Host;
  let h2: Host;
  let h3: Host;
  before(async () => {
    cluster = await startCluster();
    [h1, h2, h3] = [cluster.host("h1"), cluster.host("h2"), cluster.host("h3")];
  });
  after(() => cluster.close());
  beforeEach(async () => {
    await cluster.reset(groupOf(["h1", "h2", "h3"], ["auto none;"]));
    await Promise.all(cluster.hosts.map((host) => host.serve("inetd")));
    h1.write("/srv/data/file", "1");
    h1.write("/srv/data/dir/deep", "1");
    assert.equal((await h1.csync2("-x")).code, 0);
    assert.deepEqual(h3.tree(), h1.tree());
  });

  /** A host as it is after its disk was replaced: csync2.cfg and key are there again, files and database are not. */
  async function reinstall(host: Host): Promise<void> {
    await host.powerOff();
    host.remove("/var/lib/csync2");
    host.remove("/srv/data");
    host.write("/var/lib/csync2/.keep", "");
    await host.boot();
  }

  test("with an empty disk and an empty database: everything comes, and it says why", async () => {
    await reinstall(h3);
    const result = await catchUp(h3);
    assertCaughtUp(result, "h1", "h2");
    assert.equal(result.newMember, true);
    assert.equal(peerOf(result, "h1").updated + peerOf(result, "h2").updated, 4);
    assert.deepEqual(h3.tree(), h1.tree());

    const again = await catchUp(h3);
    assertCaughtUp(again, "h1", "h2");
    assert.deepEqual([again.newMember, peerOf(again, "h1").updated], [false, 0]);
  });

  test("another csync2 holds this host's lock until the deadline: busy, so that asking later helps", async () => {
    await reinstall(h3);
    const holder = h3.spawn("flock /run/csync2rev.lock sleep 60");
    await h3.until("the lock is held", () => h3.processes().some(({ command }) => command === "sleep 60"));
    const result = await catchUp(h3, "--deadline", "3", "-P", "h1");
    assert.deepEqual([result.code, result.outcomes], [75, ["busy"]], JSON.stringify(result));
    assert.ok(holder.exitCode === null, "the lock was held all the time");
    await h3.run("pkill sleep");
    assertCaughtUp(await catchUp(h3), "h1", "h2");
  });

  test("csync2 from cron was there before: directories alone make no member that knows something", async () => {
    await reinstall(h3);
    h3.write("/srv/data/.keep", "");
    h3.remove("/srv/data/.keep");
    await h3.csync2("-x");
    assertCaughtUp(await catchUp(h3), "h1", "h2");
    assert.deepEqual(h3.tree(), h1.tree());
  });

  test("says so on the terminal", async () => {
    await reinstall(h3);
    const { stdout, code } = await h3.run(["csync2rev", "--others"]);
    assert.equal(code, 0, stdout);
    assert.match(
      stdout,
      /^csync2's database here knew no file, so the peers compared theirs with it, as with --reconcile\./m,
    );
  });

  test("is caught up with a peer only if the comparison worked", async () => {
    await reinstall(h3);
    await h1.stopServices();
    const result = await catchUp(h3, "--deadline", "2", "--connect-timeout", "1");
    assert.deepEqual([result.code, result.outcomes], [75, ["unreachable", "caught-up"]]);
    assert.deepEqual(h3.tree(), h1.tree());
  });

  test("--dry-run names what would come", async () => {
    await reinstall(h3);
    const result = await catchUp(h3, "--dry-run", "-P", "h1");
    assert.deepEqual([result.code, result.outcomes], [1, ["pending"]]);
    const files = ["/srv/data", "/srv/data/dir", "/srv/data/dir/deep", "/srv/data/file"];
    assert.deepEqual([...peerOf(result, "h1").files].sort(), files);
    assert.deepEqual(h3.tree().size, 0);
  });

  test("with older files from an installer: they are replaced, and go to nobody", async () => {
    await reinstall(h3);
    h3.write("/srv/data/file", "as installed");
    await h3.run(["touch", "-d", "2001-01-01", "/srv/data/file"]);
    h3.write("/srv/data/own", "of h3 alone");
    assertCaughtUp(await catchUp(h3), "h1", "h2");
    assert.equal(h3.read("/srv/data/file"), "1");
    await h3.csync2("-x");
    assert.deepEqual([h1.read("/srv/data/file"), h2.read("/srv/data/file")], ["1", "1"]);
    assert.deepEqual(await dirty(h3, "h1"), []);
    const verified = await catchUp(h3, "--verify", "-P", "h1");
    assert.deepEqual(peerOf(verified, "h1").files, ["/srv/data/own"]);
  });

  test("just added to csync2.cfg everywhere", async () => {
    await cluster.reset(groupOf(["h1", "h2"], ["auto none;"]));
    await Promise.all(cluster.hosts.map((host) => host.serve("inetd")));
    h1.write("/srv/data/file", "before h3 came");
    assert.equal((await h1.csync2("-x")).code, 0);
    for (const host of cluster.hosts)
      host.write("/etc/csync2.cfg", groupOf(["h1", "h2", "h3"], ["auto none;"]));
    assertCaughtUp(await catchUp(h3), "h1", "h2");
    assert.deepEqual(h3.tree(), h1.tree());
  });

  test("restored from a backup, with the database of that day: without that database it gets all", async () => {
    await h3.powerOff();
    const backup = h3.read("/srv/data/file");
    h1.write("/srv/data/file", "2");
    await h3.boot();
    assert.equal((await h1.csync2("-x")).code, 0);
    assert.equal(h3.read("/srv/data/file"), "2");
    h3.write("/srv/data/file", backup);
    await h3.run(["touch", "-d", "2001-01-01", "/srv/data/file"]);
    // docs/new-member.md: the database goes before the first run.
    await h3.run(["sh", "-c", "rm /var/lib/csync2/h3.db3"]);
    assertCaughtUp(await catchUp(h3), "h1", "h2");
    assert.equal(h3.read("/srv/data/file"), "2");
  });

  test("a peer whose database was made anew, and that catches up first, pushes nothing old", async () => {
    await h2.powerOff();
    h1.write("/srv/data/file", "2");
    assert.equal((await h1.csync2("-x", "-P", "h3")).code, 0);
    h2.remove("/var/lib/csync2/h2.db3");
    await h2.boot();
    assertCaughtUp(await catchUp(h2), "h1", "h3");
    assert.equal(h2.read("/srv/data/file"), "2");
    assertCaughtUp(await catchUp(h3), "h1", "h2");
    assert.equal(h3.read("/srv/data/file"), "2");
  });
});
