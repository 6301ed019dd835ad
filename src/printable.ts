/**
 * Characters that could act on a terminal, break a line or change the reading order: control characters, line and paragraph
 * separators, bidirectional marks, unpaired surrogates, and the replacement character that stands for bytes that are not UTF-8.
 */

const UNPRINTABLE =
  /[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufffd\p{Surrogate}]/gu;

/**
 * The password in a database's URL: up to the `@`, or to the end of the text if that was cut. csync2 names its database in complaints,
 * some of them without the scheme. A port is not a password, and neither is text after a colon and a blank.
 */
const PASSWORD =
  /((?:[a-z][\w+.-]*:\/\/|\bdatabase is )[^:@\s/]*:)(?!\s)(?:[^@]*(?=@)|(?!\d+(?:[^\w]|$)).*)/gi;

/** `text` with `***` for each password of a database. All text that leaves this process goes through here: to peers, logs, terminals. */
export function withoutPasswords(text: string): string {
  return text.replace(PASSWORD, "$1***");
}

/** `text` made safe for a terminal or a log: each unsafe character is written as `\xHH` or `\u{HHHH}`. */
export function printable(text: string): string {
  return withoutPasswords(text).replace(UNPRINTABLE, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
  });
}

/** All arrows in Unicode. csync2rev marks its own advice with an arrow, so no other text may have one. */
const ARROWS =
  /[\u2190-\u21ff\u2794-\u27be\u27f0-\u27ff\u2900-\u297f\u2b00-\u2bff\uffe9-\uffec\u{1f800}-\u{1f8ff}]/gu;

/** The words of a peer, or of csync2 there, made safe to print beside csync2rev's own: nobody can take them for its advice. */
export function quotable(text: string): string {
  return printable(text).replace(ARROWS, (arrow) => `\\u{${(arrow.codePointAt(0) ?? 0).toString(16)}}`);
}

/** `value` as JSON that is safe for a terminal: each unsafe character is written as `\\uHHHH`. A parser reads the same text. */
export function printableJson(value: unknown, indent = 0): string {
  const masked = (_: string, part: unknown): unknown =>
    typeof part === "string" ? withoutPasswords(part) : part;
  return JSON.stringify(value, masked, indent).replace(UNPRINTABLE, (character) =>
    character === "\n" ? character : `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
