import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { type Cluster, type Host, csync2, csync2rev, groupOf, startCluster } from "../cluster/cluster.ts";

let cluster: Cluster;
let h1: Host;
let h2: Host;

before(async () => {
  const hosts = [
    { name: "h1", aliases: ["node-a"] },
    { name: "h2", aliases: ["node-b"] },
  ];
  cluster = await startCluster({ hosts, cfg: groupOf(["h1", "h2"]) });
  [h1, h2] = [cluster.host("h1"), cluster.host("h2")];
});
after(() => cluster.close());
beforeEach(() => cluster.reset(groupOf(["h1", "h2"])));

test("-N and -D go on to csync2, on both sides", async () => {
  await cluster.reset(groupOf(["Node-A", "Node-B"]));
  for (const [host, name] of [
    [h1, "node-a"],
    [h2, "node-b"],
  ] as const)
    await host.serve("inetd", [
      { ...csync2, command: [...csync2.command, "-N", name, "-D", "/srv/db"] },
      { ...csync2rev, command: [...csync2rev.command, "-N", name, "-D", "/srv/db"] },
    ]);
  for (const host of [h1, h2]) await host.run(["mkdir", "/srv/db"]);
  h1.write("/srv/data/a", "a");
  const { code, stdout, stderr } = await h2.run([
    "csync2rev",
    "-o",
    "-v",
    "-N",
    "node-b",
    "-D",
    "/srv/db",
    "--verify",
  ]);
  assert.equal(code, 0, stdout + stderr);
  assert.match(stderr, /^node-a: Connect to 10\.77\.1\.2:30865 \(node-b\)\.$/m);
  assert.equal(h2.read("/srv/data/a"), "a");
  for (const [host, name] of [
    [h1, "node-a"],
    [h2, "node-b"],
  ] as const) {
    assert.deepEqual([...host.tree("/srv/db").keys()], [`${name}.db3`]);
    assert.deepEqual([...host.tree("/var/lib/csync2").keys()], []);
  }
});

test("the directory is found, and handed on to csync2; two different ones are an error that names both", async () => {
  for (const host of [h1, h2]) {
    host.write("/etc/csync2/csync2.cfg", host.read("/etc/csync2.cfg"));
    await host.serve("inetd", [{ ...csync2, env: { CSYNC2_SYSTEM_DIR: "/etc/csync2" } }, csync2rev]);
  }
  const ambiguous = await h2.run(["csync2rev", "-o"]);
  assert.equal(ambiguous.code, 78);
  assert.match(
    ambiguous.stderr,
    /^csync2rev: found both "\/etc\/csync2\/csync2\.cfg" and "\/etc\/csync2\.cfg": /,
  );

  h2.remove("/etc/csync2.cfg");
  assert.equal((await h2.run(["csync2rev", "-o"])).code, 77);
  const [line] = await h1.logged();
  assert.match(line?.message ?? "", /^event=error code=config-ambiguous message="found both /);

  h1.remove("/etc/csync2.cfg");
  h1.write("/srv/data/a", "a");
  const found = await h2.run(["csync2rev", "-o"]);
  assert.equal(found.code, 0, found.stdout + found.stderr);
  assert.equal(h2.read("/srv/data/a"), "a");
});

test("CSYNC2_SYSTEM_DIR settles it, on both sides", async () => {
  const env = { CSYNC2_SYSTEM_DIR: "/opt/etc" };
  for (const host of [h1, h2]) {
    host.write("/opt/etc/csync2.cfg", host.read("/etc/csync2.cfg").replace("/srv/data", "/srv/opt"));
    await host.serve(
      "inetd",
      [csync2, csync2rev].map((service) => ({ ...service, env })),
    );
  }
  h1.write("/srv/opt/a", "a");
  const { code, stdout, stderr } = await h2.run(["csync2rev", "-o"], { env });
  assert.equal(code, 0, stdout + stderr);
  assert.equal(h2.read("/srv/opt/a"), "a");
});
