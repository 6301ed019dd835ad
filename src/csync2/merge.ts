import { Csync2revError } from "../errors.ts";
import { databaseName, modified, type Recorded } from "./rows.ts";

/** A file that differs between this host's database and a peer's. */
export interface Difference {
  /** A byte string. */
  readonly file: string;
  /** Who has it. */
  readonly on: "here" | "there" | "both";
  /** Which version is newer, by the recorded times; null if both have it and csync2rev cannot tell: no time, or the same time. */
  readonly newer: "here" | "there" | null;
}

export type Side = "here" | "there";

/** Who is told what a comparison finds. */
export interface Listener {
  differs(difference: Difference): void;
  /** Both have recorded the same of this file. */
  equals?(row: Recorded): void;
}

/** At most this many records of one side wait for their counterpart, and at most this many characters of them: about 40 MB. */
const WAITING_LIMIT = 200_000;
const WAITING_LENGTH = 40_000_000;
/** By default, at most this many files are read from one host. */
const FILES_LIMIT = 10_000_000;
/** A side that is this many records ahead should be paused. */
const AHEAD = 200;

/** Thrown if records do not arrive in the order of their names. The comparison then starts again without relying on the order. */
export class OutOfOrder extends Error {}

/**
 * Compares two lists of records as they arrive. Equal records are dropped. If both lists are in the order of their bytes, as from SQLite, a
 * record only waits until the other list has passed it; otherwise until both lists have ended.
 */
export class Merge {
  readonly #ordered: boolean;
  readonly #filesLimit: number;
  readonly #listener: Listener;
  readonly #waiting = { here: new Map<string, Recorded>(), there: new Map<string, Recorded>() };
  /** How many characters the waiting records of each side have. */
  readonly #length = { here: 0, there: 0 };
  readonly #last = { here: "", there: "" };
  readonly #count = { here: 0, there: 0 };
  readonly #ended = { here: false, there: false };

  /**
   * @param ordered whether to rely on the lists' order
   * @param filesLimit at most this many files are taken from one list
   */
  constructor(ordered: boolean, listener: Listener, filesLimit = FILES_LIMIT) {
    this.#filesLimit = filesLimit;
    this.#ordered = ordered;
    this.#listener = listener;
  }

  /** Takes one record. Throws OutOfOrder, or `output` if a list cannot be compared or is too long. */
  take(side: Side, row: Recorded): void {
    const other = side === "here" ? "there" : "here";
    const key = databaseName(row.file);
    const own = this.#waiting[side];
    if (++this.#count[side] > this.#filesLimit)
      throw new Csync2revError("output", `csync2 ${side} lists more than ${this.#filesLimit} files`);
    if (this.#ordered) {
      if (key <= this.#last[side]) throw new OutOfOrder();
      this.#last[side] = key;
      this.#settle(other, key);
    }
    const counterpart = this.#waiting[other].get(key);
    if (counterpart !== undefined) {
      this.#forget(other, key, counterpart);
      if (counterpart.record === row.record) this.#listener.equals?.(row);
      else
        this.#both(
          row.file,
          side === "here" ? row.record : counterpart.record,
          side === "here" ? counterpart.record : row.record,
        );
    } else if (this.#ordered && (this.#ended[other] || key < this.#last[other])) this.#only(side, row.file);
    else if (own.has(key))
      throw new Csync2revError("output", "it lists one file twice, perhaps because of a newline in a name");
    else if (own.size >= WAITING_LIMIT || (this.#length[side] += lengthOf(key, row)) > WAITING_LENGTH)
      throw new Csync2revError(
        "output",
        `the databases list files in different orders, and more than ${WAITING_LIMIT} differ, or their names are too long`,
      );
    else own.set(key, row);
  }

  /** To be called when one list is complete. */
  end(side: Side): void {
    this.#ended[side] = true;
    if (this.#ordered) this.#settle(side === "here" ? "there" : "here", null);
    else if (this.#ended.here && this.#ended.there) {
      this.#settle("here", null);
      this.#settle("there", null);
    }
  }

  /** The side that should wait for the other one; null if none should. */
  get ahead(): Side | null {
    const lead = this.#waiting.here.size - this.#waiting.there.size;
    if (lead > AHEAD && !this.#ended.there) return "here";
    return lead < -AHEAD && !this.#ended.here ? "there" : null;
  }

  /** Reports records of one side before `key`, or all of them: no counterpart will come. */
  #settle(side: Side, key: string | null): void {
    for (const [waitingKey, row] of this.#waiting[side]) {
      if (key !== null && waitingKey >= key) break;
      this.#forget(side, waitingKey, row);
      this.#only(side, row.file);
    }
  }

  #forget(side: Side, key: string, row: Recorded): void {
    this.#waiting[side].delete(key);
    this.#length[side] -= lengthOf(key, row);
  }

  #only(side: Side, file: string): void {
    this.#listener.differs({ file, on: side, newer: side });
  }

  #both(file: string, here: string, there: string): void {
    const [ours, theirs] = [modified(here), modified(there)];
    const newer =
      ours === null || theirs === null || ours === theirs ? null : ours > theirs ? "here" : "there";
    this.#listener.differs({ file, on: "both", newer });
  }
}

function lengthOf(key: string, { file, record }: Recorded): number {
  return key.length + file.length + record.length;
}
