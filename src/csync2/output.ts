import { decode } from "../csync2cfg/source.ts";

/** What csync2's lines say of one run. Texts are for people. */
export interface Report {
  /** Files that csync2 confirms to have written on, or deleted from, the peer. */
  readonly updated: number;
  readonly deleted: number;
  /** What it named as what went wrong. */
  readonly complaint: string | undefined;
  /** Why it is worth trying again, if it is. */
  readonly passing: string | undefined;
  /** Whether that is csync2's database, which another csync2 holds or whose server is away: then asking later helps. */
  readonly databaseAway: boolean;
  /** The last line that says something. */
  readonly last: string | undefined;
  /** Whether csync2 came to its end: it then says with how many errors. */
  readonly finished: boolean;
}

const BROKEN_OFF = "the connection to csync2 on the host that asked broke";
const DATABASE_HELD = "another csync2 holds the database";
const SERVER_AWAY = "the server of csync2's database does not answer, or is busy";
const NOT_ANSWERING = "csync2 on the host that asked does not answer";

/** Failures that pass by themselves: how csync2's line begins, what else is in it, and what the administrator is told. */
interface Passing {
  readonly begins: string;
  readonly has?: RegExp;
  readonly why: string;
  /** It is csync2's own database that cannot be had. */
  readonly database?: true;
  readonly advice?: string;
}

/**
 * As csync2 words them (db.c, check.c, update.c, conn.c, rsync.c). A conflict ("File stays in dirty state") or a refused
 * identification is not among them.
 */
const PASSING: readonly Passing[] = [
  { begins: "Database backend is exceedingly busy", why: DATABASE_HELD, database: true },
  { begins: "Database Error: ", has: /database is locked/, why: DATABASE_HELD, database: true },
  // A rollback that another csync2 forced on it; the check or push goes on from what is recorded.
  { begins: "Database Error: COMMIT ", has: /no transaction is active/, why: DATABASE_HELD, database: true },
  // MariaDB's and PostgreSQL's words. A wrong password, or a user or database that is not there, does not pass.
  {
    begins: "Failed to connect to database: ",
    has: /Can't connect to|Lost connection|gone away|Too many connections|shutdown|Unknown (?:MySQL )?server host/i,
    why: SERVER_AWAY,
    database: true,
  },
  {
    begins: "Connection failed: ",
    has: /Connection refused|No such file|timeout|timed out|No route|unreachable|could not translate|starting up|shutting down|not yet accepting|too many|connection slots|closed the connection|terminating/i,
    why: SERVER_AWAY,
    database: true,
  },
  {
    begins: "Database Error: ",
    has: /Lock wait timeout|Deadlock|could not serialize|gone away|Lost connection|shutdown in progress|closed the connection|no connection to the server|terminating|starting up|shutting down/i,
    why: SERVER_AWAY,
    database: true,
  },
  // Two csync2s make it at once; or "recursive" is a reserved word of MariaDB: the next csync2 finds the tables that it needs.
  ...["Database Error: Creating ", "Could not create database "].map((begins) => ({
    begins,
    has: /already exists|duplicate key|near 'recursive/,
    why: "csync2's database was just made",
    database: true as const,
  })),
  // Another csync2 makes the database just now; or one was cut off while it did, and no csync2 ever mends that (db_sqlite.c).
  {
    begins: "Database Error: ",
    has: /no such table: /,
    why: "csync2's database is incomplete",
    advice:
      "csync2 was interrupted when it first ran: delete its database, run csync2 -cIr / there, then csync2rev --others --reconcile on both hosts",
  },
  { begins: "This should not happen: Can't stat ", why: "a file vanished during the check" },
  { begins: "ERROR: Cant stat ", why: "a file vanished during the push" },
  { begins: "Can't create socket: ", why: NOT_ANSWERING },
  { begins: "ERROR: Connection to remote host ", why: NOT_ANSWERING },
  ...["Read", "Write", "Format"].flatMap((what) =>
    ["sending", "receiving"].map((doing) => ({
      begins: `${what}-error while ${doing} data`,
      why: BROKEN_OFF,
    })),
  ),
];

/** What to do about failures that stay: how csync2's line begins. */
const ADVICE: readonly (readonly [begins: string, advice: string])[] = [
  [
    "Received line too long for buffer size ",
    "a path is too long for csync2 to compare databases: shorten it, or exclude it in csync2.cfg",
  ],
];

const COMPLAINT = /error|can't|cannot|failed|not accept/i;
const ANNOUNCEMENTS = { "Updating ": "updated", "Deleting ": "deleted" } as const;
/** What ends an announcement: a name with a newline in it goes on in the next line. */
const ANNOUNCED = / on [^ /]+ \.\.\.$/;
/** The longest announcement that is put together from lines, in bytes. */
const ANNOUNCEMENT_LIMIT = 16_384;
/** csync2 does not end this one with a newline: what comes next is on the same line. */
const RESOLVING = /^auto resolving\.\.\. response = \d+/;
/** How lines begin that say nothing of what went wrong, with those of a second -v. */
const SAYS_NOTHING = [
  ...[
    "Finished with ",
    "Connection closed.",
    "Host stays in dirty state",
    "Connecting to ",
    "Connect to ",
    "Marking ",
    "Running ",
    "Try '",
  ],
  ...[
    "Match (",
    "Fetched tuple from peer: ",
    "End of query results: ",
    "SQL",
    "Config-File: ",
    "My hostname is ",
  ],
  ...[
    "Database-File: ",
    "Opening shared library ",
    "Reading symbols from ",
    "Peer x509 certificate is: ",
    "Adding peer x509 ",
  ],
];

/** Whether a line of csync2 -v says that it begins with a file. */
export function isAnnouncement(line: string): boolean {
  return Object.keys(ANNOUNCEMENTS).some((begin) => line.startsWith(begin));
}

/** Whether csync2 says so that csync2.lock has stopped it (csync2.c). */
function isStopped(line: string): boolean {
  return line.startsWith("Found ") && line.trimEnd().endsWith("/csync2.lock");
}

/**
 * Reads what csync2 -v says while it checks, compares or pushes (update.c). csync2 names a file first and complains afterwards: a
 * file counts once csync2 goes on to the next one, or closes the connection.
 */
export class OutputReader {
  #updated = 0;
  #deleted = 0;
  #complaint: string | undefined;
  #passing: string | undefined;
  #databaseAway = false;
  #last: string | undefined;
  #finished = false;
  /** The file that csync2 named last; `as` null if nothing had to be done to it. */
  #announced: { readonly as: "updated" | "deleted" | null; readonly file: string } | undefined;
  /** An announcement that goes on in the next line. */
  #begun: string | undefined;
  /** How many files csync2 has said stay dirty. */
  #staying = 0;
  /** What it said of the file that stays, until it is known whether its directory is only missing. */
  #stays: string | undefined;
  readonly #onFile: (file: string) => void;

  /** @param onFile told of each file, a byte string, that csync2 has written or deleted on the peer */
  constructor(onFile: (file: string) => void = () => undefined) {
    this.#onFile = onFile;
  }

  get report(): Report {
    return {
      updated: this.#updated,
      deleted: this.#deleted,
      complaint: this.#complaint,
      passing: this.#passing,
      databaseAway: this.#databaseAway,
      last: this.#last,
      finished: this.#finished,
    };
  }

  /** One line of csync2's stdout. */
  stdout(line: string): void {
    if (isStopped(line)) this.#complaint = decode(line);
  }

  /** One line of csync2's stderr. */
  stderr(said: string): void {
    // A comparison has two of these a file.
    if (
      this.#begun === undefined &&
      (said.startsWith("Match (") || said.startsWith("Fetched tuple from peer: "))
    )
      return;
    const line = this.#begun === undefined ? said.replace(RESOLVING, "") : `${this.#begun}\n${said}`;
    this.#begun = undefined;
    if (isAnnouncement(line)) {
      this.#settle(line);
      if (ANNOUNCED.test(line)) this.#announce(line);
      else if (line.length < ANNOUNCEMENT_LIMIT) this.#begun = line;
      return;
    }
    if (line.startsWith("File stays in dirty state")) {
      const file = this.#announced?.file ?? "a file";
      this.#announced = undefined;
      this.#staying++;
      this.#stays = decode(`${file}: ${line}`);
      return;
    }
    if (line.startsWith("File is already up to date on peer")) {
      if (this.#announced !== undefined) this.#announced = { ...this.#announced, as: null };
      return;
    }
    // "Won" has csync2 name the file again, and write it; "Do not" has it say that the file stays.
    if (line.startsWith("Auto-resolving conflict: Won")) this.#announced = undefined;
    if (line.startsWith("Auto-resolving conflict: ") || line.startsWith("Do not auto-resolve conflict: "))
      return;
    this.#settle(line);
    this.#complain(line);
  }

  #announce(line: string): void {
    const begin = line.startsWith("Updating ") ? "Updating " : "Deleting ";
    const file = line.slice(begin.length).replace(ANNOUNCED, "");
    this.#announced = { as: ANNOUNCEMENTS[begin], file };
  }

  /** What the line behind a file's says of it. */
  #settle(line: string): void {
    if (this.#stays !== undefined) {
      // csync2 marks the directory too, forgets its errors and begins anew.
      if (line.startsWith("missing parent dir ")) this.#staying = 0;
      else this.#complaint = this.#stays;
      this.#stays = undefined;
    }
    const { as = null, file = "" } = this.#announced ?? {};
    this.#announced = undefined;
    const goesOn =
      isAnnouncement(line) || line.startsWith("Connection closed.") || line.startsWith("Running ");
    if (!goesOn || as === null) return;
    if (as === "updated") this.#updated++;
    else this.#deleted++;
    this.#onFile(file);
  }

  #complain(line: string): void {
    const [, errors] = /^Finished with (\d{1,9}) errors\.$/.exec(line) ?? [];
    if (errors !== undefined) {
      this.#finished = true;
      if (this.#staying > 0 && Number(errors) > this.#staying) {
        // Of a connection that broke off while a file was sent csync2 says nothing, but it counts that BYE went unanswered.
        this.#passing ??= BROKEN_OFF;
        this.#complaint = this.#passing;
      }
    }
    const passing = PASSING.find(
      ({ begins, has }) => line.startsWith(begins) && (has === undefined || has.test(line)),
    );
    this.#passing = passing?.why ?? this.#passing;
    this.#databaseAway ||= passing?.database === true;
    // What the server said is behind it.
    if (line.startsWith("Can't open database: ") && this.#complaint !== undefined) return;
    if (line === "" || SAYS_NOTHING.some((begin) => line.startsWith(begin))) return;
    const text = decode(line);
    this.#last = text;
    const advice = passing?.advice ?? ADVICE.find(([begins]) => line.startsWith(begins))?.[1];
    if (passing !== undefined || advice !== undefined || COMPLAINT.test(line))
      this.#complaint = advice === undefined ? text : `${text}; ${advice}`;
  }
}
