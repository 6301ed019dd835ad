import { Csync2revError } from "../errors.ts";
import { quote } from "../csync2cfg/source.ts";

/**
 * csync2 prints names unchanged. A name may contain every byte except NUL and `/`, also a newline. Then a row has several lines: a line that
 * does not begin like a row continues the name before it. Lines and names are byte strings.
 */

/** The longest row that is joined from several lines, in bytes. */
const ROW_LIMIT = 65_536;

/** For a line that is not a row although csync2 prints rows there. Throws `output`. */
export function notUnderstood(line: string): never {
  throw new Csync2revError("output", quote(line));
}

/** What csync2 has recorded of one file. */
export interface Recorded {
  readonly file: string;
  /** As checktxt.c writes it: `v1:mtime=…`. It has no blank, tab or newline. */
  readonly record: string;
}

/** Joins the lines of each row, and passes rows on one by one. */
abstract class RowReader<Row extends { readonly file: string }> {
  readonly #onRow: (row: Row) => void;
  #held: Row | undefined;

  constructor(onRow: (row: Row) => void) {
    this.#onRow = onRow;
  }

  /** Reads a line as the first of a row; undefined if it does not begin like a row. */
  protected abstract begin(line: string): Row | undefined;

  /** Throws `output` for a line that is not part of a row. */
  line(line: string): void {
    const row = this.begin(line);
    if (row !== undefined) {
      this.end();
      this.#held = row;
    } else if (this.#held === undefined || this.#held.file.length > ROW_LIMIT) notUnderstood(line);
    else this.#held = { ...this.#held, file: `${this.#held.file}\n${line}` };
  }

  /** To be called after the last line. */
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
/** How the line begins that ends the peer's list. */
export const END_OF_TUPLES = "End of query results: OK (";
/** How csync2 -vv begins its own lines when it compares. Any other line after a tuple continues the tuple's name. */
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

/** Reads the peer's records from what `csync2 -vv -T me peer` prints on stderr: `Fetched tuple from peer: FILE [RECORD]`. */
export class TupleReader {
  readonly #onRow: (row: Recorded) => void;
  #held: string | undefined;
  /** The certificate that csync2 has seen of the peer and checked, in hexadecimal digits; null if there is no TLS. */
  certificate: string | null = null;

  constructor(onRow: (row: Recorded) => void) {
    this.#onRow = onRow;
  }

  /** Throws `output` for a tuple without an end. */
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

  /** To be called after the last line. */
  end(): void {
    const row = this.#held === undefined ? undefined : tuple(this.#held);
    if (row !== undefined) this.#onRow(row);
    this.#held = undefined;
  }
}

/** `FILE [RECORD]`. A record has no blank, so the last blank is the one before it. */
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

/** Whether a name begins here: a path, or a name below a prefix. */
function beginsName(line: string, at: number): boolean {
  return line[at] === "/" || line[at] === "%";
}

/** The time of last modification in a record (checktxt.c), in seconds; null if there is none, as for a directory or a link. */
export function modified(record: string): number | null {
  const [, seconds] = /^v\d+:mtime=(-?\d{1,15}):/.exec(record) ?? [];
  return seconds === undefined ? null : Number(seconds);
}

/** What a record is of (checktxt.c): `reg` for a regular file, `dir`, `lnk` and others. What comes after that may be a link's target. */
export function typeOf(record: string): string {
  return /^[^]*?:type=(\w*)/.exec(record)?.[1] ?? "";
}

/** The permissions in a record, as in chmod(2); null if csync2 is built not to record them. */
export function permissionsOf(record: string): number | null {
  const mode = /^v\d+:(?:mtime=-?\d+:)?mode=(\d{1,10}):/.exec(record)?.[1];
  return mode === undefined ? null : Number(mode) & 0o7777;
}

/** The size of a regular file in a record, in bytes; null for all else. */
export function sizeOf(record: string): number | null {
  const size = /:type=reg:size=(\d{1,15})/.exec(record)?.[1];
  return size === undefined || typeOf(record) !== "reg" ? null : Number(size);
}

/** A name in the form in which csync2's database stores and sorts it (urlencode.c). */
export function databaseName(file: string): string {
  return file.replace(
    /[\x01-\x20\x7f"'%$:|\\]/g,
    (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}
