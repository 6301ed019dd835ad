// Compiles the standalone executables: npm run standalone [-- x64|arm64 …].
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { bunFor, ownPlatform, PLATFORMS, type Platform } from "./bun.ts";
import { bundleForBun, COMMAND_LINE } from "./bundle.ts";
import { closeDoors } from "./doors.ts";

const DIST = join(import.meta.dirname, "../dist");

const FLAGS = [
  "--compile",
  "--minify",
  "--bytecode",
  "--format=cjs",
  // Bun would read .env, and run what a bunfig.toml names, in whatever folder the program is started: under inetd, as root.
  "--no-compile-autoload-dotenv",
  "--no-compile-autoload-bunfig",
  "--no-compile-autoload-tsconfig",
  "--no-compile-autoload-package-json",
];

/** Bun's names of the platforms. */
const TARGETS: Readonly<Record<Platform, string>> = {
  x64: "bun-linux-x64-baseline",
  arm64: "bun-linux-arm64",
};

/** Where the executable for a platform is. */
export function executableFor(platform: Platform): string {
  return join(DIST, `csync2rev-linux-${platform}`);
}

/** Builds the executable for a platform, into dist/. Nothing is downloaded but Bun, where .cache lacks it. */
export async function buildStandalone(platform: Platform): Promise<string> {
  const target = executableFor(platform);
  compile(platform, await bundleForBun(), target);
  return target;
}

/**
 * Makes an executable of a bundle.
 * @param modules CommonJS modules: the program, and the one that it loads as COMMAND_LINE
 * @param target the file to make: it is there in one step, for tests may be running the one before
 */
export function compile(
  platform: Platform,
  modules: { readonly program: string; readonly commandLine: string },
  target: string,
): void {
  const bun = bunFor(ownPlatform());
  mkdirSync(dirname(target), { recursive: true });
  // Bun writes into the working folder while it builds.
  const folder = mkdtempSync(join(dirname(target), "part-"));
  try {
    const template = join(folder, "bun");
    const [program, commandLine] = ["csync2rev.js", COMMAND_LINE].map((name) => join(folder, name)) as [
      string,
      string,
    ];
    const built = join(folder, "csync2rev");
    writeFileSync(template, closeDoors(readFileSync(bunFor(platform)), platform), { mode: 0o755 });
    writeFileSync(program, modules.program);
    writeFileSync(commandLine, modules.commandLine);
    const names = [`--target=${TARGETS[platform]}`, `--compile-executable-path=${template}`];
    execFileSync(
      bun,
      [
        "build",
        program,
        commandLine,
        `--external=./${COMMAND_LINE}`,
        ...FLAGS,
        ...names,
        `--outfile=${built}`,
      ],
      {
        cwd: folder,
        // Nothing of the builder's own settings gets in.
        env: { PATH: process.env["PATH"], HOME: folder, TMPDIR: folder, DO_NOT_TRACK: "1" },
        stdio: ["ignore", "ignore", "inherit"],
      },
    );
    chmodSync(built, 0o755);
    renameSync(built, target);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The platform of a name. Throws, with what there is, where it is none. */
export function platformOf(name: string): Platform {
  const platform = PLATFORMS.find((known) => known === name);
  if (platform === undefined)
    throw new Error(`no platform is called "${name}": write ${PLATFORMS.join(" or ")}, or nothing for both`);
  return platform;
}

if (import.meta.filename === process.argv[1]) {
  const wanted = process.argv.slice(2);
  try {
    for (const platform of wanted.length === 0 ? PLATFORMS : wanted.map(platformOf))
      console.log(await buildStandalone(platform));
  } catch (error) {
    console.error(`npm run standalone: ${(error as Error).message}`);
    process.exitCode = 1;
  }
}
