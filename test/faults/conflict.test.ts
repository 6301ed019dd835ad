import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type Cluster, csync2, csync2rev, groupOf, type Host, startCluster } from "../cluster/cluster.ts";
import { assertCaughtUp, advice, catchUp, dirty, peerOf } from "../catchup/others.ts";

describe("both hosts changed a file, and the group's auto method is none", () => {
  let cluster: Cluster;
  let h1: Host, h2: Host;
  before(async () => {
    cluster = await startCluster({ hosts: ["h1", "h2"] });
    [h1, h2] = [cluster.host("h1"), cluster.host("h2")];
  });
  after(() => cluster.close());

  /** Takes one file from the peer and keeps another, by the commands in h2's report, which must be enough. */
  const settle = async (
    [take, keep]: readonly [string, string],
    directoryOf: (host: Host) => string,
    ...args: readonly string[]
  ): Promise<void> => {
    // A push of more than this file also finds the other conflict, and its exit status says so.
    await h1.run(take);
    await h2.run(keep);
    for (const host of [h1, h2]) {
      assert.equal(host.read(`${directoryOf(host)}/a`), "h1", `${host.name} has h1's`);
      assert.equal(host.read(`${directoryOf(host)}/b`), "h2", `${host.name} has h2's`);
    }
    const result = await catchUp(h2, ...args);
    assertCaughtUp(result);
  };

  for (const [what, group, args] of [
    ["csync2.cfg", groupOf(["h1", "h2"], ["auto none;"]), []],
    ["a config name", groupOf(["h1", "h2"], ["auto none;"]), ["-C", "web"]],
    [
      "a config name, another host name and another database",
      groupOf(["h1", "other@h2"], ["auto none;"]),
      ["-C", "web", "-N", "other", "-D", "/srv"],
    ],
  ] as const)
    test(`under ${what}: it is named, with the command for either choice`, async () => {
      await cluster.reset(group);
      for (const host of [h1, h2]) host.write("/etc/csync2_web.cfg", group);
      await h1.serve("inetd");
      await h2.serve("inetd", [{ ...csync2, command: [...csync2.command, ...args.slice(2)] }, csync2rev]);
      const files = ["/srv/data/a", "/srv/data/b"];
      for (const host of [h1, h2]) for (const file of files) host.write(file, host.name);
      await h2.shell(`csync2 ${args.join(" ")} -cr /`);

      const result = await catchUp(h2, ...args);
      assert.deepEqual([result.code, result.outcomes], [1, ["pending"]]);
      assert.deepEqual(peerOf(result, "h1").files, files);
      const keepOurs = `to keep ${args[3] ?? "h2"}'s, run here`;
      const [take, keep] = await advice(h2, ["to take h1's, run there", keepOurs], ...args);
      await settle([take, keep.replaceAll("/a", "/b")], () => "/srv/data", ...args);
    });

  test("this host lost power when a file had come, but not its mode: that is said, and the peer's is taken", async () => {
    await cluster.reset(groupOf(["h1", "h2"], ["auto none;"]));
    await Promise.all([h1, h2].map((host) => host.serve("inetd")));
    h1.write("/srv/data/file", "old");
    await h1.shell("csync2 -xr");
    h1.write("/srv/data/file", "of h1");
    h2.write("/srv/data/file", "of h1");
    await h2.shell("chmod 600 /srv/data/file && csync2 -cr /");

    const result = await catchUp(h2);
    assert.deepEqual([result.code, result.outcomes], [1, ["pending"]]);
    assert.match(
      peerOf(result, "h1").detail ?? "",
      /^\/srv\/data\/file is as large as on h1, and has the mode 0600 here: csync2 leaves a file so if it is ended while it receives/,
    );
    const [take] = await advice(h2, ["to take h1's, run there"]);
    await h1.shell(take);
    assertCaughtUp(await catchUp(h2));
    assert.equal((await h2.shell("stat -c %a /srv/data/file")).trim(), "644");
  });

  test("below a prefix: the commands want its path", async () => {
    const prefix = "prefix p { on h1: /srv/data/one; on *: /srv/data/two; }\n";
    await cluster.reset(prefix + groupOf(["h1", "h2"], ["auto none;"]).replace("/srv/data", "%p%/dir"));
    await Promise.all([h1, h2].map((host) => host.serve("inetd")));
    const directoryOf = (host: Host): string => `/srv/data/${host === h1 ? "one" : "two"}/dir`;
    for (const host of [h1, h2])
      for (const file of ["a", "b"]) host.write(`${directoryOf(host)}/${file}`, host.name);
    await h2.shell("csync2 -cr /");

    assert.deepEqual(peerOf(await catchUp(h2), "h1").files, ["%p%/dir/a", "%p%/dir/b"]);
    const [take, keep] = await advice(h2, ["to take h1's, run there", "to keep h2's, run here"]);
    const { stdout } = await h2.run("csync2rev --others");
    assert.match(stdout, /FILE is the path of %p%\/dir\/a on the host where you run the command/);
    await settle(
      [take.replaceAll("FILE", `${directoryOf(h1)}/a`), keep.replaceAll("FILE", `${directoryOf(h2)}/b`)],
      directoryOf,
    );
    assert.deepEqual(await dirty(h1, "h2"), []);
  });
});
