import { printable } from "../printable.ts";
import type { Place } from "./model.ts";

/** How much of a line a message shows left and right of the caret, in characters. */
const EXCERPT_BEFORE = 60;
const EXCERPT_AFTER = 40;

/** How much of a word a message quotes, in characters. */
const QUOTED_LENGTH = 60;

/**
 * The text of csync2.cfg or of an included file. csync2 reads bytes, so the text has one character for each byte (latin1). Text for a
 * person or another module goes through {@link decode}.
 */
export class Source {
  /** As a person would write it. */
  readonly file: string;
  readonly text: string;
  #lineStarts: number[] | null = null;

  constructor(file: string, text: string) {
    this.file = file;
    this.text = text;
  }

  place(offset: number): Place {
    const starts = (this.#lineStarts ??= lineStarts(this.text));
    let low = 0;
    let high = starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return { file: this.file, line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
  }

  /** `file:line:column: message`, then the line and a caret below the place: one message for a person. */
  complaint(offset: number, message: string): string {
    const { file, line, column } = this.place(offset);
    return `${printable(file)}:${line}:${column}: ${this.remark(offset, message)}`;
  }

  /** The message, the line and a caret. A file that contains a key instead of configuration is not quoted. */
  remark(offset: number, message: string): string {
    if (isKey(/^[^\r\n]*/.exec(this.text)?.[0] ?? "")) {
      return "found what looks like a key, expected configuration: check whether it is a key file";
    }
    const begin = this.text.lastIndexOf("\n", offset - 1) + 1;
    const newline = this.text.indexOf("\n", offset);
    let end = newline === -1 ? this.text.length : newline;
    if (end > offset && this.text[end - 1] === "\r") end--;
    const before = display(this.text.slice(Math.max(begin, offset - 4 * EXCERPT_BEFORE - 4), offset));
    const after = display(this.text.slice(offset, Math.min(end, offset + 4 * EXCERPT_AFTER + 4)));
    const left = (before.length > EXCERPT_BEFORE ? "…" : "") + before.slice(-EXCERPT_BEFORE).join("");
    const right = after.slice(0, EXCERPT_AFTER).join("") + (after.length > EXCERPT_AFTER ? "…" : "");
    return `${message}\n  ${left}${right}\n  ${" ".repeat(Array.from(left).length)}^`;
  }
}

/** Whether csync2 takes it as a key. No message may show it. */
export function isKey(text: string): boolean {
  return /^[A-Za-z0-9._]{32,}$/.test(text);
}

/**
 * Turns the bytes of a name into the string that the rest of csync2rev uses: UTF-8 if it is UTF-8. Otherwise each byte above 127 becomes
 * one lone surrogate, so that two different names are never the same string.
 */
export function decode(bytes: string): string {
  // The usual case, ASCII, needs no work.
  if (/^[\x00-\x7f]*$/.test(bytes)) return bytes;
  const buffer = Buffer.from(bytes, "latin1");
  const text = buffer.toString("utf8");
  if (Buffer.from(text, "utf8").equals(buffer)) return text;
  return bytes.replace(/[\x80-\xff]/g, (byte) => String.fromCharCode(0xdc00 + byte.charCodeAt(0)));
}

/** The reverse of {@link decode}: the bytes of a name, one character each. */
export function encode(name: string): string {
  if (/^[\x00-\x7f\udc80-\udcff]*$/.test(name)) {
    return name.replace(/[\udc80-\udcff]/g, (byte) => String.fromCharCode(byte.charCodeAt(0) - 0xdc00));
  }
  return Buffer.from(name, "utf8").toString("latin1");
}

/** Lower case as by C's tolower() in the C locale, which csync2 always uses: only A to Z change. */
export function lowerCase(name: string): string {
  return name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** A word in quotes for a message: control characters are escaped, and a long word is cut. */
export function quote(bytes: string): string {
  const characters = display(bytes.slice(0, 4 * QUOTED_LENGTH + 4));
  const cut = characters.length > QUOTED_LENGTH ? "…" : "";
  return `"${characters.slice(0, QUOTED_LENGTH).join("")}${cut}"`;
}

/** The characters that a terminal shows for some bytes. A tab is one blank. What may be a key becomes asterisks. */
function display(bytes: string): string[] {
  const shown = bytes
    .replace(/\t/g, " ")
    .replace(/[A-Za-z0-9._]{32,}/g, (word) => (/[A-Z]/.test(word) ? "*".repeat(word.length) : word));
  return Array.from(printable(Buffer.from(shown, "latin1").toString("utf8")));
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}

/** A path for Node, from its bytes, one character each. */
export function bytes(path: string): Buffer {
  return Buffer.from(path, "latin1");
}

/** The code of an error of Node's. */
export function errorCode(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}

/** Why a file cannot be read, for a message. */
export function reason(code: string): string {
  switch (code) {
    case "ENOENT":
      return "there is no such file";
    case "EACCES":
      return "permission denied: run it as root";
    case "EISDIR":
      return "it is a directory";
    default:
      return code;
  }
}
