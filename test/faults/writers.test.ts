import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { type Cluster, type Host, startCluster } from "../cluster/cluster.ts";
import { assertCaughtUp, assertOutcomes, catchUp, type CaughtUp, dirty, peerOf } from "../catchup/others.ts";

describe("two peers wrote the same file while a third was down", () => {
  let cluster: Cluster;
  let h1: Host, h2: Host, h3: Host;
  const file = "/srv/data/f";

  before(async () => {
    cluster = await startCluster();
    [h1, h2, h3] = [cluster.host("h1"), cluster.host("h2"), cluster.host("h3")];
  });
  after(() => cluster.close());
  beforeEach(async () => {
    await cluster.reset();
    await Promise.all(cluster.hosts.map((host) => host.serve("inetd")));
    h1.write(file, "v0");
    await h1.shell("csync2 -xr /");
    await h3.powerOff();
  });

  const change = async (host: Host, content: string, time: string): Promise<void> => {
    host.write(file, content);
    await host.shell(`touch -d "2026-01-01 ${time}" ${file} && csync2 -cr /`);
  };

  /** The host that was down catches up, and h2 is the last to push. */
  const catchUpWithH2Last = async (...options: readonly string[]): Promise<CaughtUp> => {
    await h3.boot();
    const holder = h2.spawn("flock /run/csync2rev.lock sleep 60");
    await h2.until("the lock is held", () => h2.processes().some(({ command }) => command === "sleep 60"));
    const catchingUp = catchUp(h3, ...options);
    await h3.until("h1's has come", () => !h3.tree().has("f") || h3.read(file) !== "v0");
    holder.kill();
    await h2.run("pkill sleep");
    return await catchingUp;
  };

  test("the newer one wins, whichever comes first", async () => {
    await change(h1, "newer", "12:00");
    await change(h2, "older", "10:00");
    assertCaughtUp(await catchUpWithH2Last(), "h1", "h2");
    assert.equal(h3.read(file), "newer");
    // They settle it between them, without the third.
    await h1.shell("csync2 -u");
    for (const host of cluster.hosts) {
      assert.equal(host.read(file), "newer", host.name);
      assert.deepEqual(await dirty(host, "h3"), []);
    }
  });

  test("one that builds on the other is not a conflict", async () => {
    await change(h1, "older", "10:00");
    await change(h2, "newer", "12:00");
    assertCaughtUp(await catchUpWithH2Last(), "h1", "h2");
    assert.equal(h3.read(file), "newer");
  });

  test("a directory that is half there when its check runs is no conflict once it is whole", async () => {
    await h3.boot();
    // As it is while a csync2 makes it: the other one has not yet said which mode it has.
    await h3.shell("mkdir -m 700 /srv/data/new && csync2 -cr /");
    await h1.shell("mkdir -m 755 /srv/data/new && csync2 -cr /");
    const catchingUp = catchUp(h3);
    const pushed = (): boolean =>
      h1.syslog().some(({ message }) => /done verb=update .*exit=1/.test(message));
    await h1.until("its csync2 meets the conflict", pushed);
    await h3.shell("chmod 755 /srv/data/new");
    assertCaughtUp(await catchingUp, "h1", "h2");
    assert.deepEqual(await dirty(h1, "h3"), []);
  });

  test("a file that one has deleted and the other has written is named", async () => {
    h1.remove(file);
    await h1.shell("csync2 -cr /");
    await change(h2, "kept", "12:00");
    const result = await catchUpWithH2Last();
    assertOutcomes(result, { h1: "pending/differs", h2: "caught-up" });
    assert.deepEqual(peerOf(result, "h1").files, [file]);
    assert.match(peerOf(result, "h1").detail ?? "", /^1 only here, new or deleted elsewhere/);
    assert.equal(result.code, 1);
  });

  test("--verify names that file, and whatever else differs", async () => {
    h1.remove(file);
    await h1.shell("csync2 -cr /");
    await change(h2, "kept", "12:00");
    h3.write("/srv/data/own", "own");
    await h3.boot();
    await h3.shell("csync2 -cIr /");
    const result = await catchUpWithH2Last("--verify");
    assert.deepEqual(peerOf(result, "h1").files, [file, "/srv/data/own"]);
    assert.deepEqual(peerOf(result, "h2").files, ["/srv/data/own"]);
  });
});
