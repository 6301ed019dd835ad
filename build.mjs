// Bundles the program, its runtime packages included, into one executable file: what `bin` names and what is shipped.
import { build } from "esbuild";
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const OUTFILE = "dist/csync2rev.cjs";

/** @type {import("esbuild").BuildOptions} */
const OPTIONS = {
  bundle: true,
  write: false,
  metafile: true,
  platform: "node",
  format: "cjs",
  target: "node18",
  minify: true,
  charset: "ascii",
  // import() of a built-in module would load the whole ESM loader: 3 ms of a handler's 30.
  supported: { "dynamic-import": false },
  legalComments: "none", // all licences, not only those that comments hold, go into LICENSES.txt
  logLevel: "warning",
};

/** The files that esbuild has taken into either bundle. */
const inputs = new Set();

/**
 * The command line's side goes into the file as text, compiled when it is wanted: the handler, started for every connection,
 * would pay for parsing it (bench/NOTES.md).
 * @type {import("esbuild").Plugin}
 */
const commandLineAsText = {
  name: "command-line-as-text",
  setup({ onLoad }) {
    onLoad({ filter: /\/src\/cli\.ts$/ }, async ({ path }) => {
      const text = await bundle({ entryPoints: [path] });
      return {
        contents: `
          import { compileFunction } from "node:vm";
          const module = { exports: {} };
          const compiled = compileFunction(${JSON.stringify(text)}, ["require", "module"], { filename: __filename + "/cli" });
          compiled(require, module);
          export const { runCommandLine } = module.exports;`,
        loader: "js",
      };
    });
  },
};

const program = await bundle({
  entryPoints: ["src/main.ts"],
  banner: { js: "#!/usr/bin/env node" },
  plugins: [commandLineAsText],
});
mkdirSync("dist", { recursive: true });
writeFileSync(OUTFILE, program);
chmodSync(OUTFILE, 0o755);
writeFileSync("dist/LICENSES.txt", licences());

async function bundle(options) {
  const { outputFiles, metafile } = await build({ ...OPTIONS, ...options });
  for (const input of Object.keys(metafile.inputs)) inputs.add(input);
  return outputFiles[0].text;
}

/** The licences of all packages that are in the bundle, by the folders of their files. */
function licences() {
  const folders = new Set(
    [...inputs].flatMap((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []),
  );
  const texts = [...folders].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const file = readdirSync(folder).find((entry) => /^(licen[cs]e|copying)/i.test(entry));
    if (file === undefined) throw new Error(`${name} ${version} is in the bundle and has no licence file`);
    return `${name} ${version} (${license})\n\n${readFileSync(join(folder, file), "utf8").trim()}\n`;
  });
  const heading = "csync2rev.cjs holds csync2rev and these packages, each under its own licence.\n";
  return [heading, ...texts].join(`\n${"-".repeat(78)}\n\n`);
}
