// Bundles the program with its runtime packages, for either runtime, and collects their licences.
import { build, type BuildOptions } from "esbuild";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const TOP = join(import.meta.dirname, "..");

const OPTIONS = {
  absWorkingDir: TOP,
  entryPoints: ["src/main.ts"],
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

/**
 * Bundles src/main.ts.
 * @param runtime which of package.json's `imports` are chosen
 */
export async function bundleFor(runtime: "node" | "bun"): Promise<Bundle> {
  const { outputFiles, metafile } = await build({
    ...OPTIONS,
    ...(runtime === "node" ? { target: "node20" } : { target: "esnext", conditions: ["bun"] }),
  });
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
