import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { debianPackages } from "../cluster/cluster.ts";

const CACHE = join(import.meta.dirname, "../../.cache/debian");
const MIRROR = "http://deb.debian.org/debian";

/** A Debian as debootstrap makes it, with these packages installed, in a folder under .cache. Made once; needs root. */
export async function debianRoot(
  suite: string,
  packages: readonly string[],
  mirror = MIRROR,
): Promise<string> {
  const identity = createHash("sha256").update(packages.join()).digest("hex").slice(0, 8);
  const root = join(CACHE, `root-${suite}-${identity}`);
  if (existsSync(root)) return root;
  const unpacked = await debianPackages(["debootstrap", "debian-archive-keyring"]);
  const env = { ...process.env, DEBOOTSTRAP_DIR: join(unpacked, "usr/share/debootstrap") };
  const part = `${root}.part`;
  rmSync(part, { recursive: true, force: true });
  const include = packages.length > 0 ? [`--include=${packages.join()}`] : [];
  const keys = `--keyring=${join(unpacked, "usr/share/keyrings/debian-archive-keyring.gpg")}`;
  const args = ["--variant=minbase", keys, ...include, suite, part, mirror];
  const { status, stdout } = spawnSync(join(unpacked, "usr/sbin/debootstrap"), args, {
    env,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`debootstrap: ${stdout.slice(-2000)}`);
  renameSync(part, root);
  return root;
}
