// What every package has in it, whatever kind it is of.
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import packageJson from "../package.json" with { type: "json" };
import { licencesOfBun, PARTS_OF_BUN } from "./licences.ts";

export const TOP = join(import.meta.dirname, "..");
export const { version } = packageJson;

/** The folder of the documents, in a package. */
export const DOC = "usr/share/doc/csync2rev";

/** A file of the project. */
export function read(file: string): string {
  return readFileSync(join(TOP, file), "utf8");
}

/** What has another folder in each kind of package. */
export interface Folders {
  /** For systemd's units. */
  readonly units: string;
  /** For what zsh completes. */
  readonly zsh: string;
}

/**
 * Lays out what all kinds have, in an empty folder.
 * @param program the standalone executable. Nothing may strip it: strip(1) cuts the program off, and leaves a bare Bun.
 */
export function layOut(tree: string, program: string, { units, zsh }: Folders): void {
  chmodSync(tree, 0o755);
  put(tree, "usr/sbin/csync2rev", readFileSync(program), 0o755);
  put(tree, "usr/share/man/man8/csync2rev.8.gz", gzipSync(read("man/csync2rev.8"), { level: 9 }));
  put(tree, "usr/lib/nagios/plugins/check_csync2rev", read("monitoring/check_csync2rev"), 0o755);
  for (const unit of readdirSync(join(TOP, "systemd")))
    put(tree, `${units}/${unit}`, read(`systemd/${unit}`));
  put(tree, "usr/share/bash-completion/completions/csync2rev", completion("bash"));
  put(tree, `${zsh}/_csync2rev`, completion("zsh"));
  put(tree, "usr/share/fish/vendor_completions.d/csync2rev.fish", completion("fish"));
  for (const sample of ["inetd/inetd.conf", "inetd/services", "xinetd/csync2rev", "nftables/csync2rev.nft"])
    put(tree, `${DOC}/examples/${sample.replace("/", ".")}`, read(sample));
  const guides = readdirSync(join(TOP, "docs")).map((name) => `docs/${name}`);
  for (const document of ["README.md", "SECURITY.md", "PROTOCOL.md", ...guides])
    put(tree, `${DOC}/${document}`, read(document));
}

/** Writes a file, and the folders that it is in, whatever the umask of whoever builds. */
export function put(tree: string, file: string, content: string | Uint8Array, mode = 0o644): void {
  const path = join(tree, file);
  mkdirSync(dirname(path), { recursive: true });
  for (let folder = dirname(path); folder !== tree; folder = dirname(folder)) chmodSync(folder, 0o755);
  writeFileSync(path, content);
  chmodSync(path, mode);
}

/** Every file of a tree below a folder, in order. */
export function filesOf(tree: string, folder = ""): string[] {
  return readdirSync(join(tree, folder))
    .sort()
    .flatMap((name) => {
      const file = join(folder, name);
      return statSync(join(tree, file)).isDirectory() ? filesOf(tree, file) : [file];
    });
}

/** Ours, and those of all that is in the executable. */
export function licences(): string {
  const line = "-".repeat(78);
  return [`csync2rev ${version}\n\n${read("LICENSE")}`, licencesOfBun(), read("dist/LICENSES.txt")].join(
    `\n${line}\n\n`,
  );
}

/** The same as one SPDX expression, csync2rev's own and Bun's first. */
export function licenceExpression(): string {
  const packages = read("dist/LICENSES.txt").matchAll(/^\S+ [\d.]+ \((.*)\)$/gm);
  const all = [
    ...PARTS_OF_BUN.map(({ licence }) => licence),
    ...Array.from(packages, ([, licence = ""]) => licence),
  ].flatMap((licences) => licences.split(" AND "));
  return [...new Set(["MIT", ...all.sort()])].join(" AND ");
}

/** When the version was released, as CHANGELOG.md has it: the time of every file in every package. */
export function released(): Date {
  return new Date(`${newestChanges().date}T00:00:00Z`);
}

/** The newest section of CHANGELOG.md: its heading is "## [VERSION] - YYYY-MM-DD". */
export function newestChanges(): { readonly date: string; readonly items: readonly string[] } {
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

function completion(shell: string): string {
  const program = join(TOP, "dist/csync2rev.cjs");
  return execFileSync(process.execPath, [program, "--completion", shell], { encoding: "utf8" });
}
