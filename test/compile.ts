// Compiles each test into one file in dist/test, once: npm test then takes a fifth of a second less for each of them.
import { build, type Plugin } from "esbuild";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";

const TOP = join(import.meta.dirname, "..");
const TO = join(TOP, "dist/test");

/** A module finds the files beside it where its source is. */
const whereItsSourceIs: Plugin = {
  name: "where-its-source-is",
  setup: (builder) => {
    builder.onLoad({ filter: /\.ts$/ }, ({ path }) => ({
      contents: readFileSync(path, "utf8").replaceAll("import.meta.dirname", JSON.stringify(dirname(path))),
      loader: "ts",
    }));
  },
};

rmSync(TO, { recursive: true, force: true });
await build({
  absWorkingDir: TOP,
  entryPoints: readdirSync(join(TOP, "test"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".test.ts"))
    .map((file) => join("test", file)),
  outbase: join(TOP, "test"),
  outdir: TO,
  outExtension: { ".js": ".mjs" },
  bundle: true,
  packages: "external",
  platform: "node",
  format: "esm",
  target: "node20",
  sourcemap: "linked",
  logLevel: "warning",
  plugins: [whereItsSourceIs],
});
