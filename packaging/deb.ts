// Makes csync2rev_VERSION_all.deb out of the built program: npm run package.
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

const TOP = join(import.meta.dirname, "..");
const DOC = "usr/share/doc/csync2rev";
const MAINTAINER_SCRIPTS = ["postinst", "prerm", "postrm"];
/** A file on disk takes whole blocks of this many bytes: dpkg counts so. */
const BLOCK = 1024;

const { version } = packageJson;
const target = process.argv[2] ?? join(TOP, `csync2rev_${version}_all.deb`);
const tree = mkdtempSync(join(tmpdir(), "csync2rev-deb-"));
try {
  chmodSync(tree, 0o755);
  layOut();
  put("DEBIAN/control", fill(read("packaging/debian/control")));
  for (const script of MAINTAINER_SCRIPTS) put(`DEBIAN/${script}`, read(`packaging/debian/${script}`), 0o755);
  put("DEBIAN/md5sums", md5sums());
  execFileSync("dpkg-deb", ["--root-owner-group", "-Zxz", "--build", tree, target], {
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, SOURCE_DATE_EPOCH: String(released().getTime() / 1000) },
  });
  console.log(target);
} finally {
  rmSync(tree, { recursive: true });
}

function layOut(): void {
  const program = read("dist/csync2rev.cjs");
  // inetd and cron start programs with a PATH of their own.
  put("usr/sbin/csync2rev", program.replace(/^#!.*/, "#!/usr/bin/node"), 0o755);
  put("usr/share/man/man8/csync2rev.8.gz", gzipSync(read("man/csync2rev.8"), { level: 9 }));
  for (const unit of readdirSync(join(TOP, "systemd")))
    put(`lib/systemd/system/${unit}`, read(`systemd/${unit}`));
  put("usr/share/bash-completion/completions/csync2rev", completion());
  for (const sample of ["inetd/inetd.conf", "inetd/services", "xinetd/csync2rev"])
    put(`${DOC}/examples/${sample.replace("/", ".")}`, read(sample));
  for (const document of ["README.md", "SECURITY.md"]) put(`${DOC}/${document}`, read(document));
  put(`${DOC}/changelog.gz`, gzipSync(changelog(), { level: 9 }));
  put(`${DOC}/copyright`, copyright());
  put("usr/share/lintian/overrides/csync2rev", read("packaging/debian/lintian-overrides"));
}

function read(file: string): string {
  return readFileSync(join(TOP, file), "utf8");
}

function put(file: string, content: string | Uint8Array, mode = 0o644): void {
  const path = join(tree, file);
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  writeFileSync(path, content);
  chmodSync(path, mode);
}

/** Every file of the tree, but for the package's own. */
function files(directory = ""): string[] {
  return readdirSync(join(tree, directory)).flatMap((name) => {
    const file = join(directory, name);
    if (file === "DEBIAN") return [];
    return statSync(join(tree, file)).isDirectory() ? files(file) : [file];
  });
}

function fill(control: string): string {
  const size = files().reduce((sum, file) => sum + Math.ceil(statSync(join(tree, file)).size / BLOCK), 0);
  return control.replace("VERSION", version).replace("SIZE", String(size));
}

function md5sums(): string {
  return execFileSync("md5sum", files(), { cwd: tree, encoding: "utf8" });
}

function completion(): string {
  return execFileSync(process.execPath, [join(TOP, "dist/csync2rev.cjs"), "--completion"], {
    encoding: "utf8",
    env: { PATH: process.env["PATH"], SHELL: "/bin/bash" },
  });
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
