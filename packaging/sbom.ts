// The bill of materials, as CycloneDX: what npm knows of the bundle's packages, and Bun with its parts.
import { execFileSync } from "node:child_process";
import { BUN_VERSION, bunFor, ownPlatform, PACKAGES, PLATFORMS } from "./bun.ts";
import { released, TOP } from "./content.ts";
import { PARTS_OF_BUN } from "./licences.ts";

interface Sbom {
  readonly metadata: { readonly component: object };
  readonly components: readonly { readonly "bom-ref": string }[];
  readonly dependencies: readonly { readonly ref: string }[];
}

/** The same text whenever and wherever it is made. */
export function makeSbom(): string {
  const args = [
    "sbom",
    "--package-lock-only",
    "--omit=dev",
    "--sbom-format=cyclonedx",
    "--sbom-type=application",
  ];
  const said = execFileSync("npm", args, {
    cwd: TOP,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  const sbom = JSON.parse(said) as Sbom;
  const fixed = {
    ...sbom,
    serialNumber: undefined, // npm draws one each time
    metadata: {
      ...sbom.metadata,
      timestamp: released().toISOString(),
      // Each npm has its own version and properties there.
      tools: [{ vendor: "npm", name: "cli" }],
      component: { ...sbom.metadata.component, name: "csync2rev", properties: undefined }, // npm takes the folder's name
    },
    components: [
      ...once(sbom.components, "bom-ref").map((component) => ({ ...component, properties: undefined })),
      ...bun(),
    ],
    dependencies: once(sbom.dependencies, "ref"),
  };
  return `${JSON.stringify(fixed, null, 2)}\n`;
}

/** The items, each name once: npm 10 has a package as often as it is in node_modules. */
function once<Key extends string, Item extends Readonly<Record<Key, string>>>(
  items: readonly Item[],
  key: Key,
): Item[] {
  return [...new Map(items.map((item) => [item[key], item])).values()];
}

function bun(): object[] {
  const versions = versionsInBun();
  const components = PARTS_OF_BUN.map(({ name, licence, source, inVersions = "" }) => ({
    type: "library",
    name,
    version: versions[inVersions],
    licenses: [{ expression: licence }],
    externalReferences: [{ type: "vcs", url: source }],
  }));
  return PLATFORMS.map((platform) => {
    const { name, sha512 } = PACKAGES[platform];
    return {
      "bom-ref": `${name}@${BUN_VERSION}`,
      type: "application",
      name,
      version: BUN_VERSION,
      purl: `pkg:npm/${name.replace("@", "%40")}@${BUN_VERSION}`,
      licenses: [{ license: { id: "MIT" } }],
      hashes: [{ alg: "SHA-512", content: Buffer.from(sha512, "base64").toString("hex") }],
      components,
    };
  });
}

/** What Bun says of its parts: a version or a commit of each, by a name of its own. */
export function versionsInBun(): Readonly<Record<string, string>> {
  const print = ["--print", "JSON.stringify(process.versions)"];
  const said = execFileSync(bunFor(ownPlatform()), print, { encoding: "utf8", cwd: "/" });
  return JSON.parse(said) as Record<string, string>;
}
