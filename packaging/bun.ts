// Bun, which compiles the standalone executable: one version, from its npm packages, each held against a hash that is written down here.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";

/** What the executable's platforms are called: by Node.js and by us. */
export const PLATFORMS = ["x64", "arm64"] as const;
export type Platform = (typeof PLATFORMS)[number];

export const BUN_VERSION = "1.4.5";

const CACHE = join(import.meta.dirname, "../.cache/bun");

/** Its npm packages. For x64 the one that needs no AVX2: csync2 runs on old machines too. */
export const PACKAGES: Readonly<Record<Platform, { readonly name: string; readonly sha512: string }>> = {
  x64: {
    name: "@oven/bun-linux-x64-baseline",
    sha512: "s8yMwYcFnnrA178gji0gZbkE2WVDej/Ti1x770oPfihxyRxSMNhGhiAQNXV53aDeraZxksdvKV/RAdQBCd0qPA==",
  },
  arm64: {
    name: "@oven/bun-linux-aarch64",
    sha512: "4BXmsSKnjOrlGWqZV4x/oWa7AVoR+B6lCXddMzOAXBIm3t50eslg9wb66gmtW1AamEQ1l1CDvmmruysEhqOWMg==",
  },
};

/** The platform that this runs on. Throws where Bun cannot be run here. */
export function ownPlatform(): Platform {
  const own = PLATFORMS.find((platform) => platform === process.arch);
  if (process.platform !== "linux" || own === undefined)
    throw new Error(
      `the standalone executable cannot be built on ${process.platform} ${process.arch}: build it on Linux, x64 or arm64, for both`,
    );
  return own;
}

/**
 * Bun's program for a platform: fetched into .cache the first time, by npm, which takes its registry and proxy from its own settings.
 * A download that was cut off is made again. Throws, with what to do, where it cannot be had, or is not what it was.
 */
export function bunFor(platform: Platform): string {
  const { name, sha512 } = PACKAGES[platform];
  if (sha512 === "")
    throw new Error(
      `packaging/bun.ts has no sha512 of ${name} ${BUN_VERSION}: look at that package, and write it there (npm view ${name}@${BUN_VERSION} dist.integrity)`,
    );
  const place = join(CACHE, BUN_VERSION, platform);
  const program = join(place, "package/bin/bun");
  if (existsSync(program)) return program;
  mkdirSync(CACHE, { recursive: true });
  const part = mkdtempSync(join(CACHE, "part-"));
  try {
    const archive = join(part, download(`${name}@${BUN_VERSION}`, part));
    const found = createHash("sha512").update(readFileSync(archive)).digest("base64");
    if (found !== sha512)
      throw new Error(
        [
          `${name} ${BUN_VERSION} is not the file that was looked at: its sha512 is ${found}, and packaging/bun.ts has ${sha512}.`,
          "Look at the registry that npm uses (npm config get registry), empty npm's cache (npm cache clean --force), build again.",
        ].join("\n"),
      );
    execFileSync("tar", ["--extract", "--gzip", "--no-same-owner", "--file", archive, "--directory", part]);
    rmSync(archive);
    mkdirSync(join(CACHE, BUN_VERSION), { recursive: true });
    if (!existsSync(place)) renameSync(part, place);
  } finally {
    rmSync(part, { recursive: true, force: true });
  }
  return program;
}

/** Has npm fetch a package's archive into a folder; its name there. */
function download(what: string, folder: string): string {
  try {
    const said = execFileSync("npm", ["pack", what, "--json", "--pack-destination", folder], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [packed] = JSON.parse(said) as readonly { readonly filename: string }[];
    if (packed === undefined) throw new Error("npm pack fetched nothing");
    return packed.filename;
  } catch (cause) {
    throw new Error(
      `cannot fetch ${what}: is the network up, and does npm reach its registry (npm ping)? Build again then.`,
      { cause },
    );
  }
}
