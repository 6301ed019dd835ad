import { setTimeout as sleep } from "node:timers/promises";
import { pathOf, type Prefix } from "../csync2cfg/model.ts";
import type { ThisHost } from "../host.ts";
import { insist, type Ended, type Insisted, type InsistWatcher } from "./insist.ts";
import { listRecords } from "./list.ts";
import { compare, markDifference, markDifferences, type Command, type Scope } from "./verbs.ts";

/** Between the csync2s that mark one file each, in milliseconds: xinetd stops a service that is asked for 50 times in a second. */
const BETWEEN_MARKS = 40;

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
  scope: Scope,
  watcher: InsistWatcher = {},
): Promise<Compared> {
  let reader = new ComparisonReader();
  const run = await insist(host, compare(scope), {
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

/** How the marking went: `undecided` are the files that may be wanted and were left as they are. */
export type Marked = (Ended & { readonly undecided: readonly string[] }) | Exclude<Insisted, Ended>;

/**
 * Marks, for the peer alone, the files that are newer here than there or only here, so that the next push brings them. Never one
 * that is older, whatever the group's `auto` method would make of it: several of them, `first` and `left` among others, would put it
 * over the newer one. csync2 can mark all that differs, or one file a run.
 * @param prefixes those of this host, which are in the names of files
 */
export async function markNewer(
  host: ThisHost,
  scope: Scope,
  prefixes: readonly Prefix[],
  watcher: InsistWatcher,
): Promise<Marked> {
  const compared = await compareWith(host, scope, watcher);
  if (compared.kind === "busy") return compared;
  const shared = compared.differences.filter(({ on }) => on !== "there");
  const newer = shared.filter((difference) => difference.newer === "here");
  const undecided = new Set(shared.filter((difference) => difference.newer !== "there"));

  let { attempts } = compared;
  const mark = async (command: Command): Promise<{ run: Insisted; named: boolean }> => {
    let named = false;
    const run = await insist(host, command, {
      ...watcher,
      stdout: (line) => {
        named ||= ROW.test(line);
        watcher.stdout?.(line);
      },
    });
    if (run.kind === "ended") attempts += run.attempts;
    return { run, named };
  };
  if (newer.length === shared.length && newer.length > 0) {
    const { run } = await mark(markDifferences(scope));
    if (run.kind === "busy") return run;
    return { ...run, attempts, undecided: [] };
  }
  // A name with a newline in it reads as that of another file, which may be older here.
  const others = new Set(compared.differences.filter((one) => one.newer !== "here").map(({ file }) => file));
  for (const [i, difference] of newer.entries()) {
    const path = pathOf(difference.file, prefixes);
    // What is not UTF-8 was replaced while it was read, and cannot be handed back.
    if (path === null || path.includes("\ufffd") || others.has(difference.file)) continue;
    if (i > 0) await sleep(BETWEEN_MARKS);
    const { run, named } = await mark(markDifference(scope, path));
    if (run.kind === "busy") return run;
    if (run.exit !== 0) return { ...run, attempts, undecided: [] };
    // csync2 leaves out a file that it does not find by this name, and says so only by not naming it.
    if (named) undecided.delete(difference);
  }
  return { ...compared, attempts, undecided: [...undecided].map(({ file }) => file) };
}

/** A line of `csync2 -T`: a file that differs, is only here or only there. */
const ROW = /^([XLR])\t[^\t]*\t[^\t]*\t(.*)$/;

/** Reads what `csync2 -vv -T me peer` prints. A file name with a newline in it has no record that could be read. */
class ComparisonReader {
  readonly rows: Omit<Difference, "newer">[] = [];
  /** What the peer has recorded of each file. */
  readonly records = new Map<string, string>();

  stdout(line: string): void {
    const [, letter, file = ""] = ROW.exec(line) ?? [];
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
