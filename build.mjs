// Bundles the program, its runtime packages included, into one executable file: what `bin` names and what is shipped.
import { build } from "esbuild";
import { chmodSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const outfile = "dist/csync2rev.cjs";
const { metafile } = await build({
  entryPoints: ["src/main.ts"],
  outfile,
  bundle: true,
  platform: "node",
  format: "cjs",
  target: "node18",
  minifySyntax: true,
  minifyWhitespace: true,
  banner: { js: "#!/usr/bin/env node" },
  legalComments: "none", // all licences, not only those that comments hold, go into LICENSES.txt
  metafile: true,
  logLevel: "warning",
});
chmodSync(outfile, 0o755);

/** The packages that are in the bundle, by the folders that esbuild has taken files from. */
const packages = new Set(
  Object.keys(metafile.inputs).flatMap((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []),
);
const licences = [...packages].sort().map((folder) => {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const file = readdirSync(folder).find((entry) => /^(licen[cs]e|copying)/i.test(entry));
  if (file === undefined) throw new Error(`${name} ${version} is in the bundle and has no licence file`);
  return `${name} ${version} (${license})\n\n${readFileSync(join(folder, file), "utf8").trim()}\n`;
});
const line = `\n${"-".repeat(78)}\n\n`;
writeFileSync(
  "dist/LICENSES.txt",
  ["csync2rev.cjs holds csync2rev and these packages, each under its own licence.\n", ...licences].join(line),
);
