import { setTimeout as sleep } from "node:timers/promises";
import type { ThisHost } from "../host.ts";
import { backoffAfter } from "../backoff.ts";
import { DirtyReader, OutputReader } from "./output.ts";
import { readCsync2 } from "./run.ts";
import { LIST_FILES, listDirtyOf, type Command, type Scope } from "./verbs.ts";

/** What csync2 still lists as dirty for a peer. */
export interface Dirty {
  readonly pending: number;
  /** The first of them. */
  readonly files: readonly string[];
}

/** Asks csync2 what is dirty for the peer, and names the first `limit`; null if it cannot be told. */
export async function listDirty(
  host: ThisHost,
  scope: Pick<Scope, "peer" | "groups">,
  limit: number,
): Promise<Dirty | null> {
  return await readList(host, listDirtyOf(scope), () => {
    const reader = new DirtyReader(scope.peer, limit);
    return {
      result: reader,
      line: (line) => {
        reader.line(line);
      },
    };
  });
}

/** What csync2 has recorded of those files that are `wanted`; null where it cannot be told. */
export async function listRecords(
  host: ThisHost,
  wanted: ReadonlySet<string>,
): Promise<ReadonlyMap<string, string> | null> {
  if (wanted.size === 0) return new Map();
  return await readList(host, LIST_FILES, () => {
    const records = new Map<string, string>();
    return {
      result: records,
      line: (line) => {
        const [, record = "", file = ""] = /^([^\t]*)\t(.*)$/.exec(line) ?? [];
        if (wanted.has(file)) records.set(file, record);
      },
    };
  });
}

/** Reads one of csync2's lists, anew after a failure that passes; null where there is no reading it. */
async function readList<T>(
  host: ThisHost,
  command: Command,
  reader: () => { readonly result: T; readonly line: (line: string) => void },
): Promise<T | null> {
  for (let attempts = 1; attempts <= host.settings.retries + 1; attempts++) {
    const { result, line } = reader();
    const said = new OutputReader();
    const end = await readCsync2(host, command, {
      stdout: line,
      stderr: (complaint) => {
        said.stderr(complaint);
      },
    });
    if (end.kind === "exited" && command.good.includes(end.exit)) return result;
    if (said.report.passing === undefined) return null;
    await sleep(backoffAfter(attempts));
  }
  return null;
}
