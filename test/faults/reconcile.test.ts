import assert from "node:assert/strict";
import { readlinkSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { type Cluster, groupOf, type Host, startCluster } from "../cluster/cluster.ts";
import { advice, catchUp, dirty, peerOf, shell } from "./catchup.ts";

const AUTO = ["none", "first", "younger", "older", "bigger", "smaller", "left", "right"];

describe("the origin of a change is gone", () => {
  let cluster: Cluster;
  let h1: Host, h2: Host, h3: Host;
  before(async () => {
    cluster = await startCluster();
    [h1, h2, h3] = ["h1", "h2", "h3"].map((name) => cluster.host(name)) as [Host, Host, Host];
  });
  after(() => cluster.close());

  const start = async (hosts: readonly string[], auto: string): Promise<void> => {
    await cluster.reset(groupOf(hosts, [`auto ${auto};`]));
    await Promise.all(cluster.hosts.map((host) => host.serve("inetd")));
  };

  /** Writes files, each as long as it is said, with its version at the front. */
  const write = (host: Host, version: string, files: Readonly<Record<string, number>>): void => {
    for (const [file, length] of Object.entries(files))
      host.write(`/srv/data/${file}`, version.padEnd(length, "."));
  };

  /** h1 tells one host of what has changed, and then is gone. */
  const push = async (to: string, ...files: readonly string[]): Promise<void> => {
    await shell(
      h1,
      `csync2 -cr / && csync2 -u -P ${to} ${files.map((file) => `/srv/data/${file}`).join(" ")}`,
    );
  };

  const cases = [
    ...AUTO.map((auto) => ({ hosts: ["h1", "h2", "h3"], auto })),
    { hosts: ["h3", "h1", "h2"], auto: "left" },
    { hosts: ["h1", "h2", "(h3)"], auto: "younger" },
  ];
  for (const { hosts, auto } of cases) {
    test(`auto ${auto}, ${hosts.join(" ")}: it arrives, and nothing newer is lost`, async () => {
      await start(hosts, auto);
      const all = { changed: 9, shrunk: 9, grown: 9, gone: 9, kept: 9, "kept-longer": 9, edited: 9 };
      write(h1, "v1", all);
      await shell(h1, "csync2 -xr");
      await h2.powerOff();
      write(h1, "v2", { kept: 5, "kept-longer": 20 });
      await push("h3", "kept", "kept-longer");
      await h3.powerOff();
      await h2.boot();
      write(h1, "v2", { changed: 9, shrunk: 5, grown: 20, new: 9, "dir/new": 9 });
      h1.remove("/srv/data/gone");
      await push("h2", "changed", "shrunk", "grown", "new", "dir", "dir/new", "gone");
      assert.equal(h2.read("/srv/data/dir/new"), "v2.......");
      await h1.powerOff();
      await h3.boot();
      write(h3, "v3", { edited: 9, mine: 9 });

      const result = await catchUp(h3, "--reconcile", "-P", "h2");
      assert.deepEqual([result.code, result.outcomes], [0, ["caught-up"]], JSON.stringify(result));
      assert.equal(peerOf(result, "h2").updated, 6);
      const versions = Object.fromEntries(
        [...h3.tree().keys()]
          .filter((file) => file !== "dir")
          .map((file) => [file, h3.read(`/srv/data/${file}`).slice(0, 2)]),
      );
      assert.deepEqual(versions, {
        changed: "v2",
        shrunk: "v2",
        grown: "v2",
        new: "v2",
        "dir/new": "v2",
        kept: "v2",
        "kept-longer": "v2",
        edited: "v3",
        mine: "v3",
        // A deletion leaves no trace in csync2's database: nobody can tell it from a file that only this host has.
        gone: "v1",
      });
      assert.deepEqual(await dirty(h2, "h3"), []);
    });
  }

  test("what both have changed is the group's to decide; auto none leaves and names it, and the advice resolves it", async () => {
    for (const [keep, begin] of [
      ["h2", /to take h2's, run there/],
      ["h3", /to keep h3's, run here/],
    ] as const) {
      await start(["h1", "h2", "h3"], "none");
      write(h1, "v1", { a: 9 });
      await shell(h1, "csync2 -xr");
      write(h3, "h3", { a: 9 });
      write(h1, "xx", { a: 9 });
      write(h1, "h2", { a: 9 });
      await push("h2", "a");
      await h1.powerOff();
      const result = await catchUp(h3, "--reconcile", "-P", "h2");
      assert.deepEqual([result.code, result.outcomes], [1, ["pending"]]);
      assert.deepEqual(peerOf(result, "h2").files, ["/srv/data/a"]);
      assert.deepEqual([h2, h3].map((host) => host.read("/srv/data/a").slice(0, 2)), ["h2", "h3"]);
      await shell(cluster.host(keep), await advice(h3, begin, "--reconcile", "-P", "h2"));
      assert.deepEqual([h2, h3].map((host) => host.read("/srv/data/a").slice(0, 2)), [keep, keep]);
      assert.equal((await catchUp(h3, "--reconcile", "-P", "h2")).code, 0);
    }
  });

  test("what has no time of its own is left as it is and named, and the advice resolves it", async () => {
    for (const [keep, begin, mode] of [
      ["h2", /to take h2's, run there/, 0o600],
      ["h3", /to keep h3's, run here/, 0o644],
    ] as const) {
      await start(["h1", "h2", "h3"], "younger");
      await shell(h1, "ln -s old /srv/data/link; echo 1 >/srv/data/mode; csync2 -xr");
      await h3.powerOff();
      await shell(h1, "ln -snf new /srv/data/link; chmod 600 /srv/data/mode");
      await push("h2", "link", "mode");
      await h1.powerOff();
      await h3.boot();
      const result = await catchUp(h3, "--reconcile", "-P", "h2");
      assert.deepEqual([result.code, result.outcomes], [1, ["pending"]]);
      assert.deepEqual(peerOf(result, "h2").files, ["/srv/data/link", "/srv/data/mode"]);
      assert.equal(readlinkSync(h3.path("/srv/data/link")), "old");

      const command = await advice(h3, begin, "--reconcile", "-P", "h2");
      await shell(cluster.host(keep), command);
      await shell(cluster.host(keep), command.replaceAll("/link", "/mode"));
      for (const host of [h2, h3]) {
        assert.equal(readlinkSync(host.path("/srv/data/link")), keep === "h2" ? "new" : "old");
        assert.equal(host.tree().get("mode")?.mode, mode);
      }
      assert.equal((await catchUp(h3, "--reconcile", "-P", "h2")).code, 0);
    }
  });

  test("what has been deleted here does not come back", async () => {
    await start(["h1", "h2", "h3"], "younger");
    write(h1, "v1", { a: 9, b: 9 });
    await shell(h1, "csync2 -xr");
    h3.remove("/srv/data/a");
    h3.remove("/srv/data/b");
    const result = await catchUp(h3, "--reconcile", "-P", "h2");
    assert.deepEqual([result.code, result.outcomes, result.peers[0]?.reason], [1, ["pending"], "unsent"]);
    assert.deepEqual(peerOf(result, "h2").files, ["/srv/data/a", "/srv/data/b"]);
    assert.deepEqual([...h3.tree().keys()], []);
    await shell(h2, await advice(h3, /to have a file back, run there/, "--reconcile", "-P", "h2"));
    assert.deepEqual([...h3.tree().keys()], ["a"]);
    await shell(h3, (await advice(h3, /to delete there too, run here/, "--reconcile", "-P", "h2")).split(" {2}and")[0] ?? "");
    assert.deepEqual([...h2.tree().keys()], ["a"]);
    assert.equal((await catchUp(h3, "--reconcile", "-P", "h2")).code, 0);
    assert.deepEqual([...h3.tree().keys()], ["a"]);
  });
});
