import { bundled } from "../cluster/bundled.ts";
import { join } from "node:path";
import type { Host } from "../cluster/cluster.ts";
import type { Attempt, Outcome } from "./stranger.ts";

/** Puts one of this folder's programs on a host, as one file; returns the command that runs it. */
export function install(host: Host, name: string): string[] {
  host.write(`/opt/${name}.mjs`, bundled(sourceOf(name)));
  return ["node", `/opt/${name}.mjs`];
}

/** The file of one of this folder's programs. */
export function sourceOf(name: string): string {
  return join(import.meta.dirname, `${name}.ts`);
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
