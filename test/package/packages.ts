import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import packageJson from "../../package.json" with { type: "json" };
import { ownPlatform, type Platform } from "../../packaging/bun.ts";
import { makeRpm, tool } from "../../packaging/rpm.ts";
import { versionsInBun } from "../../packaging/sbom.ts";
import { debianPackages, withPackages } from "../cluster/cluster.ts";
import { debianRoot } from "../machines/root.ts";
import { underArm64 } from "./qemu.ts";

// What `npm run package` makes, for all platforms: npm run test:package. Needs root.

const TOP = join(import.meta.dirname, "../..");
const { version } = packageJson;
/** The names of a platform in those of the packages. */
const NAMES: Readonly<Record<Platform, readonly [deb: string, rpm: string]>> = {
  x64: ["amd64", "x86_64"],
  arm64: ["arm64", "aarch64"],
};

let folder: string, packages: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), "csync2rev-packages-"));
  packages = join(folder, "packages");
  make(TOP, packages);
});
after(() => {
  rmSync(folder, { recursive: true });
});

/** Makes them, by a line of shell. */
function make(top: string, into: string, before = ":", within = ""): void {
  const line = `${before}; npm run -s build && exec ${within} node --import tsx packaging/packages.ts --into "$0"`;
  execFileSync("sh", ["-ec", line, into], { cwd: top, stdio: "pipe" });
}

/** The project's files in another folder, with this one's node_modules, and its .cache unless said otherwise. */
function copyOfProject(name: string, cache = true): string {
  const copy = join(folder, name);
  const listed = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
    cwd: TOP,
    encoding: "utf8",
  });
  for (const file of listed.split("\0").filter((file) => existsSync(join(TOP, file)) && file !== "")) {
    mkdirSync(join(copy, dirname(file)), { recursive: true });
    // With its time: npm must find that node_modules is as new as the lock file, or it installs anew, through the link below.
    cpSync(join(TOP, file), join(copy, file), { preserveTimestamps: true });
  }
  for (const name of ["node_modules", ...(cache ? [".cache"] : [])])
    symlinkSync(join(TOP, name), join(copy, name));
  return copy;
}

test("SHA256SUMS has a sum for each file", () => {
  const names = readFileSync(join(packages, "SHA256SUMS"), "utf8")
    .trim()
    .split("\n")
    .map((line) => line.split("  ")[1]);
  const expected = Object.values(NAMES).flatMap(([deb, rpm]) => [
    `csync2rev_${version}_${deb}.deb`,
    `csync2rev-${version}-1.${rpm}.rpm`,
  ]);
  assert.deepEqual(names, [...expected, `csync2rev-${version}.cdx.json`]);
  assert.deepEqual(readdirSync(packages).sort(), [...names, "SHA256SUMS"].sort());
  execFileSync("sha256sum", ["--check", "--strict", "--quiet", "SHA256SUMS"], { cwd: packages });
});

test("the bill of materials has the packages that are bundled, and Bun with what it links", () => {
  const bill = readFileSync(join(packages, `csync2rev-${version}.cdx.json`), "utf8");
  assert.doesNotMatch(
    bill,
    /cdx:npm|"version": "[^"]*",\s*"name": "cli"/,
    "it is the same whatever npm is there",
  );
  const { components } = JSON.parse(bill) as {
    components: { name: string; components?: { name: string }[] }[];
  };
  const names = components.map(({ name }) => name);
  for (const name of [...Object.keys(packageJson.dependencies), "@oven/bun-linux-aarch64"])
    assert.ok(names.includes(name), name);
  const bun = components.find(({ name }) => name === "@oven/bun-linux-x64-baseline");
  assert.ok(bun?.components?.some(({ name }) => name.startsWith("JavaScriptCore")));
});

test("every part that Bun itself names is in the bill of materials with its version, and its licence in the RPM", async () => {
  // What Node.js has there too for compatibility, or what Bun was made with.
  const others = "node bun openssl v8 uv napi unicode modules typescript zig".split(" ");
  const versions = Object.entries(versionsInBun()).filter(([name]) => !others.includes(name));
  assert.ok(versions.length > 10);
  const bill = readFileSync(join(packages, `csync2rev-${version}.cdx.json`), "utf8");
  for (const [name, version] of versions) assert.ok(bill.includes(`"version": "${version}"`), name);
  const [rpm, env] = await tool("rpm");
  const file = join(packages, `csync2rev-${version}-1.${NAMES.x64[1]}.rpm`);
  const said = execFileSync(rpm, ["-qp", "--nosignature", "--qf", "%{LICENSE}", file], {
    encoding: "utf8",
    env,
  });
  for (const [, licences = ""] of bill.matchAll(/"(?:expression|id)": "(.*)"/g))
    for (const licence of licences.split(" AND ")) assert.ok(said.split(" AND ").includes(licence), licence);
});

test("another folder, another umask and no network make the same bytes", () => {
  const again = join(folder, "again");
  make(copyOfProject("another-folder"), again, "umask 077", "unshare --net");
  const made = readdirSync(again);
  assert.deepEqual(made, readdirSync(packages));
  for (const name of made)
    assert.ok(readFileSync(join(again, name)).equals(readFileSync(join(packages, name))), name);
});

for (const [platform, [deb, rpm]] of Object.entries(NAMES))
  for (const file of [`csync2rev_${version}_${deb}.deb`, `csync2rev-${version}-1.${rpm}.rpm`])
    test(`the program runs out of ${file}, and its licences and Bun's are there`, async () => {
      const tree = join(folder, `tree-${file}`);
      mkdirSync(tree);
      if (file.endsWith(".deb")) execFileSync("dpkg-deb", ["--extract", join(packages, file), tree]);
      else {
        const [rpm2cpio, env] = await tool("rpm2cpio");
        const line = `"$0" "$1" | cpio --extract --make-directories --quiet --directory "$2"`;
        const cpio = withPackages(await debianPackages(["cpio"]), [
          ...["sh", "-ec", line, rpm2cpio, join(packages, file), tree],
        ]);
        execFileSync(cpio[0] ?? "", cpio.slice(1), { env: { ...process.env, ...env } });
      }
      const program = join(tree, "usr/sbin/csync2rev");
      assert.equal(await run(platform, program), `csync2rev ${version}\n`);
      const licences = file.endsWith(".deb") ? "doc/csync2rev/copyright" : "licenses/csync2rev/LICENSE";
      assert.match(readFileSync(join(tree, "usr/share", licences), "utf8"), /JavaScriptCore.*LGPL[^]*yargs/);
      rmSync(tree, { recursive: true });
    });

/** What a program says to --version: one of another platform under qemu-user. */
async function run(platform: string, program: string): Promise<string> {
  if (platform === process.arch) return execFileSync(program, ["--version"], { encoding: "utf8" });
  assert.equal(platform, "arm64");
  const [qemu = "", ...args] = await underArm64([program, "--version"]);
  return execFileSync(qemu, args, { encoding: "utf8" });
}

test("lintian finds nothing wrong with the Debian packages", async () => {
  const files = Object.values(NAMES).map(([deb]) => join(packages, `csync2rev_${version}_${deb}.deb`));
  const lintian = ["lintian", "--fail-on", "error,warning", ...files];
  const command = withPackages(await debianPackages(["lintian", "man-db"]), lintian);
  const { stdout, status } = spawnSync(command[0] ?? "", command.slice(1), { encoding: "utf8" });
  assert.equal(stdout, "");
  assert.equal(status, 0);
});

test("rpmlint finds no error but that whoever publishes them has yet to sign them", async () => {
  const files = Object.values(NAMES).map(([, rpm]) => join(packages, `csync2rev-${version}-1.${rpm}.rpm`));
  const command = withPackages(await debianPackages(["rpmlint", "rpm"]), ["rpmlint", ...files]);
  const { stdout, stderr } = spawnSync(command[0] ?? "", command.slice(1), { encoding: "utf8" });
  assert.match(stdout, /2 packages and 0 specfiles checked/, `${stdout}${stderr}`);
  assert.deepEqual(
    [...stdout.matchAll(/: E: (.*)/g)].map(([, error]) => error),
    ["no-signature", "no-signature"],
  );
});

test("an RPM is installed, upgraded and erased, and asks for its programs by their files", async () => {
  const root = await debianRoot("bookworm", []);
  const next = join(folder, "next");
  mkdirSync(next);
  writeFileSync(join(next, "program"), "#!/bin/sh\necho the next one\n");
  const upgrade = await makeRpm(ownPlatform(), join(next, "program"), next, 2);
  const first = join(packages, `csync2rev-${version}-1.${NAMES[ownPlatform()][1]}.rpm`);
  const [rpm, env] = await tool("rpm");
  const script = join(import.meta.dirname, "rpm.sh");
  const base = await systemOf(next);
  const { stdout, status, stderr } = spawnSync(
    "unshare",
    ["--mount", "sh", script, root, rpm, base, first, upgrade],
    { encoding: "utf8", env: { ...process.env, ...env } },
  );
  assert.equal(status, 0, `${stdout}${stderr}`);
  assert.equal(
    stdout,
    [
      "needs /usr/bin/flock /usr/bin/logger /usr/bin/xargs",
      `installed csync2rev ${version}`,
      "systemctl --no-reload preset csync2rev.socket csync2rev-others.service csync2rev-boot.service",
      "upgraded the next one",
      "erased",
      "systemctl --no-reload disable --now csync2rev.socket csync2rev-others.service csync2rev-boot.service",
      "",
    ].join("\n"),
  );
});

/** An RPM that stands for the distribution: it has the programs that are asked for. */
async function systemOf(work: string): Promise<string> {
  const spec = join(work, "system.spec");
  writeFileSync(
    spec,
    `Name: system
Version: 1
Release: 1
Summary: Stands for a distribution
License: MIT
BuildArch: noarch
Provides: /bin/sh
${["flock", "logger", "xargs"].map((name) => `Provides: /usr/bin/${name}\n`).join("")}
%description
Nothing.
%files
`,
  );
  const [rpmbuild, env] = await tool("rpmbuild");
  execFileSync(rpmbuild, ["-bb", "--quiet", "--define", `_topdir ${work}/top`, spec], {
    stdio: "pipe",
    env: { ...env, HOME: work },
  });
  return join(work, "top/RPMS/noarch/system-1-1.noarch.rpm");
}

test("a build that cannot go on says what to do", () => {
  const copy = copyOfProject("without-bun", false);
  const attempt = (script: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): string => {
    const { status, stderr } = spawnSync(
      process.execPath,
      ["--import", "tsx", `packaging/${script}`, ...args],
      {
        cwd: copy,
        encoding: "utf8",
        env: { ...process.env, ...env },
      },
    );
    assert.equal(status, 1, stderr);
    return stderr;
  };
  for (const script of ["standalone.ts", "packages.ts"])
    assert.match(attempt(script, ["sparc"]), /no platform is called "sparc": write x64 or arm64, or nothing/);
  const nowhere = { npm_config_registry: "http://127.0.0.1:9/", npm_config_cache: join(folder, "empty") };
  const offline = attempt("standalone.ts", ["x64"], { ...nowhere, npm_config_fetch_retries: "0" });
  assert.match(offline, /cannot fetch @oven\/bun-linux-x64-baseline@[\d.]+: is the network up.*npm ping/);
  const pinned = join(copy, "packaging/bun.ts");
  writeFileSync(pinned, readFileSync(pinned, "utf8").replaceAll(/sha512: "..../g, 'sha512: "AAAA'));
  const changed = attempt("standalone.ts", [ownPlatform()]);
  assert.match(changed, /is not the file that was looked at: its sha512 is [^]*npm cache clean --force/);
  writeFileSync(pinned, readFileSync(pinned, "utf8").replaceAll(/sha512: ".*"/g, 'sha512: ""'));
  assert.match(attempt("packages.ts", [ownPlatform()]), /has no sha512 of @oven\/bun-.*: look at/);
  execFileSync("cp", [join(TOP, "packaging/bun.ts"), pinned]);
  const doors = join(copy, "packaging/doors.ts");
  writeFileSync(doors, readFileSync(doors, "utf8").replace("BUN_BE_BUN", "BUN_BE_NEW"));
  rmSync(join(copy, ".cache"), { recursive: true, force: true });
  symlinkSync(join(TOP, ".cache"), join(copy, ".cache"));
  assert.match(attempt("standalone.ts", [ownPlatform()]), /BUN_BE_NEW nowhere: look through the variables/);
});
