/** What csync2's lines say of one run. */
export interface Report {
  /** Files written on, or deleted from, the peer; in a dry run, those that would be. */
  updated: number;
  deleted: number;
  /** Dry run: the files that would change, the first ones by name. */
  wouldChange: string[];
  /** csync2's last words on what went wrong. */
  complaint: string | undefined;
  /** Why it is worth trying again, where it is. */
  passing: string | undefined;
}

/** Files that a dry run keeps by name; it counts all. */
const NAMES_KEPT = 20;

/**
 * Failures that pass by themselves, as csync2 words them (db.c, check.c, update.c, conn.c, rsync.c) and as the administrator is
 * told. A conflict ("File stays in dirty state") or a refused identification is none of them.
 */
const PASSING: readonly (readonly [RegExp, string])[] = [
  [/^Database backend is exceedingly busy/, "another csync2 holds the database"],
  [/database is locked/i, "another csync2 holds the database"],
  [/^This should not happen: Can't stat /, "a file vanished during the check"],
  [/^Can't create socket: /, "the requester's csync2 does not answer"],
  [/^ERROR: Connection to remote host /, "the requester's csync2 does not answer"],
  [/^(Read|Write|Format)-error while (sending|receiving) data/, "the connection to the requester's csync2 broke off"],
];

/**
 * Reads what csync2 -v prints while it pushes (update.c). A file counts once the next line shows that it went well: csync2 names
 * it first and complains afterwards. A file name with a newline in it may spoil the count by one; pending files are not
 * taken from here.
 */
export class OutputReader {
  readonly report: Report = { updated: 0, deleted: 0, wouldChange: [], complaint: undefined, passing: undefined };
  #announced: "updated" | "deleted" | undefined;

  stdout(line: string): void {
    const dry = /^[?!]([MD]): \S+\s+(.*)$/.exec(line);
    if (dry === null) {
      if (line.startsWith("Found ") && line.endsWith("/csync2.lock")) this.report.complaint = line;
      return;
    }
    const [, what, file = ""] = dry;
    if (what === "M") this.report.updated++;
    else this.report.deleted++;
    if (this.report.wouldChange.length < NAMES_KEPT) this.report.wouldChange.push(file);
  }

  stderr(line: string): void {
    if (this.#announced !== undefined) {
      if (!/^File (is already up to date on peer|stays in dirty state)/.test(line) && !line.startsWith("ERROR"))
        this.report[this.#announced]++;
      this.#announced = undefined;
    }
    if (/^Updating .* on \S+ \.\.\.$/.test(line)) this.#announced = "updated";
    else if (/^Deleting .* on \S+ \.\.\.$/.test(line)) this.#announced = "deleted";
    const passing = PASSING.find(([pattern]) => pattern.test(line));
    if (passing !== undefined) this.report.passing = passing[1];
    if (passing !== undefined || /error|can't|cannot|failed|stays in dirty state/i.test(line)) {
      if (!/^(Finished with |Host stays in dirty state|Updating |Deleting |Marking )/.test(line))
        this.report.complaint = line;
    }
  }
}

/** The files that `csync2 -M` lists as dirty for a peer: all counted, the first `limit` named. */
export class DirtyReader {
  readonly #peer: string;
  readonly #limit: number;
  #lastIsOurs = false;
  pending = 0;
  readonly files: string[] = [];

  constructor(peer: string, limit: number) {
    this.#peer = peer;
    this.#limit = limit;
  }

  /** One line of csync2's stdout. A name with a newline in it goes on in the next line, which does not begin like a row. */
  line(line: string): void {
    const row = /^(?:force|chary)\t([^\t]*)\t([^\t]*)\t(.*)$/.exec(line);
    if (row === null) {
      if (this.#lastIsOurs) this.files.push(`${this.files.pop() ?? ""}\n${line}`);
      return;
    }
    const [, , peername, file = ""] = row;
    this.#lastIsOurs = false;
    if (peername !== this.#peer) return;
    this.pending++;
    if (this.files.length >= this.#limit) return;
    this.files.push(file);
    this.#lastIsOurs = true;
  }
}

/** A file on which two hosts' databases disagree, as `csync2 -T me peer` lists it. */
export interface Difference {
  /** X: both have it, in different states · L: only this host · R: only the peer. */
  readonly kind: "X" | "L" | "R";
  readonly file: string;
}

/** Reads one line of `csync2 -T me peer`; null for any other line. */
export function readDifference(line: string): Difference | null {
  const row = /^([XLR])\t[^\t]*\t[^\t]*\t(.*)$/.exec(line);
  if (row === null) return null;
  const [, kind, file = ""] = row;
  return { kind: kind as Difference["kind"], file };
}
