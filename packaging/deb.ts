// The Debian packages.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Platform } from "./bun.ts";
import { DOC, filesOf, layOut, licences, newestChanges, put, read, released, version } from "./content.ts";

const MAINTAINER_SCRIPTS = ["postinst", "prerm", "postrm"];
/** A file on disk takes whole blocks of this many bytes: dpkg counts so. */
const BLOCK = 1024;

const COMMON_LICENSES = `
On Debian, the whole texts of the LGPL, of the Apache License and of the Mozilla Public License are in /usr/share/common-licenses/LGPL-2,
/usr/share/common-licenses/LGPL-2.1, /usr/share/common-licenses/Apache-2.0 and /usr/share/common-licenses/MPL-2.0.
`;

/** Debian's names of the platforms. */
const ARCHITECTURES: Readonly<Record<Platform, string>> = { x64: "amd64", arm64: "arm64" };

/**
 * Makes a package. Needs dpkg-deb.
 * @param program the standalone executable for the platform
 * @returns the package's file, in `folder`
 */
export function makeDeb(platform: Platform, program: string, folder: string): string {
  const architecture = ARCHITECTURES[platform];
  const target = join(folder, `csync2rev_${version}_${architecture}.deb`);
  const tree = mkdtempSync(join(tmpdir(), "csync2rev-deb-"));
  try {
    layOut(tree, program, { units: "lib/systemd/system", zsh: "usr/share/zsh/vendor-completions" });
    put(tree, `${DOC}/changelog.gz`, gzipSync(changelog(), { level: 9 }));
    put(tree, `${DOC}/copyright`, `${licences()}${COMMON_LICENSES}`);
    put(tree, "usr/share/lintian/overrides/csync2rev", read("packaging/debian/lintian-overrides"));
    const files = filesOf(tree);
    const size = files.reduce((sum, file) => sum + Math.ceil(statSync(join(tree, file)).size / BLOCK), 0);
    const md5sums = execFileSync("md5sum", files, { cwd: tree, encoding: "utf8" });
    const control = read("packaging/debian/control")
      .replace("VERSION", version)
      .replace("ARCHITECTURE", architecture)
      .replace("SIZE", String(size));
    put(tree, "DEBIAN/control", control);
    for (const script of MAINTAINER_SCRIPTS)
      put(tree, `DEBIAN/${script}`, read(`packaging/debian/${script}`), 0o755);
    put(tree, "DEBIAN/md5sums", md5sums);
    execFileSync("dpkg-deb", ["--root-owner-group", "-Zgzip", "-z6", "--build", tree, target], {
      stdio: ["ignore", "ignore", "inherit"],
      env: { ...process.env, SOURCE_DATE_EPOCH: String(released().getTime() / 1000) },
    });
    return target;
  } finally {
    rmSync(tree, { recursive: true });
  }
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
