import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync, type SpawnSyncReturns } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import packageJson from "../../package.json" with { type: "json" };
import { ownPlatform, PLATFORMS } from "../../packaging/bun.ts";
import { buildStandalone, executableFor } from "../../packaging/standalone.ts";
import { asProcess, connection, converse } from "../catchup/requester.ts";
import { debianRoot } from "../machines/root.ts";
import { underArm64, underQemu } from "./qemu.ts";

// The standalone executable on machines unlike the one that it was built on: npm run test:package. Needs root.

const KEY = "k".repeat(64);
const ENTER = join(import.meta.dirname, "enter.sh");
/** The oldest glibc that it may need: RHEL 7's, and older than SLE 12's. */
const GLIBC = 17;
/** glibc itself. */
const LIBRARIES = [/^libc\.so\.6$/, /^libm\.so\.6$/, /^libdl\.so\.2$/, /^libpthread\.so\.0$/, /^ld-linux/];

/** A system directory with all that a ping needs. */
let site: string;
before(async () => {
  for (const platform of PLATFORMS) await buildStandalone(platform);
  site = mkdtempSync(join(tmpdir(), "csync2rev-site-"));
  mkdirSync(join(site, "csync2"));
  const file = (name: string): string => join(site, "csync2", name);
  writeFileSync(
    file("csync2.cfg"),
    "nossl * *;\ngroup cluster {\n host h1 localhost;\n key csync2.key;\n}\n",
  );
  writeFileSync(file("csync2.key"), `${KEY}\n`, { mode: 0o600 });
  writeFileSync(file("csync2rev.ini"), "log = /dev/null\n");
});
after(() => {
  rmSync(site, { recursive: true });
});

for (const platform of PLATFORMS)
  test(`the executable for ${platform} needs glibc 2.${GLIBC} and no other library`, () => {
    const said = execFileSync("readelf", ["--dynamic", "--version-info", "--wide", executableFor(platform)], {
      encoding: "utf8",
    });
    const needed = [...said.matchAll(/\(NEEDED\).*\[(.*)\]/g)].map(([, name = ""]) => name);
    assert.ok(needed.length > 0);
    for (const name of needed)
      assert.ok(
        LIBRARIES.some((known) => known.test(name)),
        name,
      );
    const versions = [...said.matchAll(/Name: GLIBC_2\.(\d+)/g)].map(([, minor]) => Number(minor));
    assert.ok(versions.length > 0);
    assert.ok(Math.max(...versions) <= GLIBC, `GLIBC_2.${Math.max(...versions)}`);
  });

/** How a command is started somewhere. */
type Place = () => Promise<readonly string[]>;

const PLACES: Readonly<Record<string, Place>> = {
  ...Object.fromEntries(
    Object.entries({ "Debian 11": "bullseye", "Debian 12": "bookworm", "Debian 13": "trixie" }).map(
      ([name, suite]): [string, Place] => [
        `a clean ${name} without Node.js`,
        async () => {
          const program = executableFor(ownPlatform());
          return ["unshare", "--mount", "sh", ENTER, await debianRoot(suite, []), program, site];
        },
      ],
    ),
  ),
  "arm64, under qemu-user": () => arm64(),
};

/** The command that starts the executable for arm64, with these variables. */
async function arm64(...variables: readonly string[]): Promise<readonly string[]> {
  return await underArm64(
    [executableFor("arm64")],
    [`CSYNC2_SYSTEM_DIR=${join(site, "csync2")}`, ...variables],
  );
}

// Only this machine's own C library is there for it.
if (process.arch === "x64")
  test("an x64 processor of 2008 will do: SSE4.2, and no AVX", async () => {
    const line = await underQemu("x86_64", ["-cpu", "Nehalem", executableFor("x64"), "--version"]);
    const { stdout } = spawnSync(line[0] ?? "", line.slice(1), { encoding: "utf8" });
    assert.equal(stdout, `csync2rev ${packageJson.version}\n`);
  });

test("Bun's variables say nothing to the executable for arm64 either", async () => {
  const [program = "", ...rest] = await arm64("BUN_BE_BUN=1", "BUN_OPTIONS=--eval=1", "BUN_JSC_unknown=1");
  const { stdout, stderr } = spawnSync(program, [...rest, "--version"], { encoding: "utf8" });
  assert.equal(`${stdout}${stderr}`, `csync2rev ${packageJson.version}\n`);
});

for (const [name, place] of Object.entries(PLACES))
  describe(name, () => {
    const run = async (...args: readonly string[]): Promise<SpawnSyncReturns<string>> => {
      const [program = "", ...rest] = await place();
      return spawnSync(program, [...rest, ...args], { encoding: "utf8" });
    };

    test("--version", async () => {
      const { stdout, stderr } = await run("--version");
      assert.match(stdout, /^csync2rev \d+\.\d+\.\d+\n$/, stderr);
    });

    test("--show-config", async () => {
      const { status, stdout, stderr } = await run("--show-config", "-N", "h1");
      assert.match(stdout, /cluster/);
      assert.match(stdout, /localhost/);
      assert.equal(status, 0, stderr);
    });

    test("a ping is answered", async () => {
      const { ours, theirs } = await connection();
      const [program = "", ...rest] = await place();
      const handler = spawn(program, [...rest, "-i", "-N", "h1"], { stdio: [theirs, theirs, "ignore"] });
      const ended = once(handler, "close");
      theirs.destroy();
      const { replies, foreign } = await converse(asProcess(ours), {
        key: KEY,
        verb: "ping",
        from: "localhost",
      });
      assert.deepEqual(
        replies.map(({ type }) => type),
        ["accepted", "done"],
      );
      assert.equal(foreign, "");
      await ended;
    });
  });
