import { buildSync } from "esbuild";

const BUNDLED = new Map<string, Uint8Array>();

/** A TypeScript program as one file, for a host that does not see its folder. */
export function bundled(file: string): Uint8Array {
  const before = BUNDLED.get(file);
  if (before !== undefined) return before;
  const { outputFiles } = buildSync({
    entryPoints: [file],
    bundle: true,
    platform: "node",
    format: "esm",
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire('/');" },
    write: false,
  });
  const program = outputFiles[0]?.contents ?? new Uint8Array();
  BUNDLED.set(file, program);
  return program;
}
