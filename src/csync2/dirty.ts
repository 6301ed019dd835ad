import { setTimeout as sleep } from "node:timers/promises";
import type { ThisHost } from "../host.ts";
import { pauseBefore } from "../pause.ts";
import { DirtyReader } from "./output.ts";
import { readCsync2 } from "./run.ts";
import { LIST_DIRTY } from "./verbs.ts";

/** What csync2 still lists as dirty for a peer. */
export interface Dirty {
  readonly pending: number;
  /** The first of them. */
  readonly files: readonly string[];
}

/** Asks csync2 what is dirty for `peername`, and names the first `limit`; null where it cannot be told, however often one asks. */
export async function listDirty(host: ThisHost, peername: string, limit: number): Promise<Dirty | null> {
  for (let attempts = 1; attempts <= host.settings.retries + 1; attempts++) {
    const reader = new DirtyReader(peername, limit);
    const end = await readCsync2(host, LIST_DIRTY, {
      stdout: (line) => {
        reader.line(line);
      },
    });
    if (end.kind === "exited" && LIST_DIRTY.good.includes(end.exit)) return reader;
    await sleep(pauseBefore(attempts));
  }
  return null;
}
