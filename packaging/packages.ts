// Makes what is handed out, in packages/: npm run package [-- x64|arm64 …] [--into FOLDER].
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { PLATFORMS } from "./bun.ts";
import { TOP, version } from "./content.ts";
import { makeDeb } from "./deb.ts";
import { makeRpm } from "./rpm.ts";
import { makeSbom } from "./sbom.ts";
import { buildStandalone, platformOf } from "./standalone.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { into: { type: "string", default: join(TOP, "packages") } },
});
try {
  await makeAll(values.into, positionals.length === 0 ? PLATFORMS : positionals);
} catch (error) {
  console.error(`npm run package: ${(error as Error).message}`);
  process.exitCode = 1;
}

async function makeAll(folder: string, names: readonly string[]): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const made: string[] = [];
  for (const platform of names.map(platformOf)) {
    const program = await buildStandalone(platform);
    made.push(makeDeb(platform, program, folder), await makeRpm(platform, program, folder));
  }
  const sbom = join(folder, `csync2rev-${version}.cdx.json`);
  writeFileSync(sbom, makeSbom());
  made.push(sbom);
  const sums = made.map(
    (file) => `${createHash("sha256").update(readFileSync(file)).digest("hex")}  ${basename(file)}\n`,
  );
  const file = join(folder, "SHA256SUMS");
  writeFileSync(file, sums.join(""));
  console.log([...made, file].join("\n"));
}
