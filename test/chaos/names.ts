import fc from "fast-check";

/**
 * Names of files hold any byte but `/` and NUL. Here a name is a "byte string": one character a byte, as Node's `latin1` has it, so that
 * it can stand in a plan, in a map and in a message.
 */
export type ByteString = string;

/** UTF-8 text as a byte string. */
export function bytesOf(text: string): ByteString {
  return Buffer.from(text, "utf8").toString("latin1");
}

/** What names are made of beside letters: whatever a reader of csync2's lines, a shell, a terminal or SQL might trip over. */
const ODD: readonly ByteString[] = [
  ...["\r", "\n", "\t", "\x1b[31m", "\x07", "\x7f", " ", "  "],
  ...["\u2028", "\u2029", "\u202e", "\u200b", "\ufeff", "é", "e\u0301", "文", "🙂"].map(bytesOf),
  ...["\xfe", "\xff", "\xc3", "\xed\xa0\x80", "\xc0\xaf"],
  ...[
    "%",
    "%25",
    "%p%",
    "%0a",
    "'",
    '"',
    "\\",
    "`",
    "$(x)",
    "*",
    "?",
    "[a]",
    ";",
    "#",
    ":",
    "|",
    "&",
    "~",
    "@",
    "=",
    ",",
  ],
  ...["-", "--", "-rf", "--help", ".", ".hidden", " [v1:mtime=1:x] ", "\tX\th1\th2\t", " -> "],
];

const WORD = fc.constantFrom("a", "a1", "b", "Icon", "x", "log", "conf");
const LONGEST = 255;

const part = fc.oneof({ weight: 2, arbitrary: fc.constantFrom(...ODD) }, { weight: 3, arbitrary: WORD });
const odd = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join(""));
const long = fc
  .record({ head: odd, length: fc.integer({ min: 150, max: 240 }) })
  .map(({ head, length }) => head.padEnd(length, "y").slice(0, LONGEST));

/** One name in a directory. */
export const name: fc.Arbitrary<ByteString> = fc
  .oneof({ weight: 3, arbitrary: WORD }, { weight: 6, arbitrary: odd }, { weight: 1, arbitrary: long })
  .map((name) => (name === "." || name === ".." ? `${name}x` : name));

/** A byte string as people read it: each byte that is not plain ASCII as `\xHH`. */
export function shown(name: ByteString): string {
  return name.replace(
    /[^\x20-\x7e]|\\/g,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}
