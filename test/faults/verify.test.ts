import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { startCluster } from "../cluster/cluster.ts";
import { assertCaughtUp, catchUp, peerOf, read, untilQuiet } from "../catchup/others.ts";

test("--verify lists what differs though nothing is dirty, and says what would help", async () => {
  const cluster = await startCluster();
  try {
    const [h1, h2, h3] = [cluster.host("h1"), cluster.host("h2"), cluster.host("h3")];
    await Promise.all(cluster.hosts.map((host) => host.serve("inetd")));
    for (const file of ["newer-here", "newer-there", "same"]) h1.write(`/srv/data/${file}`, "1");
    await h1.shell("csync2 -xr");
    const clean = await catchUp(h3, "--verify");
    assertCaughtUp(clean);

    h1.write("/srv/data/newer-here", "2");
    h1.write("/srv/data/only-here", "2");
    await h1.shell("csync2 -cr / && csync2 -u -P h3");
    h1.write("/srv/data/newer-there", "2");
    h1.write("/srv/data/only-there", "2");
    await h1.shell("csync2 -cr / && csync2 -u -P h2 /srv/data/newer-there /srv/data/only-there");
    await h1.powerOff();

    assert.equal((await catchUp(h3, "-P", "h2")).code, 0, "nothing is dirty");
    const result = await catchUp(h3, "--verify", "-P", "h2");
    assert.deepEqual([result.code, result.outcomes], [1, ["pending"]]);
    const { reason, detail, files, pending } = peerOf(result, "h2");
    assert.deepEqual([reason, pending], ["differs", 4]);
    assert.equal(
      detail,
      [
        "1 newer there: --reconcile brings them",
        "1 only there, new or deleted elsewhere: --reconcile brings them too",
        "1 newer here: csync2rev --others --reconcile there brings them",
        "1 only here, new or deleted elsewhere: csync2rev --others --reconcile there brings them too",
      ].join("; "),
    );
    assert.deepEqual(
      files,
      ["newer-there", "only-there", "newer-here", "only-here"].map((file) => `/srv/data/${file}`),
    );
    const { stdout } = await h3.run("csync2rev --others --verify -P h2");
    assert.match(stdout, /^ {4}\/srv\/data\/newer-there$/m);

    const both = await catchUp(h3, "--verify", "--reconcile", "-P", "h2");
    assert.deepEqual(peerOf(both, "h2").files, ["/srv/data/newer-here", "/srv/data/only-here"]);
    assert.equal((await catchUp(h2, "--verify", "--reconcile", "-P", "h3")).code, 0);
    assert.deepEqual([...h2.tree()], [...h3.tree()]);
    assert.equal((await catchUp(h3, "--verify", "-P", "h2")).code, 0);
  } finally {
    await cluster.close();
  }
});

test("Ctrl-C ends the comparison on this host at once; what came before is told", async () => {
  const cluster = await startCluster({ hosts: ["h1", "h2"] });
  try {
    const [h1, h2] = [cluster.host("h1"), cluster.host("h2")];
    await Promise.all(cluster.hosts.map((host) => host.serve("inetd")));
    // A host without any record would reconcile.
    h2.write("/srv/data/own", "own");
    for (const host of [h1, h2]) await host.shell("csync2 -cIr /");
    h1.write("/srv/data/a", "a");
    const holder = h2.spawn("flock /run/csync2rev.lock sleep 60");
    await h2.until("the lock is held", () => h2.processes().some(({ command }) => command === "sleep 60"));
    const child = h2.spawn("csync2rev --others --verify --json");
    let stdout = "";
    child.stdout.on("data", (text: Buffer) => (stdout += text.toString()));
    await h2.until(
      "it waits for the lock",
      () => h2.processes().some(({ command }) => /flock --timeout .*--conflict-exit-code/.test(command)),
      20_000,
    );
    child.kill("SIGINT");
    const [code] = (await once(child, "close")) as [number];
    const result = read({ code, stdout, stderr: "" });
    const { outcome, detail, updated } = peerOf(result, "h1");
    assert.deepEqual([code, outcome, detail, updated], [130, "failed", "not verified: interrupted", 1]);
    assert.ok(holder.exitCode === null, "the lock was held all the time");
    await h2.run("pkill sleep");
    await untilQuiet(h2);
  } finally {
    await cluster.close();
  }
});
