import { Csync2revError } from "../errors.ts";
import { databaseName, modified, type Recorded } from "./rows.ts";

/** A file on which this host's database and a peer's disagree. */
export interface Difference {
  /** A byte string. */
  readonly file: string;
  /** Who has it. */
  readonly on: "here" | "there" | "both";
  /** Whose is newer, by the recorded times; null if both have it and csync2rev cannot tell: no time is recorded, or the same. */
  readonly newer: "here" | "there" | null;
}

export type Side = "here" | "there";

/** At most this many records of one side wait for their counterparts: about 40 MB. */
const WAITING_LIMIT = 200_000;
/** At most this many files are read from one host, if nobody says otherwise. */
const FILES_LIMIT = 10_000_000;
/** A side that is this many records ahead is to be paused. */
const AHEAD = 200;

/** What is thrown if records do not come in the order of their names: the comparison begins anew, without relying on it. */
export class OutOfOrder extends Error {}

/**
 * Compares two lists of records as they come in. Records that are equal vanish. If both lists are in the order of their bytes, as
 * SQLite gives them, a record waits only until the other list has gone past it; else until both lists have ended.
 */
export class Merge {
  readonly #ordered: boolean;
  readonly #filesLimit: number;
  readonly #onDifference: (difference: Difference) => void;
  readonly #waiting = { here: new Map<string, Recorded>(), there: new Map<string, Recorded>() };
  readonly #last = { here: "", there: "" };
  readonly #count = { here: 0, there: 0 };
  readonly #ended = { here: false, there: false };

  /**
   * @param ordered whether to rely on the lists' order
   * @param filesLimit at most this many files are taken from one list
   */
  constructor(ordered: boolean, onDifference: (difference: Difference) => void, filesLimit = FILES_LIMIT) {
    this.#filesLimit = filesLimit;
    this.#ordered = ordered;
    this.#onDifference = onDifference;
  }

  /** One record. Throws OutOfOrder; `output` for a list that cannot be compared, or is endless. */
  take(side: Side, row: Recorded): void {
    const other = side === "here" ? "there" : "here";
    const key = databaseName(row.file);
    const own = this.#waiting[side];
    if (++this.#count[side] > this.#filesLimit)
      throw new Csync2revError("output", `more than ${this.#filesLimit} files are listed ${side}`);
    if (this.#ordered) {
      if (key <= this.#last[side]) throw new OutOfOrder();
      this.#last[side] = key;
      this.#settle(other, key);
    }
    const counterpart = this.#waiting[other].get(key);
    if (counterpart !== undefined) {
      this.#waiting[other].delete(key);
      if (counterpart.record !== row.record)
        this.#both(
          row.file,
          side === "here" ? row.record : counterpart.record,
          side === "here" ? counterpart.record : row.record,
        );
    } else if (this.#ordered && (this.#ended[other] || key < this.#last[other])) this.#only(side, row.file);
    else if (own.has(key))
      throw new Csync2revError(
        "output",
        "one file is listed twice: a newline in a name makes it look like two",
      );
    else if (own.size >= WAITING_LIMIT)
      throw new Csync2revError(
        "output",
        `the databases list files in different orders, and more than ${WAITING_LIMIT} differ`,
      );
    else own.set(key, row);
  }

  /** One list is complete. */
  end(side: Side): void {
    this.#ended[side] = true;
    if (this.#ordered) this.#settle(side === "here" ? "there" : "here", null);
    else if (this.#ended.here && this.#ended.there) {
      this.#settle("here", null);
      this.#settle("there", null);
    }
  }

  /** The side that had better wait for the other one; null if neither. */
  get ahead(): Side | null {
    const lead = this.#waiting.here.size - this.#waiting.there.size;
    if (lead > AHEAD && !this.#ended.there) return "here";
    return lead < -AHEAD && !this.#ended.here ? "there" : null;
  }

  /** Records of one side before `key`, or all, will find no counterpart any more. */
  #settle(side: Side, key: string | null): void {
    for (const [waitingKey, { file }] of this.#waiting[side]) {
      if (key !== null && waitingKey >= key) break;
      this.#waiting[side].delete(waitingKey);
      this.#only(side, file);
    }
  }

  #only(side: Side, file: string): void {
    this.#onDifference({ file, on: side, newer: side });
  }

  #both(file: string, here: string, there: string): void {
    const [ours, theirs] = [modified(here), modified(there)];
    const newer =
      ours === null || theirs === null || ours === theirs ? null : ours > theirs ? "here" : "there";
    this.#onDifference({ file, on: "both", newer });
  }
}
