// Bundles the program, its runtime packages included, into one executable file: what `bin` names and what is shipped.
import { build } from "esbuild";
import { chmodSync } from "node:fs";

const outfile = "dist/csync2rev.cjs";
await build({
  entryPoints: ["src/main.ts"],
  outfile,
  bundle: true,
  platform: "node",
  format: "cjs",
  target: "node18",
  minifySyntax: true,
  minifyWhitespace: true,
  banner: { js: "#!/usr/bin/env node" },
  legalComments: "none",
  logLevel: "warning",
});
chmodSync(outfile, 0o755);
