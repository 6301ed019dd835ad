import { decode } from "../csync2cfg/source.ts";
import type { ThisHost } from "../host.ts";
import { attempt, demand, repeat } from "./insist.ts";
import { Names } from "./names.ts";
import { DirtyReader, RecordReader, type Recorded } from "./rows.ts";
import { readCsync2 } from "./run.ts";
import { listDirtyOf, listFilesOf, type Command, type Scope } from "./verbs.ts";

/** Counts files, and keeps the first names. Names are byte strings. */
export class Counter {
  readonly #limit: number;
  readonly #kept: Names;
  #count = 0;

  /**
   * @param limit at most this many names are kept, and fewer if they are long. A kept file counts once. Any other file counts each time
   * that it is added
   */
  constructor(limit: number) {
    this.#limit = limit;
    this.#kept = new Names(limit);
  }

  add(file: string): void {
    if (this.#kept.has(file)) return;
    this.#count++;
    this.#kept.add(file);
  }

  /** Whether all files are kept by name. */
  get isComplete(): boolean {
    return this.#kept.isComplete;
  }

  /** Whether a file is among those that are kept by name. */
  has(file: string): boolean {
    return this.#kept.has(file);
  }

  get count(): number {
    return this.#count;
  }

  /** These files without those that `others` has. Only files that are kept by name are compared. */
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
 * Calls `onFile` with each file that csync2 lists as dirty for the peer, as a byte string, in the database's order. `begin` is called
 * before each try: what `onFile` got before it no longer counts.
 * Throws `system` or `output` if csync2 cannot list them. `onFile` may have been called by then.
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

/** Counts the files that csync2 lists as dirty for the peer, and keeps the first `limit` names. Throws `system` or `output`. */
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
 * Counts the files that csync2 lists as dirty for each peername. The peernames are decoded.
 * @param groups only files of these groups count; null: files of every group
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

/** Calls `onRow` with each record that this host shares with the peer, in the database's order. Throws `system` or `output`. */
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

/** Reads one of csync2's lists. Reads it again from the start after a failure that may pass. Throws `system` or `busy`. */
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
