import { Csync2revError } from "../errors.ts";
import { Matcher } from "./fnmatch.ts";
import type { Group, Host } from "./model.ts";
import { isNearMiss } from "./near-miss.ts";
import type { Comment } from "./scanner.ts";
import { decode, quote } from "./source.ts";

/** What the `#csync2rev` lines of one group say. */
export interface Directives {
  /** The patterns of all `allow` lines; null if there is no such line. */
  readonly allow: readonly string[] | null;
  /** The first line that is wrong. */
  readonly fault: Csync2revError | null;
}

/** csync2's host names have at most 255 bytes. With this limit the time to match grows only with the name. */
const MAX_PATTERN = 255;

const EXAMPLE = `"#csync2rev allow web2 web*;"`;

/** How a directive begins. The blank may also be a tab, a vertical tab or a form feed. */
const BEGINNING = "#csync2rev ";

/**
 * Reads the comments of one group's block. A comment that was meant as a directive, and is spelt in another way, is a fault too.
 * @param inGroup false for the comments outside of groups: a directive has no meaning there, and is a fault
 * @param hosts the names of all hosts in csync2.cfg, folded
 */
export function readDirectives(
  comments: readonly Comment[],
  inGroup: boolean,
  hosts: ReadonlySet<string>,
): Directives {
  let allow: string[] | null = null;
  let fault: Csync2revError | null = null;
  for (const comment of comments) {
    const isDirective = /^#csync2rev[ \t\v\f]/.test(comment.text);
    if (!isDirective && !isNearMiss(comment.text, hosts)) continue;
    allow ??= [];
    try {
      // For csync2 and the scanner there is no comment within quotes. But its author relies on it.
      if (comment.quoted)
        misplaced(comment, "within quotes", "a comment of its own: check for a missing quote before it");
      if (!isDirective) misspelt(comment);
      if (!inGroup) misplaced(comment, "outside of a group", `it between the "{" and the "}" of one`);
      for (const pattern of readAllow(comment)) allow.push(pattern);
    } catch (error) {
      if (!(error instanceof Csync2revError)) throw error;
      fault ??= error;
    }
  }
  return { allow, fault };
}

/**
 * Whether this host may ask for a push in the group: yes if the group has no `#csync2rev allow` line, otherwise if a pattern matches its
 * hostname or its peername. Case does not matter.
 */
export function mayAsk(group: Pick<Group, "allow">, host: Pick<Host, "hostname" | "peername">): boolean {
  return group.allow === null || isNamedBy(group.allow, host);
}

/** Whether one of the patterns matches a host's hostname or its peername, case ignored. */
export function isNamedBy(patterns: readonly string[], host: Pick<Host, "hostname" | "peername">): boolean {
  return patterns.some((pattern) => {
    const matcher = new Matcher(pattern, true);
    return matcher.matches(host.hostname) || matcher.matches(host.peername);
  });
}

function misplaced(comment: Comment, where: string, expected: string): never {
  fail(comment, 0, `found ${quote(comment.text)} ${where}, expected ${expected}`);
}

function misspelt(comment: Comment): never {
  const { text } = comment;
  let at = 0;
  while (at < BEGINNING.length && text[at] === BEGINNING[at]) at++;
  const character = Array.from(decode(text.slice(at, at + 4)))[0] ?? "";
  const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
  const lookAlike = /^[^\x00-\x7f]/.test(character) ? ` (the character here is U+${code})` : "";
  fail(
    comment,
    at,
    `found ${quote(text)}, which looks like a #csync2rev line but is only a comment, expected exactly "#csync2rev allow" at its beginning${lookAlike}: write ${EXAMPLE}, or begin a remark with another word`,
  );
}

function fail({ source, offset }: Comment, index: number, message: string): never {
  throw new Csync2revError("directive", source.complaint(offset + index, message));
}

function readAllow(comment: Comment): string[] {
  const { text } = comment;
  const words = [...text.matchAll(/[^ \t\v\f;]+|;.*/gs)].slice(1);
  const [verb, ...rest] = words;
  if (verb?.[0] !== "allow") {
    const found = verb ? quote(verb[0]) : "nothing";
    fail(comment, verb?.index ?? text.length, `found ${found}, expected "allow": write ${EXAMPLE}`);
  }
  const end = rest.at(-1);
  if (!end?.[0].startsWith(";")) {
    return fail(
      comment,
      text.length,
      `found the end of the line, expected a pattern or ";": write ${EXAMPLE}`,
    );
  }
  const trailing = /^;[ \t\v\f]*([^ \t\v\f#].*)/s.exec(end[0]);
  if (trailing) {
    fail(
      comment,
      end.index + end[0].indexOf(trailing[1] ?? ""),
      `found ${quote(trailing[1] ?? "")}, expected nothing after ";"`,
    );
  }
  return rest.slice(0, -1).map(({ 0: pattern, index }) => {
    const mistake = mistakeIn(pattern);
    if (mistake) fail(comment, index, `found ${quote(pattern)}, expected a pattern: ${mistake}`);
    return decode(pattern);
  });
}

function mistakeIn(pattern: string): string | null {
  if (/[\x00-\x1f\x7f]/.test(pattern)) return "it contains a control character";
  if (pattern.includes(",")) return "blanks separate patterns, not commas";
  if (pattern.includes('"')) return "no quotes around it";
  if (/[@()]/.test(pattern)) return `write only one of the two names beside "@", without parentheses`;
  if (pattern.includes("#")) return `a comment may only follow the ";"`;
  if (pattern.startsWith("!")) return `"!" has no meaning here, name the hosts that may ask`;
  if (pattern.length > MAX_PATTERN) return `it is longer than ${MAX_PATTERN} bytes`;
  return new Matcher(decode(pattern), true).mistake;
}
