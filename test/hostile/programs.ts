import { buildSync } from "esbuild";
import { join } from "node:path";
import type { Host } from "../cluster/cluster.ts";
import type { Attempt, Outcome } from "./stranger.ts";

/** Puts one of this folder's programs on a host, as one file; returns the command that runs it. */
export function install(host: Host, name: string): string[] {
  host.write(`/opt/${name}.mjs`, bundled(name));
  return ["node", `/opt/${name}.mjs`];
}

const BUNDLED = new Map<string, Uint8Array>();

/** One of this folder's programs as one file. */
export function bundled(name: string): Uint8Array {
  const before = BUNDLED.get(name);
  if (before !== undefined) return before;
  const { outputFiles } = buildSync({
    entryPoints: [join(import.meta.dirname, `${name}.ts`)],
    bundle: true,
    platform: "node",
    format: "esm",
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire('/');" },
    write: false,
  });
  const file = outputFiles[0]?.contents ?? new Uint8Array();
  BUNDLED.set(name, file);
  return file;
}

/** Makes connections from a host, one after another unless said otherwise. */
export async function connectFrom(host: Host, attempts: readonly Attempt[], atOnce = 1): Promise<Outcome[]> {
  const input = JSON.stringify({ attempts, atOnce });
  const { code, stdout, stderr } = await host.run(install(host, "stranger"), { input, timeout: 600_000 });
  if (code !== 0) throw new Error(`the stranger ended with ${code ?? "no status"}: ${stderr}`);
  return JSON.parse(stdout) as Outcome[];
}

/** A request as the text of its box. */
export function asking(verb: string, fields: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({ verb, group: "cluster", from: "h1", to: "h2", ...fields });
}
