// csync2rev 1.0.0, built from this project's history, and the program of today: npm run test:first-release.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { assertCaughtUp, catchUp } from "../catchup/others.ts";
import { askOver } from "../catchup/requester.ts";
import { csync2, csync2rev, type Cluster, type Host, startCluster } from "../cluster/cluster.ts";
import { install } from "../hostile/programs.ts";

const TOP = join(import.meta.dirname, "../..");
const OLD_COMMIT = "b0e3b74";
const OLD = "/opt/csync2rev-1.0.0";
/** The program of 1.0.0, bundled with today's packages, of which yargs asks where it is. */
function buildOld(): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), "csync2rev-1.0.0-"));
  try {
    const { status } = spawnSync("git", ["cat-file", "-e", OLD_COMMIT], { cwd: TOP, stdio: "ignore" });
    assert.equal(status, 0, "this checkout lacks the history that goes back to 1.0.0: git fetch --unshallow");
    execFileSync("bash", ["-ec", `git archive ${OLD_COMMIT} | tar --extract --directory "$0"`, folder], {
      cwd: TOP,
    });
    symlinkSync(join(TOP, "node_modules"), join(folder, "node_modules"));
    const build = readFileSync(join(folder, "build.mjs"), "utf8");
    const define = JSON.stringify({ "import.meta.url": '"file:///"' });
    writeFileSync(join(folder, "build.mjs"), build.replace("bundle: true,", `$& define: ${define},`));
    execFileSync(process.execPath, ["build.mjs"], { cwd: folder, stdio: "pipe" });
    return readFileSync(join(folder, "dist/csync2rev.cjs"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe("1.0.0", () => {
  let old: Uint8Array;
  let cluster: Cluster, h1: Host, h2: Host, h3: Host;
  before(async () => {
    old = buildOld();
    cluster = await startCluster();
    [h1, h2, h3] = ["h1", "h2", "h3"].map((name) => cluster.host(name)) as [Host, Host, Host];
  });
  /** h2 serves with 1.0.0, the others with the program of today. All have the same 50 files. */
  beforeEach(async () => {
    await cluster.reset();
    for (const host of cluster.hosts) {
      host.write(OLD, old, 0o755);
      await host.shell("cd /srv/data && seq -f f%g 50 | xargs touch -d 2026-01-01 && csync2 -cIr /");
    }
    await h2.serve("inetd", [csync2, { ...csync2rev, command: [OLD, "-i"] }]);
    for (const host of [h1, h3]) await host.serve("inetd");
  });
  after(() => cluster.close());

  const askWithOld = async (...args: string[]): Promise<{ code: number | null; stdout: string }> => {
    const { code, stdout } = await h3.run([OLD, "--others", ...args]);
    return { code, stdout };
  };

  test("catches up from the program of today, and serves it", async () => {
    h1.write("/srv/data/new", "of h1");
    const { code, stdout } = await askWithOld("-P", "h1");
    assert.equal(code, 0, stdout);
    assert.match(stdout, /^h1 +cluster +caught-up +1 +0 /m);
    assert.equal(h3.read("/srv/data/new"), "of h1");
    h2.write("/srv/data/other", "of h2");
    assertCaughtUp(await catchUp(h3, "-P", "h2"), "h2");
    assert.equal(h3.read("/srv/data/other"), "of h2");
  });

  test("shows that a tree is gone on its peer, and loses no file", async () => {
    await h1.shell("mount -t tmpfs none /srv/data");
    const { code, stdout } = await askWithOld("-P", "h1");
    assert.equal(code, 1, stdout);
    assert.match(stdout, /50 of 50 recorded files below \/srv\/data are gone on h1\. Is it mounted\?/);
    assert.equal((await h3.shell("ls /srv/data | wc -l")).trim(), "50");
    await h1.shell("umount /srv/data");
  });

  test("shows that a push to it has stalled", async () => {
    h1.write("/etc/csync2rev.ini", "idle-timeout = 2\n");
    h1.write("/srv/data/f1", "changed");
    await h3.serve("inetd", [csync2rev]);
    await once(h3.spawn([...install(h3, "csync2-stub"), "is-silent"]).stdout, "data");
    const { code, stdout } = await askWithOld("-P", "h1");
    assert.equal(code, 1, stdout);
    assert.match(stdout, /csync2 \(pid \d+\) got no further for 2 s/);
  });

  test("as a peer does not know the verbs renew and status, and says so", async () => {
    for (const verb of ["renew", "status"]) {
      const { replies } = await askOver(h3, "h2", { key: cluster.key, verb, to: "h2" });
      const refused = replies.at(-1);
      assert.ok(refused?.type === "refused", JSON.stringify(replies));
      assert.equal(refused.reason, "unsupported-verb");
    }
    const { code, stdout } = await h3.run(["csync2rev", "--status", "-P", "h2"]);
    assert.equal(code, 77, stdout);
    assert.match(stdout, /^h2: refused: unsupported-verb: .*\n {2}→ install a newer csync2rev on h2$/m);
  });

  test("as one of two peers that push the same file", async () => {
    h1.write("/srv/data/f1", "of h1");
    h2.write("/srv/data/f1", "of h2, later");
    // Which of the two pushes last is left to chance. h2 cannot be asked to renew: what differs is named.
    const { code, peers } = await catchUp(h3);
    assert.equal(code, 1, JSON.stringify(peers));
    const different = peers.filter(({ outcome, reason }) => outcome === "pending" && reason === "differs");
    assert.deepEqual(
      different.map(({ files }) => files),
      [["/srv/data/f1"]],
    );
  });
});
