// Bundles the program for Node.js into one executable file, which is what `bin` names: npm run build.
import { chmodSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundleForNode, licencesOf } from "./bundle.ts";

const DIST = join(import.meta.dirname, "../dist");

/**
 * The bundle is a CommonJS module. Below a package.json with "type": "module" Node takes a file without an extension for an ES module,
 * which has no require().
 */
const BEFORE = "#!/usr/bin/env node\n(require=>{";
const BEHIND = '})(typeof require=="function"?require:process.getBuiltinModule);\n';

const bundle = await bundleForNode();
mkdirSync(DIST, { recursive: true });
const part = join(DIST, `csync2rev.${process.pid}.part`);
writeFileSync(part, BEFORE + bundle.text + BEHIND);
chmodSync(part, 0o755);
renameSync(part, join(DIST, "csync2rev.cjs"));
writeFileSync(join(DIST, "LICENSES.txt"), licencesOf(bundle));
