/**
 * Whatever could act on a terminal, break a line or change the reading order: control characters, line and paragraph
 * separators, bidirectional marks, unpaired surrogates, and the replacement character that stands for bytes that are no UTF-8.
 */

const UNPRINTABLE =
  /[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufffd\p{Surrogate}]/gu;

/**
 * The password in a database's URL, up to the `@`, or to the end of a text that was cut. csync2 names its database in complaints, and leaves
 * the scheme out of some. A port is none, nor is what follows a colon and a blank.
 */
const PASSWORD =
  /((?:[a-z][\w+.-]*:\/\/|\bdatabase is )[^:@\s/]*:)(?!\s)(?:[^@]*(?=@)|(?!\d+(?:[^\w]|$)).*)/gi;

/** `text` without the passwords of databases: whatever leaves this process goes through it, to peers, logs and terminals alike. */
export function withoutPasswords(text: string): string {
  return text.replace(PASSWORD, "$1***");
}

/** `text` fit for a terminal or a log: each character that is not is written as `\xHH` or `\u{HHHH}`. */
export function printable(text: string): string {
  return withoutPasswords(text).replace(UNPRINTABLE, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
  });
}

/** An arrow marks what csync2rev says to do. Whatever looks like one, of all the blocks that Unicode has them in. */
const ARROWS =
  /[\u2190-\u21ff\u2794-\u27be\u27f0-\u27ff\u2900-\u297f\u2b00-\u2bff\uffe9-\uffec\u{1f800}-\u{1f8ff}]/gu;

/** The words of a peer, or of csync2 there, fit to stand beside csync2rev's own: they cannot pass for advice. */
export function quotable(text: string): string {
  return printable(text).replace(ARROWS, (arrow) => `\\u{${(arrow.codePointAt(0) ?? 0).toString(16)}}`);
}

/** `value` as JSON that is fit for a terminal: what is not is written as `\\uHHHH`, which is the same to whoever parses it. */
export function printableJson(value: unknown, indent = 0): string {
  const masked = (_: string, part: unknown): unknown =>
    typeof part === "string" ? withoutPasswords(part) : part;
  return JSON.stringify(value, masked, indent).replace(UNPRINTABLE, (character) =>
    character === "\n" ? character : `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
