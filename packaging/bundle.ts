// Bundles the program with its runtime packages, for either runtime, and collects their licences.
import { build, type BuildOptions, type Plugin } from "esbuild";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const TOP = join(import.meta.dirname, "..");

/** yargs/helpers imports what only yargs itself needs. Without this, all of that would be in the bundle. */
const onlyTheParser: Plugin = {
  name: "only-the-parser",
  setup: (builder) => {
    builder.onResolve({ filter: /\/platform-shims\/esm\.mjs$/ }, ({ path, resolveDir }) => ({
      path: join(resolveDir, path),
      sideEffects: false,
    }));
  },
};

const MAIN = ["src/main.ts"];

const OPTIONS = {
  absWorkingDir: TOP,
  bundle: true,
  write: false,
  metafile: true,
  platform: "node",
  format: "cjs",
  minify: true,
  charset: "ascii",
  // import() of a built-in module would load the whole ESM loader: 3 ms of a handler's 30.
  supported: { "dynamic-import": false },
  // yargs looks for its own folder: there is none, and what it would find in the working directory in its place is not ours.
  define: { "import.meta.url": '"file:///node_modules/yargs"' },
  legalComments: "none", // all licences, not only those that comments hold, go into LICENSES.txt
  logLevel: "warning",
} as const satisfies BuildOptions;

/** A program as one text, and the files that it was made of. */
export interface Bundle {
  readonly text: string;
  readonly inputs: readonly string[];
}

/** src/main.ts for Node.js. */
export async function bundleForNode(): Promise<Bundle> {
  return await bundle({ entryPoints: MAIN, plugins: [onlyTheParser], target: "node20" });
}

/** The module that the executable loads for everything but the handler, by the name in its require(). */
export const COMMAND_LINE = "command-line.js";

/**
 * For Bun: src/main.ts, and what only the command line needs as a module of its own. A handler then takes 0.4 MB less. What both need is
 * in both.
 */
export async function bundleForBun(): Promise<{ readonly program: string; readonly commandLine: string }> {
  const options: BuildOptions = { target: "esnext", conditions: ["bun"], external: ["bun:ffi"] };
  const apart: Plugin = {
    name: "command-line-apart",
    setup: (builder) => {
      builder.onResolve({ filter: /^\.\/cli\/modes\.ts$/ }, () => ({
        path: `./${COMMAND_LINE}`,
        external: true,
      }));
    },
  };
  const [program, commandLine] = await Promise.all([
    bundle({ ...options, entryPoints: MAIN, plugins: [onlyTheParser, apart] }),
    bundle({ ...options, entryPoints: ["src/cli/modes.ts"], plugins: [onlyTheParser] }),
  ]);
  return { program: program.text, commandLine: commandLine.text };
}

async function bundle(options: BuildOptions): Promise<Bundle> {
  const { outputFiles, metafile } = await build({ ...options, ...OPTIONS });
  return { text: outputFiles[0]?.text ?? "", inputs: Object.keys(metafile.inputs) };
}

/** The licences of all packages in a bundle, by the folders of their files. Throws where one has no licence file. */
export function licencesOf({ inputs }: Bundle): string {
  const folders = new Set(
    inputs.flatMap((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []),
  );
  const texts = [...folders].sort().map((folder) => {
    const { name, version, license } = JSON.parse(
      readFileSync(join(TOP, folder, "package.json"), "utf8"),
    ) as Readonly<Record<"name" | "version" | "license", string>>;
    const file = readdirSync(join(TOP, folder)).find((entry) => /^(licen[cs]e|copying)/i.test(entry));
    if (file === undefined) throw new Error(`${name} ${version} is in the bundle and has no licence file`);
    return `${name} ${version} (${license})\n\n${readFileSync(join(TOP, folder, file), "utf8").trim()}\n`;
  });
  const heading = "csync2rev holds these packages, each under its own licence.\n";
  return [heading, ...texts].join(`\n${"-".repeat(78)}\n\n`);
}
