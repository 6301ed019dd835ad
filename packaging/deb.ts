// Makes csync2rev_VERSION_amd64.deb and _arm64.deb out of the standalone executables: npm run package.
//   node --import tsx packaging/deb.ts [x64|arm64 FILE]
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import packageJson from "../package.json" with { type: "json" };
import { PLATFORMS, type Platform } from "./bun.ts";
import { buildStandalone } from "./standalone.ts";

const TOP = join(import.meta.dirname, "..");
const DOC = "usr/share/doc/csync2rev";
const MAINTAINER_SCRIPTS = ["postinst", "prerm", "postrm"];
/** Where each shell looks for what packages bring. */
const COMPLETIONS = {
  bash: "usr/share/bash-completion/completions/csync2rev",
  zsh: "usr/share/zsh/vendor-completions/_csync2rev",
  fish: "usr/share/fish/vendor_completions.d/csync2rev.fish",
};
/** A file on disk takes whole blocks of this many bytes: dpkg counts so. */
const BLOCK = 1024;

/** Debian's names of the platforms. */
const ARCHITECTURES: Readonly<Record<Platform, string>> = { x64: "amd64", arm64: "arm64" };

const { version } = packageJson;
const [wanted, file] = process.argv.slice(2);
for (const platform of PLATFORMS) {
  if (wanted !== undefined && wanted !== platform) continue;
  const name = `csync2rev_${version}_${ARCHITECTURES[platform]}.deb`;
  await makePackage(platform, file ?? join(TOP, name));
}

async function makePackage(platform: Platform, target: string): Promise<void> {
  const program = await buildStandalone(platform);
  const tree = mkdtempSync(join(tmpdir(), "csync2rev-deb-"));
  try {
    chmodSync(tree, 0o755);
    layOut(tree, program);
    put(tree, "DEBIAN/control", fill(tree, read("packaging/debian/control"), ARCHITECTURES[platform]));
    for (const script of MAINTAINER_SCRIPTS)
      put(tree, `DEBIAN/${script}`, read(`packaging/debian/${script}`), 0o755);
    put(tree, "DEBIAN/md5sums", md5sums(tree));
    // Nothing strips the executable: strip(1) would cut the program off, and leave a bare Bun.
    execFileSync("dpkg-deb", ["--root-owner-group", "-Zxz", "-z3", "--build", tree, target], {
      stdio: ["ignore", "ignore", "inherit"],
      env: { ...process.env, SOURCE_DATE_EPOCH: String(released().getTime() / 1000) },
    });
    console.log(target);
  } finally {
    rmSync(tree, { recursive: true });
  }
}

function layOut(tree: string, program: string): void {
  put(tree, "usr/sbin/csync2rev", readFileSync(program), 0o755);
  put(tree, "usr/share/man/man8/csync2rev.8.gz", gzipSync(read("man/csync2rev.8"), { level: 9 }));
  put(tree, "usr/lib/nagios/plugins/check_csync2rev", read("monitoring/check_csync2rev"), 0o755);
  for (const unit of readdirSync(join(TOP, "systemd")))
    put(tree, `lib/systemd/system/${unit}`, read(`systemd/${unit}`));
  for (const [shell, file] of Object.entries(COMPLETIONS)) put(tree, file, completion(shell));
  for (const sample of ["inetd/inetd.conf", "inetd/services", "xinetd/csync2rev", "nftables/csync2rev.nft"])
    put(tree, `${DOC}/examples/${sample.replace("/", ".")}`, read(sample));
  const guides = readdirSync(join(TOP, "docs")).map((name) => `docs/${name}`);
  for (const document of ["README.md", "SECURITY.md", "PROTOCOL.md", ...guides])
    put(tree, `${DOC}/${document}`, read(document));
  put(tree, `${DOC}/changelog.gz`, gzipSync(changelog(), { level: 9 }));
  put(tree, `${DOC}/copyright`, copyright());
  put(tree, "usr/share/lintian/overrides/csync2rev", read("packaging/debian/lintian-overrides"));
}

function read(file: string): string {
  return readFileSync(join(TOP, file), "utf8");
}

function put(tree: string, file: string, content: string | Uint8Array, mode = 0o644): void {
  const path = join(tree, file);
  mkdirSync(dirname(path), { recursive: true });
  // mkdir(2) heeds the umask of whoever builds.
  for (let folder = dirname(path); folder !== tree; folder = dirname(folder)) chmodSync(folder, 0o755);
  writeFileSync(path, content);
  chmodSync(path, mode);
}

/** Every file of the tree, but for the package's own. */
function files(tree: string, directory = ""): string[] {
  return readdirSync(join(tree, directory)).flatMap((name) => {
    const file = join(directory, name);
    if (file === "DEBIAN") return [];
    return statSync(join(tree, file)).isDirectory() ? files(tree, file) : [file];
  });
}

function fill(tree: string, control: string, architecture: string): string {
  const size = files(tree).reduce((sum, file) => sum + Math.ceil(statSync(join(tree, file)).size / BLOCK), 0);
  return control
    .replace("VERSION", version)
    .replace("ARCHITECTURE", architecture)
    .replace("SIZE", String(size));
}

function md5sums(tree: string): string {
  return execFileSync("md5sum", files(tree), { cwd: tree, encoding: "utf8" });
}

function completion(shell: string): string {
  const program = join(TOP, "dist/csync2rev.cjs");
  return execFileSync(process.execPath, [program, "--completion", shell], { encoding: "utf8" });
}

/** The newest section of CHANGELOG.md: its heading is "## [VERSION] - YYYY-MM-DD". */
function newestChanges(): { readonly date: string; readonly items: readonly string[] } {
  const [, heading, date = "", text = ""] =
    /^## \[([^\]]+)\] - (\S+)\n([^]*?)(?=^## |^\[|(?![^]))/m.exec(read("CHANGELOG.md")) ?? [];
  if (heading !== version)
    throw new Error(`CHANGELOG.md begins with ${heading ?? "no version"}, and package.json has ${version}`);
  const items = text
    .split(/^- /m)
    .slice(1)
    .map((item) => item.replace(/^#.*/gm, "").replace(/\s+/g, " ").trim());
  return { date, items };
}

function released(): Date {
  return new Date(`${newestChanges().date}T00:00:00Z`);
}

/** CHANGELOG.md as deb-changelog(5) wants it. */
function changelog(): string {
  const date = released().toUTCString().replace("GMT", "+0000");
  const maintainer = /^Maintainer: (.*)$/m.exec(read("packaging/debian/control"))?.[1] ?? "";
  return [
    `csync2rev (${version}) unstable; urgency=medium`,
    "",
    ...newestChanges().items.map((item) => `  * ${wrapped(item)}`),
    "",
    ` -- ${maintainer}  ${date}`,
    "",
  ].join("\n");
}

function wrapped(text: string): string {
  return text.replace(/(.{1,72})(?: |$)/g, "$1\n    ").trimEnd();
}

/** Ours, and that of every package that is bundled into the program. */
function copyright(): string {
  return `csync2rev ${version}\n\n${read("LICENSE")}\n${read("dist/LICENSES.txt")}`;
}
