// Another implementation of the protocol, in Python, written from PROTOCOL.md.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { csync2, csync2rev, groupOf, startCluster, type Cluster, type Host } from "../cluster/cluster.ts";

describe("an implementation in Python", () => {
  let cluster: Cluster, h1: Host, h2: Host;
  before(async () => {
    const packages = ["python3", "python3-nacl", "python3-cryptography"];
    cluster = await startCluster({ hosts: ["h1", "h2"], packages });
    [h1, h2] = [cluster.host("h1"), cluster.host("h2")];
  });
  beforeEach(async () => {
    await cluster.reset();
    for (const host of [h1, h2])
      for (const file of ["csync2rev_v1.py", "client.py", "handler.py"])
        host.write(`/opt/${file}`, readFileSync(join(import.meta.dirname, file)));
    await h1.serve("inetd", [csync2]);
  });
  after(() => cluster.close());

  const ask = async (verb: string, config = "", more: object = {}): Promise<Record<string, unknown>[]> => {
    const request = JSON.stringify({ verb, group: "cluster", from: "h1", to: "h2", ...more });
    const { code, stdout, stderr } = await h1.run([
      "/usr/bin/python3",
      "-B",
      "/opt/client.py",
      "h2",
      config,
      request,
    ]);
    assert.equal(code, 0, stderr);
    return stdout
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  };

  test("asks our handler", async () => {
    await h2.serve("inetd");
    h2.write("/srv/data/ü", "new");
    assert.deepEqual(
      (await ask("ping")).map(({ type }) => type),
      ["accepted", "done"],
    );
    const checked = (await ask("check")).at(-1);
    assert.deepEqual([checked?.["exit"], checked?.["pending"]], [0, 2]);
    const updated = await ask("update", "", { output: true });
    assert.ok(
      updated.some(({ type, line }) => type === "output" && line === "Updating /srv/data/ü on h1 ..."),
    );
    const { exit, pending } = updated.at(-1) ?? {};
    assert.deepEqual([exit, pending], [0, 0]);
    assert.deepEqual(h1.tree(), h2.tree());
    const { reason } = (await ask("dance")).at(-1) ?? {};
    assert.equal(reason, "unsupported-verb");
  });

  test("asks our handler under a config name, and for a group with a name beyond ASCII", async () => {
    h2.write("/etc/csync2_web2.cfg", groupOf(["h1", "h2"]).replace("group cluster", 'group "büro"'), 0o600);
    await h2.serve("inetd");
    const replies = await ask("ping", "web2", { group: "büro" });
    assert.deepEqual(
      replies.map(({ type, groups }) => [type, groups]),
      [
        ["accepted", ["büro"]],
        ["done", undefined],
      ],
    );
  });

  test("hears nothing from our handler with another key", async () => {
    await h2.serve("inetd");
    h1.write("/etc/csync2.key", "K".repeat(64));
    await assert.rejects(ask("ping"), /EOFError: 0 of 2 bytes/);
  });

  test("is asked by --others", async () => {
    await h2.serve("inetd", [
      csync2,
      { ...csync2rev, command: ["/usr/bin/python3", "-B", "/opt/handler.py"] },
    ]);
    // A host without any record would reconcile.
    for (const host of [h1, h2]) {
      host.write("/srv/data/known", "");
      await host.shell("csync2 -cIr /");
    }
    h2.write("/srv/data/new/a", "new");
    const { code, stdout, stderr } = await h1.run("csync2rev --others --json --deadline=20");
    assert.equal(code, 0, stdout + stderr);
    const { peers } = JSON.parse(stdout) as { peers: Record<string, unknown>[] };
    assert.deepEqual(
      [peers[0]?.["outcome"], peers[0]?.["updated"], peers[0]?.["pending"]],
      ["caught-up", 2, 0],
    );
    assert.deepEqual(h1.tree(), h2.tree());
    assert.equal(h2.read("/tmp/asked"), "check cluster h1 h2\nupdate cluster h1 h2\n");
    const refused = await h1.run("csync2rev --others --dry-run");
    assert.match(refused.stdout, /refused: unsupported-verb/);
    assert.equal(refused.code, 77);
  });
});
