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
  for (const host of [h1, h2]) await host.run("mkdir /srv/db");
  h1.write("/srv/data/a", "a");
  const { code, stdout, stderr } = await h2.run("csync2rev -o -v -N node-b -D /srv/db --verify");
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

test("a configuration in a directory that csync2 does not read is never served, nor used", async () => {
  await Promise.all([h1, h2].map((host) => host.serve("inetd")));
  const evil = groupOf(["h1", "h2"]).replace("/etc/csync2.key", "/usr/local/etc/key");
  for (const host of [h1, h2]) {
    host.write("/opt/local/etc/csync2_evil.cfg", evil);
    host.write("/opt/local/etc/key", `${"e".repeat(64)}\n`, 0o600);
    host.write("/opt/local/etc/csync2rev.ini", "csync2 = /usr/local/etc/evil\n");
    host.write("/opt/local/etc/evil", "#!/bin/sh\nid >/srv/data/owned\n", 0o755);
  }
  await Promise.all([h1, h2].map((host) => host.run("mount --bind /opt/local /usr/local")));
  for (const mode of ["--others", "--test", "--show-config"]) {
    const { code, stdout, stderr } = await h2.run(["csync2rev", mode, "-C", "evil"]);
    assert.equal(code, 78);
    assert.match(
      stdout + stderr,
      /found no "\/etc\/csync2_evil\.cfg"\. csync2 does not read "\/usr\/local\/etc\/csync2_evil\.cfg"/,
    );
  }

  // Somebody who has the key asks for it all the same.
  const env = { CSYNC2_SYSTEM_DIR: "/usr/local/etc" };
  const { stdout } = await h2.run("csync2rev -o --json -C evil --deadline 2", { env });
  assert.equal((JSON.parse(stdout) as { peers: { outcome: string }[] }).peers[0]?.outcome, "unanswered");
  const [line] = await h1.logged();
  assert.match(
    line?.message ?? "",
    /^event=unauthenticated .*config name \\?"evil\\?" was asked for, there is none here/,
  );
  assert.deepEqual([...h1.tree("/srv/data").keys()], []);

  h1.write("/srv/data/a", "a");
  const { code } = await h2.run("csync2rev -o");
  assert.equal(code, 0);
  assert.equal(h2.read("/srv/data/a"), "a");
});

test("a csync2 that is a script leaves the usual directory that has a csync2.cfg; two are an error that names both", async () => {
  for (const host of [h1, h2]) {
    host.write("/opt/local/sbin/csync2", '#!/bin/sh\nexec /usr/sbin/csync2 "$@"\n', 0o755);
    await host.run("mount --bind /opt/local /usr/local");
    host.write("/etc/csync2/csync2.cfg", host.read("/etc/csync2.cfg"));
    await host.serve("inetd", [{ ...csync2, env: { CSYNC2_SYSTEM_DIR: "/etc/csync2" } }, csync2rev]);
  }
  const ambiguous = await h2.run("csync2rev -o");
  assert.equal(ambiguous.code, 78);
  assert.match(
    ambiguous.stderr,
    /^csync2rev: found both "\/etc\/csync2\/csync2\.cfg" and "\/etc\/csync2\.cfg": /,
  );

  h2.remove("/etc/csync2.cfg");
  assert.equal((await h2.run("csync2rev -o")).code, 77);
  const [line] = await h1.logged();
  assert.match(line?.message ?? "", /^event=error code=config-ambiguous message="found both /);

  h1.remove("/etc/csync2.cfg");
  h1.write("/srv/data/a", "a");
  const found = await h2.run("csync2rev -o");
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
  const { code, stdout, stderr } = await h2.run("csync2rev -o", { env });
  assert.equal(code, 0, stdout + stderr);
  assert.equal(h2.read("/srv/opt/a"), "a");
});
