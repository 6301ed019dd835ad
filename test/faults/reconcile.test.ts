import assert from "node:assert/strict";
import { readlinkSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { type Cluster, groupOf, type Host, startCluster } from "../cluster/cluster.ts";
import { assertCaughtUp, advice, catchUp, dirty, peerOf } from "../catchup/others.ts";

/** Every `auto` method, with h3 on the other side of h2 where sides count, and h3 as a slave: a group and a directory each. */
const GROUPS: Readonly<Record<string, { hosts: string; auto: string }>> = {
  ...Object.fromEntries(
    ["none", "first", "younger", "older", "bigger", "smaller", "left", "right"].map((auto) => [
      auto,
      { hosts: "h1 h2 h3", auto },
    ]),
  ),
  "left-of-h2": { hosts: "h3 h1 h2", auto: "left" },
  "right-of-h3": { hosts: "h3 h1 h2", auto: "right" },
  slave: { hosts: "h1 h2 (h3)", auto: "younger" },
};
const GROUP_OF_EACH = Object.entries(GROUPS)
  .map(
    ([name, { hosts, auto }]) =>
      `group ${name} { host ${hosts}; key /etc/csync2.key; auto ${auto}; include /srv/data/${name}; }\n`,
  )
  .join("");

describe("the origin of a change is gone", () => {
  let cluster: Cluster;
  let h1: Host, h2: Host, h3: Host;
  before(async () => {
    cluster = await startCluster();
    [h1, h2, h3] = ["h1", "h2", "h3"].map((name) => cluster.host(name)) as [Host, Host, Host];
  });
  after(() => cluster.close());

  const start = async (cfg: string): Promise<void> => {
    await cluster.reset(cfg);
    await Promise.all(cluster.hosts.map((host) => host.serve("inetd")));
  };

  /** Writes files, each as long as it is said, with its version at the front. */
  const write = (host: Host, version: string, files: Readonly<Record<string, number>>): void => {
    for (const [file, length] of Object.entries(files))
      host.write(`/srv/data/${file}`, version.padEnd(length, "."));
  };

  /** h1 tells one host of what has changed, and then is gone. */
  const push = async (to: string, ...files: readonly string[]): Promise<void> => {
    await h1.shell(
      `csync2 -cr / && csync2 -u -P ${to} ${files.map((file) => `/srv/data/${file}`).join(" ")}`,
    );
  };

  test("it arrives, and nothing newer is lost, whatever the auto method", async () => {
    const inEach = (files: Readonly<Record<string, number>>): Record<string, number> =>
      Object.fromEntries(
        Object.keys(GROUPS).flatMap((group) =>
          Object.entries(files).map(([file, length]) => [`${group}/${file}`, length]),
        ),
      );
    const names = (...files: readonly string[]): string[] =>
      Object.keys(inEach(Object.fromEntries(files.map((file) => [file, 0]))));

    await start(`nossl * *;\n${GROUP_OF_EACH}`);
    const nine = { changed: 9, shrunk: 9, grown: 9, gone: 9, kept: 9, "kept-longer": 9, edited: 9 };
    write(h1, "v1", inEach(nine));
    await h1.shell("csync2 -xr");
    await h2.powerOff();
    write(h1, "v2", inEach({ kept: 5, "kept-longer": 20 }));
    await push("h3", ...names("kept", "kept-longer"));
    await h3.powerOff();
    await h2.boot();
    write(h1, "v2", inEach({ changed: 9, shrunk: 5, grown: 20, new: 9, "dir/new": 9 }));
    for (const file of names("gone")) h1.remove(`/srv/data/${file}`);
    await push("h2", ...names("changed", "shrunk", "grown", "new", "dir", "dir/new", "gone"));
    assert.equal(h2.read("/srv/data/none/dir/new"), "v2.......");
    await h1.powerOff();
    await h3.boot();
    write(h3, "v3", inEach({ edited: 9, mine: 9 }));

    const result = await catchUp(h3, "--reconcile", "-P", "h2");
    assertCaughtUp(result);
    for (const group of Object.keys(GROUPS)) {
      const versions = Object.fromEntries(
        [...h3.tree(`/srv/data/${group}`).keys()]
          .filter((file) => file !== "dir")
          .map((file) => [file, h3.read(`/srv/data/${group}/${file}`).slice(0, 2)]),
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
        // A deletion leaves no trace in csync2's database: csync2rev cannot tell it from a file that only this host has.
        gone: "v1",
      });
    }
    assert.equal(peerOf(result, "h2").updated, 6 * Object.keys(GROUPS).length);
    assert.deepEqual(await dirty(h2, "h3"), []);
  });

  test("what both have changed is the group's to decide; auto none leaves and names it, and the advice resolves it", async () => {
    await start(groupOf(["h1", "h2", "h3"], ["auto none;"]));
    write(h1, "v1", { a: 9, b: 9 });
    await h1.shell("csync2 -xr");
    write(h3, "h3", { a: 9, b: 9 });
    write(h1, "xx", { a: 9, b: 9 });
    write(h1, "h2", { a: 9, b: 9 });
    await push("h2", "a", "b");
    await h1.powerOff();
    const result = await catchUp(h3, "--reconcile", "-P", "h2");
    assert.deepEqual([result.code, result.outcomes], [1, ["pending"]]);
    assert.deepEqual(peerOf(result, "h2").files, ["/srv/data/a", "/srv/data/b"]);
    for (const file of ["a", "b"]) {
      assert.match(h2.read(`/srv/data/${file}`), /^h2/);
      assert.match(h3.read(`/srv/data/${file}`), /^h3/);
    }
    const [take, keep] = await advice(
      h3,
      ["to take h2's, run there", "to keep h3's, run here"],
      "--reconcile",
      "-P",
      "h2",
    );
    await h2.shell(take);
    await h3.shell(keep.replaceAll("/a", "/b"));
    for (const host of [h2, h3]) {
      assert.match(host.read("/srv/data/a"), /^h2/);
      assert.match(host.read("/srv/data/b"), /^h3/);
    }
    assert.equal((await catchUp(h3, "--reconcile", "-P", "h2")).code, 0);
  });

  test("what has no time of its own is left as it is and named, and the advice resolves it", async () => {
    await start(groupOf(["h1", "h2", "h3"]));
    await h1.shell("ln -s old /srv/data/link; echo 1 >/srv/data/mode; csync2 -xr");
    await h3.powerOff();
    await h1.shell("ln -snf new /srv/data/link; chmod 600 /srv/data/mode; echo 1 >/srv/data/new");
    await push("h2", "link", "mode", "new");
    await h1.powerOff();
    await h3.boot();
    const result = await catchUp(h3, "--reconcile", "-P", "h2");
    assert.deepEqual([result.code, result.outcomes], [1, ["pending"]]);
    assert.deepEqual(peerOf(result, "h2").files, ["/srv/data/link", "/srv/data/mode"]);
    assert.deepEqual([...h3.tree().keys()], ["link", "mode", "new"]);
    assert.equal(readlinkSync(h3.path("/srv/data/link")), "old");

    const [take, keep] = await advice(
      h3,
      ["to take h2's, run there", "to keep h3's, run here"],
      "--reconcile",
      "-P",
      "h2",
    );
    await h2.shell(take);
    await h3.shell(keep.replaceAll("/link", "/mode"));
    for (const host of [h2, h3]) {
      assert.equal(readlinkSync(host.path("/srv/data/link")), "new");
      assert.equal(host.tree().get("mode")?.split(" ")[1], "0644");
    }
    assert.equal((await catchUp(h3, "--reconcile", "-P", "h2")).code, 0);
  });

  test("what has been deleted here does not come back", async () => {
    await start(groupOf(["h1", "h2", "h3"]));
    write(h1, "v1", { a: 9, b: 9 });
    await h1.shell("csync2 -xr");
    h3.remove("/srv/data/a");
    h3.remove("/srv/data/b");
    const result = await catchUp(h3, "--reconcile", "-P", "h2");
    assert.deepEqual([result.code, result.outcomes, result.peers[0]?.reason], [1, ["pending"], "unsent"]);
    assert.deepEqual(peerOf(result, "h2").files, ["/srv/data/a", "/srv/data/b"]);
    assert.deepEqual([...h3.tree().keys()], []);
    const [restore, remove] = await advice(
      h3,
      ["to get one back, run there", "to delete on h2 too what has been deleted here, run here"],
      "--reconcile",
      "-P",
      "h2",
    );
    await h2.shell(restore);
    assert.deepEqual([...h3.tree().keys()], ["a"]);
    await h3.shell(remove);
    assert.deepEqual([...h2.tree().keys()], ["a"]);
    assert.deepEqual([...h3.tree().keys()], ["a"]);
  });

  test("a file whose name goes on behind a newline does not pass for one that is older there", async () => {
    await start(groupOf(["h2", "h3"]));
    write(h2, "v1", { kept: 9 });
    await h2.shell("csync2 -xr");
    write(h2, "v1", { "kept\nand more": 9 });
    h3.write("/srv/data/kept", "v2");
    for (const host of [h2, h3]) await host.shell("csync2 -cIr /");
    const result = await catchUp(h3, "--reconcile");
    assert.deepEqual([result.code, result.outcomes], [0, ["caught-up"]], JSON.stringify(result));
    assert.equal(h3.read("/srv/data/kept"), "v2");
    assert.equal(h3.read("/srv/data/kept\nand more"), "v1.......");
  });

  test("it arrives over TLS, below a prefix and with a newline in its name", async () => {
    const prefix = "prefix p { on h3: /srv/data/three; on *: /srv/data/all; }\n";
    const group = groupOf(["h1", "h2", "h3"]).replace("nossl * *;", "").replace("/srv/data", "%p%/dir");
    await start(prefix + group);
    await h3.shell("mkdir /srv/data/three");
    await h2.shell("mkdir /srv/data/all");
    write(h1, "v1", { "all/dir/changed": 9, "all/dir/kept": 9 });
    await h1.shell("csync2 -xr");
    assert.equal(h3.read("/srv/data/three/dir/kept"), "v1.......");
    await h2.powerOff();
    write(h1, "v2", { "all/dir/kept": 5 });
    await h1.shell("csync2 -cr / && csync2 -u -P h3");
    await h3.powerOff();
    await h2.boot();
    await h1.shell("csync2 -u -P h2 && touch -d '1 hour ago' /srv/data/all/dir/kept");
    write(h1, "v3", { "all/dir/changed": 20, "all/dir/two\nlines": 9 });
    await h1.shell("csync2 -cr / && csync2 -u -P h2");
    await h1.powerOff();
    await h3.boot();

    const result = await catchUp(h3, "--reconcile", "-P", "h2", "-v");
    assert.match(result.stderr, /^h2: Connecting to host h3 \(SSL\) \.\.\.$/m);
    assert.match(h3.read("/srv/data/three/dir/changed"), /^v3/);
    assert.match(h3.read("/srv/data/three/dir/kept"), /^v2/);
    assert.deepEqual([result.code, result.outcomes], [0, ["caught-up"]], JSON.stringify(result));
    assert.equal(h3.read("/srv/data/three/dir/two\nlines"), "v1.......".replace("v1", "v3"));
  });

  test("a peer that loses power in the middle leaves no mark: what has become newer meanwhile stays", async () => {
    await start(groupOf(["h2", "h3"]));
    const files = Object.fromEntries(Array.from({ length: 2_000 }, (_, i) => [`f${i}`, 9]));
    write(h2, "v2", files);
    await h2.shell("csync2 -cIr /");
    const running = catchUp(h3, "--reconcile", "--deadline", "20");
    await h3.until("files come", () => h3.tree().size > 100);
    await h2.powerOff();
    write(h3, "v3", files);
    await h3.shell("csync2 -cIr /");
    await h2.boot();
    await running;
    assert.deepEqual(await dirty(h2, "h3"), []);
    await catchUp(h3);
    for (const file of Object.keys(files)) assert.match(h3.read(`/srv/data/${file}`), /^v3/);
  });

  test("stub: a list of files that breaks off is no list of missing files", async () => {
    await start(groupOf(["h1", "h2", "h3"], ["auto first;"]));
    write(h1, "v1", { a: 9, b: 9, c: 9 });
    await h1.shell("csync2 -xr");
    await h2.powerOff();
    write(h1, "v2", { a: 9, b: 9, c: 9 });
    await push("h3", "a", "b", "c");
    await h1.powerOff();
    await h2.boot();
    h2.write("/etc/csync2rev.ini", "retries = 0\ncsync2 = /opt/cut\n");
    // As csync2 behaves if the connection ends early: the list lacks its end, and the exit status is 0.
    h2.write(
      "/opt/cut",
      '#!/bin/sh\ncsync2 "$@" 2>/tmp/said\nexit=$?\ngrep -v "^End of query" /tmp/said >&2\nexit $exit\n',
      0o755,
    );
    const result = await catchUp(h3, "--reconcile", "-P", "h2");
    assert.deepEqual([result.code, result.outcomes], [1, ["failed"]], JSON.stringify(result));
    assert.match(peerOf(result, "h2").detail ?? "", /broke off its list of files/);
    assert.deepEqual(await dirty(h2, "h3"), []);
    h2.write("/etc/csync2rev.ini", "");
    assert.equal((await catchUp(h3, "--reconcile", "-P", "h2")).code, 0);
    for (const file of ["a", "b", "c"]) assert.match(h3.read(`/srv/data/${file}`), /^v2/);
  });

  test("a host that has many more files than its peer gets what it lacks", async () => {
    await start(groupOf(["h1", "h2", "h3"]));
    await h3.shell("cd /srv/data; seq 1000 | xargs touch");
    h2.write("/srv/data/0", "new");
    for (const host of [h2, h3]) await host.shell("csync2 -cIr /");
    assertCaughtUp(await catchUp(h3, "--reconcile", "-P", "h2"));
    assert.equal(h3.read("/srv/data/0"), "new");
  });
});
