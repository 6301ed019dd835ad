import type { ThisHost } from "../host.ts";
import { insist, type Ended, type Insisted, type InsistWatcher } from "./insist.ts";
import { listRecords } from "./list.ts";
import { compare, markDifference } from "./verbs.ts";

/** A file on which this host's database and a peer's disagree. */
export interface Difference {
  readonly file: string;
  /** Who has it. */
  readonly on: "here" | "there" | "both";
  /** Whose is newer; null where both have it and there is no telling: no time is recorded, or the same. */
  readonly newer: "here" | "there" | null;
}

/** How a comparison went; `differences` is empty where it failed. */
export type Compared = (Ended & { readonly differences: readonly Difference[] }) | Exclude<Insisted, Ended>;

/**
 * Compares the databases of this host and a peer, and says for each file whose is newer, by the times of last modification
 * that csync2 has recorded (directories and symbolic links have none). Changes nothing.
 */
export async function compareWith(
  host: ThisHost,
  me: string,
  peer: string,
  watcher: InsistWatcher = {},
): Promise<Compared> {
  let reader = new ComparisonReader();
  const run = await insist(host, compare(me, peer), {
    ...watcher,
    wanted: () => {
      watcher.wanted?.();
      reader = new ComparisonReader();
    },
    stdout: (line) => {
      reader.stdout(line);
      watcher.stdout?.(line);
    },
    stderr: (line) => {
      reader.stderr(line);
    },
  });
  if (run.kind === "busy") return run;
  if (run.exit !== 0) return { ...run, differences: [] };
  const { rows, records } = reader;
  const here = await listRecords(host, new Set(rows.flatMap(({ on, file }) => (on === "both" ? file : []))));
  const differences = rows.map(({ file, on }): Difference => ({
    file,
    on,
    newer: on === "both" ? newerOf(here?.get(file), records.get(file)) : on,
  }));
  return { ...run, differences };
}

/**
 * Marks, for the peer alone, the files that are newer here than there or only here, so that the next push brings them. Never one
 * that is older, whatever the group's `auto` method would make of it: several of them, `first` and `left` among others, would put it
 * over the newer one. One csync2 a file: it can mark either one file or all that differ.
 */
export async function markNewer(
  host: ThisHost,
  me: string,
  peer: string,
  watcher: InsistWatcher,
): Promise<Compared> {
  const compared = await compareWith(host, me, peer, watcher);
  if (compared.kind === "busy") return compared;
  let { attempts } = compared;
  for (const { file, newer } of compared.differences) {
    if (newer !== "here" || !isSpeakable(file)) continue;
    const marked = await insist(host, markDifference(me, peer, file), {
      ...watcher,
      stdout: () => undefined,
    });
    if (marked.kind === "busy") return marked;
    attempts += marked.attempts;
    if (marked.exit !== 0) return { ...marked, attempts, differences: compared.differences };
  }
  return { ...compared, attempts };
}

/** Whether a reconcile leaves a file as it is though it may be wanted: nobody can tell which is newer, or its name cannot be handed on. */
export function isUndecided({ file, newer }: Difference): boolean {
  return newer === null || (newer === "here" && !isSpeakable(file));
}

/** Whether a name can be handed to csync2: what is not UTF-8 has been replaced while it was read. */
function isSpeakable(file: string): boolean {
  return !file.includes("\ufffd");
}

/** Reads what `csync2 -vv -T me peer` prints. A file name with a newline in it has no record that could be read. */
class ComparisonReader {
  readonly rows: Omit<Difference, "newer">[] = [];
  /** What the peer has recorded of each file. */
  readonly records = new Map<string, string>();

  stdout(line: string): void {
    const [, letter, file = ""] = /^([XLR])\t[^\t]*\t[^\t]*\t(.*)$/.exec(line) ?? [];
    if (letter === undefined) return;
    this.rows.push({ file, on: letter === "X" ? "both" : letter === "L" ? "here" : "there" });
  }

  stderr(line: string): void {
    const [, file, record] = /^Fetched tuple from peer: (.*) \[([^[\]]*)\]$/.exec(line) ?? [];
    if (file !== undefined && record !== undefined) this.records.set(file, record);
  }
}

function newerOf(here: string | undefined, there: string | undefined): Difference["newer"] {
  const [ours, theirs] = [modified(here), modified(there)];
  if (ours === null || theirs === null || ours === theirs) return null;
  return ours > theirs ? "here" : "there";
}

/** The time in csync2's record of a file (checktxt.c), in seconds. */
function modified(record: string | undefined): number | null {
  const [, seconds] = /^v\d+:mtime=(-?\d+):/.exec(record ?? "") ?? [];
  return seconds === undefined ? null : Number(seconds);
}
