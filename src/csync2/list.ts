import { decode } from "../csync2cfg/source.ts";
import type { ThisHost } from "../host.ts";
import { attempt, demand, repeat } from "./insist.ts";
import { DirtyReader, RecordReader, type Recorded } from "./rows.ts";
import { readCsync2 } from "./run.ts";
import { listDirtyOf, listFilesOf, type Command, type Scope } from "./verbs.ts";

/** Counts files, each once, and keeps the first names. Names are byte strings. */
export class Counter {
  readonly #limit: number;
  readonly #kept = new Set<string>();
  #count = 0;

  /** @param limit at most this many names are kept; files beyond it count each time */
  constructor(limit: number) {
    this.#limit = limit;
  }

  add(file: string): void {
    if (this.#kept.has(file)) return;
    this.#count++;
    if (this.#kept.size < this.#limit) this.#kept.add(file);
  }

  /** Whether a file is among those that are kept by name. */
  has(file: string): boolean {
    return this.#kept.has(file);
  }

  get count(): number {
    return this.#count;
  }

  /** These files but those of the others that are kept by name. */
  without(others: { has(file: string): boolean }): Counter {
    const rest = new Counter(this.#limit);
    for (const file of this.#kept) if (!others.has(file)) rest.add(file);
    rest.#count += this.#count - this.#kept.size;
    return rest;
  }

  /** The first names, as text. */
  names(limit = Infinity): readonly string[] {
    const names: string[] = [];
    for (const file of this.#kept) {
      if (names.length >= limit) break;
      names.push(decode(file));
    }
    return names;
  }
}

/**
 * Tells of each file that csync2 lists as dirty for the peer, as a byte string, in the database's order.
 * Throws `system` or `output` if csync2 cannot list them; `onFile` may have been called by then.
 */
export async function eachDirty(
  host: ThisHost,
  scope: Pick<Scope, "peer" | "groups">,
  onFile: (file: string) => void,
  begin: () => void = () => undefined,
): Promise<void> {
  await readList(host, listDirtyOf(scope), () => {
    begin();
    const reader = new DirtyReader(({ peer, file }) => {
      if (peer === scope.peer) onFile(file);
    });
    return reader;
  });
}

/** Counts what csync2 lists as dirty for the peer, and keeps the first `limit` names. Throws `system` or `output`. */
export async function listDirty(
  host: ThisHost,
  scope: Pick<Scope, "peer" | "groups">,
  limit: number,
): Promise<Counter> {
  let counter = new Counter(limit);
  const add = (file: string): void => {
    counter.add(file);
  };
  await eachDirty(host, scope, add, () => {
    counter = new Counter(limit);
  });
  return counter;
}

/**
 * Counts what csync2 lists as dirty for each peername, which is decoded.
 * @param groups only files of these groups; null: of every group
 * Throws `system` or `output`.
 */
export async function countDirty(
  host: ThisHost,
  groups: readonly string[] | null,
): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  await readList(host, listDirtyOf({ groups }), () => {
    counts.clear();
    return new DirtyReader(({ peer }) => {
      const name = decode(peer);
      counts.set(name, (counts.get(name) ?? 0) + 1);
    });
  });
  return counts;
}

/** Tells of each record that this host shares with the peer, in the database's order. Throws `system` or `output`. */
export async function eachRecord(
  host: ThisHost,
  scope: Scope,
  onRow: (row: Recorded) => void,
  begin: () => void,
): Promise<void> {
  await readList(host, listFilesOf(scope), () => {
    begin();
    return new RecordReader(onRow);
  });
}

/** Reads one of csync2's lists, anew after a failure that passes. Throws `system` or `busy`. */
async function readList(
  host: ThisHost,
  command: Command,
  begin: () => { line(line: string): void; end(): void },
): Promise<void> {
  const end = await repeat(host, {}, async () => {
    const reader = begin();
    const once = await attempt(
      host,
      command,
      {
        stdout: (line) => {
          reader.line(line);
        },
      },
      readCsync2,
    );
    reader.end();
    return once;
  });
  demand(end, "its list of files");
}
