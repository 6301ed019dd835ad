// The RPM packages, for SUSE's and Red Hat's kin.
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { debianPackages } from "../test/cluster/debian.ts";
import type { Platform } from "./bun.ts";
import {
  DOC,
  filesOf,
  layOut,
  licenceExpression,
  licences,
  put,
  read,
  released,
  version,
} from "./content.ts";

/** RPM's names of the platforms. */
const ARCHITECTURES: Readonly<Record<Platform, string>> = { x64: "x86_64", arm64: "aarch64" };

/**
 * Makes a package, by rpmbuild: the machine's, else Debian's, which is fetched into .cache the first time.
 * @param program the standalone executable for the platform
 * @param release of the package, counted from 1 for each version of the program
 * @returns the package's file, in `folder`
 */
export async function makeRpm(
  platform: Platform,
  program: string,
  folder: string,
  release = 1,
): Promise<string> {
  const work = mkdtempSync(join(tmpdir(), "csync2rev-rpm-"));
  try {
    const tree = mkdtempSync(join(work, "tree-"));
    layOut(tree, program, { units: "usr/lib/systemd/system", zsh: "usr/share/zsh/site-functions" });
    put(tree, `${DOC}/CHANGELOG.md`, read("CHANGELOG.md"));
    put(tree, "usr/share/licenses/csync2rev/LICENSE", licences());
    const spec = join(work, "csync2rev.spec");
    const date = released();
    const lists = filesOf(tree).map((file) => `${kindOf(file)}/${file}`);
    writeFileSync(
      spec,
      read("packaging/rpm/csync2rev.spec")
        .replaceAll("@VERSION@", version)
        .replaceAll("@RELEASE@", String(release))
        .replace("@LICENSES@", licenceExpression())
        .replace("@TREE@", tree)
        .replace("@FILES@", lists.join("\n"))
        .replace("@DATE@", date.toUTCString().replace(/^(\w+), (\d+) (\w+) (\d+) .*/, "$1 $3 $2 $4")),
    );
    const [rpmbuild, env] = await tool("rpmbuild");
    const architecture = ARCHITECTURES[platform];
    const args = [
      "-bb",
      "--quiet",
      "--target",
      `${architecture}-linux`,
      "--define",
      `_topdir ${work}/top`,
      spec,
    ];
    execFileSync(rpmbuild, args, {
      stdio: ["ignore", "ignore", "inherit"],
      env: { ...env, HOME: work, SOURCE_DATE_EPOCH: String(date.getTime() / 1000) },
    });
    const made = join(work, "top/RPMS", architecture);
    const [name = ""] = readdirSync(made);
    renameSync(join(made, name), join(work, name));
    execFileSync("cp", [join(work, name), join(folder, name)]);
    return join(folder, name);
  } finally {
    rmSync(work, { recursive: true });
  }
}

/** A program of RPM's and the environment that it needs. */
export async function tool(name: string): Promise<readonly [string, NodeJS.ProcessEnv]> {
  const own = `/usr/bin/${name}`;
  const { PATH } = process.env;
  if (existsSync(own)) return [own, { PATH }];
  const usr = join(await debianPackages(["rpm"]), "usr");
  const libraries = readdirSync(join(usr, "lib")).filter((folder) => folder.endsWith("-linux-gnu"));
  const env = {
    PATH: `${usr}/bin:${PATH ?? ""}`,
    LD_LIBRARY_PATH: libraries.map((folder) => join(usr, "lib", folder)).join(":"),
    RPM_CONFIGDIR: join(usr, "lib/rpm"),
  };
  return [join(usr, "bin", name), env];
}

/** What RPM is to take a file for. */
function kindOf(file: string): string {
  if (file.startsWith(DOC) || file.includes("/man/")) return "%doc ";
  return file.includes("/licenses/") ? "%license " : "";
}
