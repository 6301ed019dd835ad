// Bundles the program, its runtime packages included, into one executable file: what `bin` names and what is shipped.
import { build } from "esbuild";
import { chmodSync, writeFileSync } from "node:fs";

const OUTFILE = "dist/csync2rev.cjs";

/** @type {import("esbuild").BuildOptions} */
const OPTIONS = {
  bundle: true,
  write: false,
  platform: "node",
  format: "cjs",
  target: "node18",
  minify: true,
  charset: "ascii",
  // import() of a built-in module would load the whole ESM loader: 3 ms of a handler's 30.
  supported: { "dynamic-import": false },
  legalComments: "none",
  logLevel: "warning",
};

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

writeFileSync(
  OUTFILE,
  await bundle({
    entryPoints: ["src/main.ts"],
    banner: { js: "#!/usr/bin/env node" },
    plugins: [commandLineAsText],
  }),
);
chmodSync(OUTFILE, 0o755);

async function bundle(options) {
  const { outputFiles } = await build({ ...OPTIONS, ...options });
  return outputFiles[0].text;
}
