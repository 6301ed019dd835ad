import assert from "node:assert/strict";
import { test } from "node:test";
import { startCluster } from "../cluster/cluster.ts";
import { catchUp, peerOf, shell } from "./catchup.ts";

test("--verify lists what differs though nothing is dirty, and says what would help", async () => {
  const cluster = await startCluster();
  try {
    const [h1, h2, h3] = [cluster.host("h1"), cluster.host("h2"), cluster.host("h3")];
    await Promise.all(cluster.hosts.map((host) => host.serve("inetd")));
    for (const file of ["newer-here", "newer-there", "same"]) h1.write(`/srv/data/${file}`, "1");
    await shell(h1, "csync2 -xr");
    const clean = await catchUp(h3, "--verify");
    assert.deepEqual([clean.code, clean.outcomes], [0, ["caught-up", "caught-up"]], JSON.stringify(clean));

    h1.write("/srv/data/newer-here", "2");
    h1.write("/srv/data/only-here", "2");
    await shell(h1, "csync2 -cr / && csync2 -u -P h3");
    h1.write("/srv/data/newer-there", "2");
    h1.write("/srv/data/only-there", "2");
    await shell(h1, "csync2 -cr / && csync2 -u -P h2 /srv/data/newer-there /srv/data/only-there");
    await h1.powerOff();

    assert.equal((await catchUp(h3, "-P", "h2")).code, 0, "nothing is dirty");
    const result = await catchUp(h3, "--verify", "-P", "h2");
    assert.deepEqual([result.code, result.outcomes], [1, ["pending"]]);
    const { reason, detail, files, pending } = peerOf(result, "h2");
    assert.deepEqual([reason, pending], ["differs", 4]);
    assert.equal(
      detail,
      "2 newer or only there: --reconcile brings them; 2 newer or only here: csync2rev --others --reconcile there brings them",
    );
    assert.deepEqual(
      files,
      ["newer-here", "newer-there", "only-here", "only-there"].map((file) => `/srv/data/${file}`),
    );
    const { stdout } = await h3.run(["csync2rev", "--others", "--verify", "-P", "h2"]);
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
