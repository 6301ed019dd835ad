import { decode } from "../csync2cfg/source.ts";

/** What csync2's lines say about one run. The texts are for people. */
export interface Report {
  /** How many files csync2 confirms that it wrote on the peer, and deleted there. */
  readonly updated: number;
  readonly deleted: number;
  /** What csync2 says went wrong. */
  readonly complaint: string | undefined;
  /** If another try can help: the failure that may pass. */
  readonly passing: string | undefined;
  /** Whether csync2 cannot open its database: another csync2 holds it, or its server is down. Then asking later helps. */
  readonly databaseAway: boolean;
  /** The last line with useful text. */
  readonly last: string | undefined;
  /** Whether csync2 ran to its end: its last line then has the number of errors. */
  readonly finished: boolean;
}

const BROKEN_OFF = "the connection to csync2 on the host that asked broke";
const DATABASE_HELD = "another csync2 holds the database";
const SERVER_AWAY = "the server of csync2's database does not answer, or is busy";
const NOT_ANSWERING = "csync2 on the host that asked does not answer";

/** A failure that may pass by itself: how csync2's line begins, what else is in it, and the text for the administrator. */
interface Passing {
  readonly begins: string;
  readonly has?: RegExp;
  readonly why: string;
  /** csync2 cannot open its own database. */
  readonly database?: true;
  readonly advice?: string;
}

/**
 * The lines as csync2 prints them (db.c, check.c, update.c, conn.c, rsync.c). A conflict ("File stays in dirty state") and a refused
 * identification do not pass, so they are not in this list.
 */
const PASSING: readonly Passing[] = [
  { begins: "Database backend is exceedingly busy", why: DATABASE_HELD, database: true },
  { begins: "Database Error: ", has: /database is locked/, why: DATABASE_HELD, database: true },
  // Another csync2 forced a rollback. The next try goes on from what is recorded.
  { begins: "Database Error: COMMIT ", has: /no transaction is active/, why: DATABASE_HELD, database: true },
  // MariaDB's and PostgreSQL's words. A wrong password does not pass, and neither does a missing user or database.
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
  // Two csync2s make the tables at once. Or it is MariaDB, where "recursive" is a reserved word. The next csync2 finds the tables it needs.
  ...["Database Error: Creating ", "Could not create database "].map((begins) => ({
    begins,
    has: /already exists|duplicate key|near 'recursive/,
    why: "csync2's database was just made",
    database: true as const,
  })),
  // Another csync2 is making the database now. Or a csync2 was cut off while it did: csync2 never repairs that (db_sqlite.c).
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

/** What to do about failures that do not pass, by how csync2's line begins. */
const ADVICE: readonly (readonly [begins: string, advice: string])[] = [
  [
    "Received line too long for buffer size ",
    "a path is too long for csync2 to compare databases: shorten it, or exclude it in csync2.cfg",
  ],
];

const COMPLAINT = /error|can't|cannot|failed|not accept/i;
const ANNOUNCEMENTS = { "Updating ": "updated", "Deleting ": "deleted" } as const;
/** The end of an announcement. Without it, the file's name has a newline and goes on in the next line. */
const ANNOUNCED = / on [^ /]+ \.\.\.$/;
/** The longest announcement that is joined from several lines, in bytes. */
const ANNOUNCEMENT_LIMIT = 16_384;
/** csync2 prints no newline after this text, so the next message is on the same line. */
const RESOLVING = /^auto resolving\.\.\. response = \d+/;
/** Lines that begin so do not say what went wrong. Some come only with a second -v. */
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

/** Whether a line of csync2 -v announces that it starts with a file. */
export function isAnnouncement(line: string): boolean {
  return Object.keys(ANNOUNCEMENTS).some((begin) => line.startsWith(begin));
}

/** Whether this line says that csync2.lock has stopped csync2 (csync2.c). */
function isStopped(line: string): boolean {
  return line.startsWith("Found ") && line.trimEnd().endsWith("/csync2.lock");
}

/**
 * Reads what csync2 -v prints while it checks, compares or pushes (update.c). csync2 first names a file, then reports an error if there
 * is one. So a file counts only once csync2 goes on to the next file or closes the connection.
 */
export class OutputReader {
  #updated = 0;
  #deleted = 0;
  #complaint: string | undefined;
  #passing: string | undefined;
  #databaseAway = false;
  #last: string | undefined;
  #finished = false;
  /** The file that csync2 named last. `as` is null if there was nothing to do. */
  #announced: { readonly as: "updated" | "deleted" | null; readonly file: string } | undefined;
  /** An announcement that goes on in the next line. */
  #begun: string | undefined;
  /** How many files csync2 has said stay dirty. */
  #staying = 0;
  /** csync2's text about the file that stays dirty. It counts only if the next line does not say that its directory is missing. */
  #stays: string | undefined;
  readonly #onFile: (file: string) => void;

  /** @param onFile called with each file that csync2 has written or deleted on the peer, as a byte string */
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
    // Skipped first, for speed: a comparison prints two such lines for each file.
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
    // After "Won", csync2 names the file again and writes it. After "Do not", it says that the file stays dirty.
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

  /** Decides about the announced file by the line that follows it. */
  #settle(line: string): void {
    if (this.#stays !== undefined) {
      // csync2 marks the directory too, resets its count of errors, and starts again.
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
        // csync2 prints nothing if the connection breaks while it sends a file. But it counts an error, because BYE got no answer.
        this.#passing ??= BROKEN_OFF;
        this.#complaint = this.#passing;
      }
    }
    const passing = PASSING.find(
      ({ begins, has }) => line.startsWith(begins) && (has === undefined || has.test(line)),
    );
    this.#passing = passing?.why ?? this.#passing;
    this.#databaseAway ||= passing?.database === true;
    // The server's own message came before this line, and says more.
    if (line.startsWith("Can't open database: ") && this.#complaint !== undefined) return;
    if (line === "" || SAYS_NOTHING.some((begin) => line.startsWith(begin))) return;
    const text = decode(line);
    this.#last = text;
    const advice = passing?.advice ?? ADVICE.find(([begins]) => line.startsWith(begins))?.[1];
    if (passing !== undefined || advice !== undefined || COMPLAINT.test(line))
      this.#complaint = advice === undefined ? text : `${text}; ${advice}`;
  }
}
