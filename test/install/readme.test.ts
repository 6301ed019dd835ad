import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { type Cluster, csync2, groupOf, type Host, startCluster } from "../cluster/cluster.ts";

const TOP = join(import.meta.dirname, "../..");
const readme = readFileSync(join(TOP, "README.md"), "utf8");

/** What stands in the README where the pattern's group is. */
function quoted(pattern: RegExp): string {
  const found = pattern.exec(readme)?.[1];
  assert.ok(found !== undefined, `the README has no ${String(pattern)}`);
  return found;
}

describe("what the README tells an administrator to write", () => {
  let cluster: Cluster;
  let h1: Host;
  let h2: Host;
  before(async () => {
    cluster = await startCluster({ hosts: ["h1", "h2"] });
    h1 = cluster.host("h1");
    h2 = cluster.host("h2");
  });
  after(() => cluster.close());
  beforeEach(async () => {
    await cluster.reset(groupOf(["h1", "h2"]));
    await Promise.all(cluster.hosts.map((host) => host.serve("inetd")));
  });

  test("for Nagios: OK, WARNING while a peer is down, CRITICAL for all else", async () => {
    const command = quoted(/^ {4}command\[check_csync2rev\]=(.*)$/m);
    const check = async (): Promise<[number | null, string]> => {
      const { code, stdout } = await h1.run(["sh", "-c", command]);
      return [code, stdout];
    };
    assert.deepEqual(await check(), [0, "OK: csync2rev\n"]);
    await h2.stopServices();
    const [code, text] = await check();
    assert.equal(code, 1);
    assert.match(text, /^WARNING: failed {3}ping h2: unreachable/);
    h1.write("/etc/csync2rev.ini", "nonsense\n");
    const [worse, why] = await check();
    assert.equal(worse, 2);
    assert.match(why, /^CRITICAL: failed {3}settings: /);
  });

  test("for xinetd: the sample, switched on", async () => {
    const command = quoted(/\| xinetd \| `(sed .*?) >/);
    h1.write(
      "/usr/share/doc/csync2rev/examples/xinetd.csync2rev".replace("/usr/share", "/srv/share"),
      readFileSync(join(TOP, "xinetd/csync2rev"), "utf8"),
    );
    const { stdout, code } = await h1.run(["sh", "-c", command.replace("/usr/share", "/srv/share")]);
    assert.equal(code, 0);
    await h1.serve("xinetd", [csync2, { text: stdout, port: 30866 }]);
    assert.deepEqual((await h1.run(["csync2rev", "--test", "-q"])).stdout, "");
    h1.write("/srv/data/file", "one");
    assert.equal((await h2.run(["csync2rev", "--others", "-q"])).code, 0);
    assert.equal(h2.read("/srv/data/file"), "one");
  });

  for (const where of ["rc.local", "cron, every night"])
    test(`for ${where}: catches up, and says nothing`, async () => {
      const line = quoted(new RegExp(`^\\| ${where} \\| \`(?:[\\d* ]+root )?([^\`]*)\``, "m"));
      h2.write("/srv/data/file", "one");
      const { stdout, stderr } = await h1.run(["sh", "-c", `${line}\nwait`], {
        env: { PATH: "/usr/bin:/bin:/usr/sbin" },
      });
      assert.equal(stdout + stderr, "");
      assert.equal(h1.read("/srv/data/file"), "one");
    });
});
