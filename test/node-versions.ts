import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type Cluster, groupOf, type Host, startCluster } from "./cluster/cluster.ts";

// The bundled program's main path under other Nodes than the one that runs the tests: npm run test:node-versions.

const CACHE = join(import.meta.dirname, "../.cache/node");

for (const version of [20, 22, 24, 26])
  describe(`under Node ${version}`, () => {
    let cluster: Cluster;
    before(async () => {
      cluster = await startCluster({
        hosts: ["h1", "h2", "h3"],
        node: nodeOf(version),
        cfg: groupOf(["h1", "h2", "h3"]),
      });
      await Promise.all(cluster.hosts.map((host) => host.serve("inetd")));
    });
    after(() => cluster.close());

    test("a host that was down gets what it missed, and the log tells", async () => {
      const [h1, h2, h3] = ["h1", "h2", "h3"].map((name) => cluster.host(name)) as [Host, Host, Host];
      const { stdout } = await h1.run("node --version");
      assert.match(stdout, new RegExp(`^v${version}\\.`));
      // A host without any record would reconcile.
      h3.write("/srv/data/from-h1", "older");
      await h3.shell("csync2 -cIr /");
      await h3.powerOff();
      h1.write("/srv/data/from-h1", "one");
      h2.write("/srv/data/from-h2", "two");
      assert.equal((await h1.csync2("-xr", "-P", "h2")).code, 0);
      await h3.boot();

      const { code, stdout: json, stderr } = await h3.run("csync2rev --others --json");
      assert.equal(code, 0, stderr);
      const { peers } = JSON.parse(json) as { peers: { peer: string; outcome: string }[] };
      assert.deepEqual(
        peers.map(({ peer, outcome }) => `${peer} ${outcome}`),
        ["h1 caught-up", "h2 caught-up"],
      );
      assert.deepEqual([...h3.tree().keys()], ["from-h1", "from-h2"]);
      assert.equal(stderr, "");
      for (const peer of [h1, h2]) {
        await peer.until("the push is logged", () =>
          peer
            .syslog("csync2rev")
            .some(({ message }) => /event=done verb=update .* exit=0 updated=1/.test(message)),
        );
      }
    });

    test("the command line prints its help and what is wrong with it", async () => {
      const h1 = cluster.host("h1");
      const help = await h1.run("csync2rev --help");
      assert.equal(help.code, 0);
      assert.match(help.stdout, /--others/);
      const wrong = await h1.run("csync2rev --others --bogus");
      assert.equal(wrong.code, 64);
      assert.match(wrong.stderr, /bogus/);
    });
  });

/** That version's program, from the npm package that brings it: fetched once. */
function nodeOf(version: number): string {
  const name = `node-linux-${process.arch}`;
  const directory = join(CACHE, `${version}-${process.arch}`);
  const program = join(directory, "node_modules", name, "bin/node");
  if (!existsSync(program)) {
    mkdirSync(directory, { recursive: true });
    const options = ["--no-save", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund"];
    execFileSync("npm", ["install", "--prefix", directory, ...options, `${name}@${version}`]);
  }
  return program;
}
