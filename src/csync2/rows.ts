import { Csync2revError } from "../errors.ts";
import { quote } from "../csync2cfg/source.ts";

/**
 * csync2 prints names as they are: every byte but NUL and `/` may be in one, a newline too. A row is then several lines, and a line
 * that does not begin like a row is more of the name before it. Lines and names are byte strings.
 */

/** The longest name with its record, in bytes, that is put together from lines. */
const ROW_LIMIT = 65_536;

/** A line where csync2 prints rows, and this is none. Throws `output`. */
export function notUnderstood(line: string): never {
  throw new Csync2revError("output", quote(line));
}

/** What csync2 has recorded of one file. */
export interface Recorded {
  readonly file: string;
  /** As checktxt.c writes it: `v1:mtime=…`. It holds no blank, tab or newline. */
  readonly record: string;
}

/** Joins the lines of each row, and hands rows on one by one. */
abstract class RowReader<Row extends { readonly file: string }> {
  readonly #onRow: (row: Row) => void;
  #held: Row | undefined;

  constructor(onRow: (row: Row) => void) {
    this.#onRow = onRow;
  }

  /** A line as a row's first; undefined for one that does not begin like a row. */
  protected abstract begin(line: string): Row | undefined;

  /** Throws `output` for what is no row. */
  line(line: string): void {
    const row = this.begin(line);
    if (row !== undefined) {
      this.end();
      this.#held = row;
    } else if (this.#held === undefined || this.#held.file.length > ROW_LIMIT) notUnderstood(line);
    else this.#held = { ...this.#held, file: `${this.#held.file}\n${line}` };
  }

  /** To be called once there are no more lines. */
  end(): void {
    if (this.#held !== undefined) this.#onRow(this.#held);
    this.#held = undefined;
  }
}

/** Reads what `csync2 -S me peer` or `csync2 -L` prints: `RECORD TAB FILE`, in the order of the database. */
export class RecordReader extends RowReader<Recorded> {
  protected begin(line: string): Recorded | undefined {
    const tab = line.indexOf("\t");
    const record = line.slice(0, tab);
    if (tab === -1 || !isRecord(record) || !beginsName(line, tab + 1)) return undefined;
    return { record, file: line.slice(tab + 1) };
  }
}

/** A file that is dirty for a peer. */
export interface DirtyRow {
  readonly peer: string;
  readonly file: string;
}

/** Reads what `csync2 -M` prints: `chary|force TAB MYNAME TAB PEER TAB FILE`, in the order of the database. */
export class DirtyReader extends RowReader<DirtyRow> {
  protected begin(line: string): DirtyRow | undefined {
    const ends: number[] = [];
    for (let at = line.indexOf("\t"); at !== -1 && ends.length < 3; at = line.indexOf("\t", at + 1))
      ends.push(at);
    const [first, second, third] = ends;
    if (first === undefined || second === undefined || third === undefined) return undefined;
    const force = line.slice(0, first);
    if ((force !== "chary" && force !== "force") || !beginsName(line, third + 1)) return undefined;
    return { peer: line.slice(second + 1, third), file: line.slice(third + 1) };
  }
}

const TUPLE = "Fetched tuple from peer: ";
/** What ends the peer's list. */
export const END_OF_TUPLES = "End of query results: OK (";
/** How csync2 -vv begins a line of its own when it compares; anything else behind a tuple is more of its name. */
const OWN_LINES = [
  ...[TUPLE, END_OF_TUPLES, "Match (", "SQL", "Marking file as dirty: ", "Not in one of my groups: "],
  ...[
    "ERROR",
    "Format error",
    "Received line",
    "Database ",
    "Connection closed.",
    "Finished with ",
    "Waiting ",
  ],
];
const CERTIFICATES = ["Peer x509 certificate is: ", "Adding peer x509 certificate to db: "];

/** Reads what `csync2 -vv -T me peer` says on stderr of what the peer has recorded: `Fetched tuple from peer: FILE [RECORD]`. */
export class TupleReader {
  readonly #onRow: (row: Recorded) => void;
  #held: string | undefined;
  /** The certificate that csync2 has seen of the peer and checked, in hexadecimal digits; null if there is no TLS. */
  certificate: string | null = null;

  constructor(onRow: (row: Recorded) => void) {
    this.#onRow = onRow;
  }

  /** Throws `output` for a tuple that has no end. */
  line(line: string): void {
    if (this.#held !== undefined) {
      const row = tuple(this.#held);
      if (row === undefined || !OWN_LINES.some((begin) => line.startsWith(begin))) {
        this.#held = `${this.#held}\n${line}`;
        if (this.#held.length > ROW_LIMIT) notUnderstood(this.#held);
        return;
      }
      this.#held = undefined;
      this.#onRow(row);
    }
    if (line.startsWith(TUPLE)) this.#held = line.slice(TUPLE.length);
    else {
      const begin = CERTIFICATES.find((words) => line.startsWith(words));
      if (begin !== undefined) this.certificate = line.slice(begin.length);
    }
  }

  /** To be called once there are no more lines. */
  end(): void {
    const row = this.#held === undefined ? undefined : tuple(this.#held);
    if (row !== undefined) this.#onRow(row);
    this.#held = undefined;
  }
}

/** `FILE [RECORD]`; a record has no blank, so that the last one is the one before it. */
function tuple(text: string): Recorded | undefined {
  const at = text.lastIndexOf(" [");
  const record = text.slice(at + 2, -1);
  if (at === -1 || !text.endsWith("]") || !isRecord(record)) return undefined;
  if (!beginsName(text, 0)) notUnderstood(text);
  return { file: text.slice(0, at), record };
}

function isRecord(text: string): boolean {
  return /^v\d+:[!-~\x80-\xff]+$/.test(text);
}

/** A file is named by its path, or by what it is below a prefix. */
function beginsName(line: string, at: number): boolean {
  return line[at] === "/" || line[at] === "%";
}

/** The time of last modification in a record (checktxt.c), in seconds; null for what has none, such as a directory or a link. */
export function modified(record: string): number | null {
  const [, seconds] = /^v\d+:mtime=(-?\d{1,15}):/.exec(record) ?? [];
  return seconds === undefined ? null : Number(seconds);
}

/** A name in the form in which csync2's database has it and sorts by (urlencode.c). */
export function databaseName(file: string): string {
  return file.replace(
    /[\x01-\x20\x7f"'%$:|\\]/g,
    (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}
