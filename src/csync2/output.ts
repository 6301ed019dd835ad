/** What csync2's lines say of one run. */
export interface Report {
  /** Files written on, or deleted from, the peer. */
  updated: number;
  deleted: number;
  /** The files that a dry run would write or delete. */
  readonly wouldUpdate: Set<string>;
  readonly wouldDelete: Set<string>;
  /** csync2's last words on what went wrong. */
  complaint: string | undefined;
  /** Why it is worth trying again, where it is. */
  passing: string | undefined;
}

/** So many files that would change are kept by name, and so counted, of each kind: csync2 names some more than once. */
const NAMES_KEPT = 50_000;

const BROKEN_OFF = "the connection to csync2 of the host that asked broke off";

/**
 * Failures that pass by themselves, as csync2 words them (db.c, check.c, update.c, conn.c, rsync.c) and as the administrator is
 * told. A conflict ("File stays in dirty state") or a refused identification is none of them.
 */
const PASSING: readonly (readonly [pattern: RegExp, why: string, advice?: string])[] = [
  [/^Database backend is exceedingly busy/, "another csync2 holds the database"],
  [/database is locked/i, "another csync2 holds the database"],
  // A rollback that another csync2 forced on it; the check or push goes on from what is recorded.
  [/^Database Error: COMMIT .*no transaction is active/, "another csync2 holds the database"],
  // Another csync2 makes the database just now; or one was cut off while it did, and no csync2 ever mends that (db_sqlite.c).
  [
    /^Database Error: .*no such table: /,
    "csync2's database is half made",
    "csync2 was cut off when it first ran: delete its database, then csync2 -cIr / there and csync2rev --others --reconcile on both hosts",
  ],
  [/^This should not happen: Can't stat /, "a file vanished during the check"],
  [/^ERROR: Cant stat /, "a file vanished during the push"],
  [/^Can't create socket: /, "csync2 of the host that asked does not answer"],
  [/^ERROR: Connection to remote host /, "csync2 of the host that asked does not answer"],
  [/^(Read|Write|Format)-error while (sending|receiving) data/, BROKEN_OFF],
];

const COMPLAINT = /error|can't|cannot|failed|not accept/i;
/** What csync2 says, between naming a file and telling how it went, where both hosts have changed it. */
const ABOUT_CONFLICT = /^(auto resolving\.\.\.|Auto-resolving conflict: |Do not auto-resolve conflict: )/;
/** Lines that match and yet say nothing on what went wrong. */
const NO_COMPLAINT = /^(Finished with |Host stays in dirty state|Updating |Deleting |Marking |Connect)/;

/**
 * Reads what csync2 -v prints while it pushes (update.c). A file counts once the next line shows that it went well: csync2 names
 * it first and complains afterwards. A file name with a newline in it may spoil the count by one; pending files are not
 * taken from here.
 */
export class OutputReader {
  readonly report: Report = {
    updated: 0,
    deleted: 0,
    wouldUpdate: new Set(),
    wouldDelete: new Set(),
    complaint: undefined,
    passing: undefined,
  };
  /** The file that csync2 named last; `as` null where nothing had to be done to it. */
  #announced: { readonly as: "updated" | "deleted" | null; readonly file: string } | undefined;
  /** How many files csync2 has said stay dirty. */
  #staying = 0;
  /** The file that csync2 has just said stays dirty. */
  #stays: { readonly file: string; readonly line: string } | undefined;

  stdout(line: string): void {
    const dry = /^[?!]([MD]): \S+\s+(.*)$/.exec(line);
    if (dry !== null) keep(dry[1] === "D" ? this.report.wouldDelete : this.report.wouldUpdate, dry[2] ?? "");
    else if (line.startsWith("Found ") && line.endsWith("/csync2.lock")) this.report.complaint = line;
  }

  stderr(line: string): void {
    if (this.#stays !== undefined) {
      if (line.startsWith("missing parent dir ")) {
        // csync2 marks the directory too, forgets its errors and begins anew; in a dry run the file would be written.
        keep(this.report.wouldUpdate, this.#stays.file);
        this.#staying = 0;
      } else this.report.complaint = this.#stays.line;
      this.#stays = undefined;
    }
    const announced = this.#announced;
    this.#announced = undefined;
    if (line.startsWith("File stays in dirty state")) {
      // Of a name with a newline in it the announcement is not understood, and its file stays dirty all the same.
      const file = announced?.file ?? "a file";
      this.#staying++;
      this.#stays = { file, line: `${file}: ${line}` };
      return;
    }
    if (announced !== undefined) {
      if (ABOUT_CONFLICT.test(line)) {
        // "Won" has csync2 name the file again, and write it.
        if (!line.includes("Won")) this.#announced = announced;
        return;
      }
      if (line.startsWith("File is already up to date on peer")) {
        this.#announced = { ...announced, as: null };
        return;
      }
      if (announced.as !== null && !line.startsWith("ERROR")) this.report[announced.as]++;
    }
    const update = /^(Updating|Deleting) (.*) on \S+ \.\.\.$/.exec(line);
    if (update !== null) {
      this.#announced = { as: update[1] === "Deleting" ? "deleted" : "updated", file: update[2] ?? "" };
      return;
    }
    const errors = Number(/^Finished with (\d+) errors\.$/.exec(line)?.[1] ?? 0);
    if (this.#staying > 0 && errors > this.#staying) {
      // Of a connection that broke off while a file was sent csync2 says nothing, but it counts that BYE went unanswered.
      this.report.passing ??= BROKEN_OFF;
      this.report.complaint = this.report.passing;
    }
    const [, passing, advice] = PASSING.find(([pattern]) => pattern.test(line)) ?? [];
    this.report.passing = passing ?? this.report.passing;
    if (passing !== undefined || (COMPLAINT.test(line) && !NO_COMPLAINT.test(line)))
      this.report.complaint = advice === undefined ? line : `${line}; ${advice}`;
  }
}

function keep(names: Set<string>, file: string): void {
  if (names.size < NAMES_KEPT) names.add(file);
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
