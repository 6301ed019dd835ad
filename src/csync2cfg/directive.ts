import { Csync2revError } from "../errors.ts";
import type { Group, Host, Warning } from "./model.ts";
import type { Comment } from "./scanner.ts";
import { decode, lowerCase, quote } from "./source.ts";

/** What the `#csync2rev` lines of one group say. */
export interface Directives {
  /** The patterns of all `allow` lines; null where there is none. */
  readonly allow: readonly string[] | null;
  /** The first line that is no good. */
  readonly fault: Csync2revError | null;
}

/** The longest host name that csync2 can have is 255 bytes; with this limit matching is linear in the name. */
const MAX_PATTERN = 255;

const EXAMPLE = `"#csync2rev allow web2 web*;"`;

/** After punctuation, `csync2rev` and an `allow` or nothing: somebody meant a directive. */
const NEAR_MISS = /^#[^a-z0-9]*csync2[-_ ]?rev([^a-z0-9]*$|[^a-z0-9]*(allow|deny|permit|refuse)([^a-z]|$))/i;

/**
 * Reads the comments of one group's block. `inGroup` is false for the comments outside of groups, where a directive has no meaning
 * and is a fault.
 */
export function readDirectives(comments: readonly Comment[], inGroup: boolean): Directives {
  let allow: string[] | null = null;
  let fault: Csync2revError | null = null;
  for (const comment of comments) {
    if (!isDirective(comment)) continue;
    allow ??= [];
    try {
      for (const pattern of readAllow(comment, inGroup)) allow.push(pattern);
    } catch (error) {
      if (!(error instanceof Csync2revError)) throw error;
      fault ??= error;
    }
  }
  return { allow, fault };
}

/** The comments that look like a directive and are none: somebody believes to be protected by them. */
export function nearMisses(comments: readonly Comment[]): Warning[] {
  return comments
    .filter((comment) => !isDirective(comment) && NEAR_MISS.test(comment.text))
    .map(({ text, source, offset }) => {
      const message = `found ${quote(text)}, which is only a comment to csync2rev and allows or forbids nobody: a directive reads ${EXAMPLE}`;
      return { place: source.place(offset), message: source.remark(offset, message) };
    });
}

/**
 * May this host ask for a push in the group? Yes where the group has no `#csync2rev allow` line, else when a pattern matches its
 * hostname or its peername, case ignored.
 */
export function mayAsk(group: Pick<Group, "allow">, host: Pick<Host, "hostname" | "peername">): boolean {
  if (group.allow === null) return true;
  return group.allow.some((pattern) => {
    const matcher = new Matcher(pattern, true);
    return matcher.matches(host.hostname) || matcher.matches(host.peername);
  });
}

function isDirective(comment: Comment): boolean {
  // csync2 and the scanner see no comment inside quotes, yet who wrote it believes in it: fail closed.
  return /^#csync2rev[ \t\v\f]/.test(comment.text) || comment.quoted;
}

function readAllow(comment: Comment, inGroup: boolean): string[] {
  const { text } = comment;
  const fail = (index: number, message: string): never => {
    throw new Csync2revError("directive", comment.source.complaint(comment.offset + index, message));
  };
  if (comment.quoted) {
    fail(
      0,
      `found ${quote(text)} within quotes, expected a comment of its own: is a quote missing before it?`,
    );
  }
  if (!inGroup) {
    fail(0, `found ${quote(text)} outside of a group, expected it between the "{" and the "}" of one`);
  }
  const words = [...text.matchAll(/[^ \t\v\f;]+|;.*/gs)].slice(1);
  const [verb, ...rest] = words;
  if (verb?.[0] !== "allow") {
    const found = verb ? quote(verb[0]) : "nothing";
    fail(verb?.index ?? text.length, `found ${found}, expected "allow": write ${EXAMPLE}`);
  }
  const end = rest.at(-1);
  if (!end?.[0].startsWith(";")) {
    return fail(text.length, `found the end of the line, expected a pattern or ";": write ${EXAMPLE}`);
  }
  const trailing = /^;[ \t\v\f]*([^ \t\v\f#].*)/s.exec(end[0]);
  if (trailing) {
    fail(
      end.index + end[0].indexOf(trailing[1] ?? ""),
      `found ${quote(trailing[1] ?? "")}, expected nothing after ";"`,
    );
  }
  return rest.slice(0, -1).map(({ 0: pattern, index }) => {
    const mistake = mistakeIn(pattern);
    if (mistake) fail(index, `found ${quote(pattern)}, expected a pattern: ${mistake}`);
    return decode(pattern);
  });
}

function mistakeIn(pattern: string): string | null {
  if (/[\x00-\x1f\x7f]/.test(pattern)) return "it holds a control character";
  if (pattern.includes(",")) return "blanks separate patterns, not commas";
  if (pattern.includes('"')) return "no quotes around it";
  if (/[@()]/.test(pattern)) return `write the name on either side of "@" alone, without parentheses`;
  if (pattern.includes("#")) return `a comment may follow the ";" only`;
  if (pattern.startsWith("!")) return `there is no "not", name those who may ask`;
  if (pattern.length > MAX_PATTERN) return `it is longer than ${MAX_PATTERN} bytes`;
  return new Matcher(decode(pattern), true).mistake;
}

type Step = string | ((character: string) => boolean);

/**
 * A pattern as fnmatch(3) takes it without flags, `*` `?` `[…]` and `\`, with or without regard to case. The time to match grows with the
 * length of the name times that of the pattern, whatever they hold.
 */
export class Matcher {
  /** What is wrong with the pattern by csync2rev's lights; fnmatch(3) takes such a pattern literally or never matches it. */
  readonly mistake: string | null = null;
  /** The parts between stars. */
  readonly #parts: Step[][] = [[]];
  readonly #never: boolean = false;
  readonly #ignoreCase: boolean;

  constructor(pattern: string, ignoreCase: boolean) {
    this.#ignoreCase = ignoreCase;
    const characters = Array.from(ignoreCase ? lowerCase(pattern) : pattern);
    let part: Step[] = [];
    this.#parts = [part];
    for (let at = 0; at < characters.length; at++) {
      const character = characters[at] ?? "";
      switch (character) {
        case "*":
          part = [];
          this.#parts.push(part);
          break;
        case "?":
          part.push(() => true);
          break;
        case "\\": {
          const next = characters[++at];
          if (next === undefined) {
            this.mistake = `nothing follows its "\\"`;
            this.#never = true;
          } else {
            part.push(next);
          }
          break;
        }
        case "[": {
          const set = readSet(characters, at + 1, ignoreCase);
          if (set === null) {
            this.mistake = `its "[" has no "]"`;
            part.push("[");
          } else {
            this.mistake ??= set.mistake;
            part.push(set.has);
            at = set.end;
          }
          break;
        }
        default:
          part.push(character);
      }
    }
  }

  matches(name: string): boolean {
    if (this.#never) return false;
    const characters = Array.from(this.#ignoreCase ? lowerCase(name) : name);
    const first = this.#parts[0] ?? [];
    const last = this.#parts.at(-1) ?? [];
    if (this.#parts.length === 1) return characters.length === first.length && fits(first, characters, 0);
    if (characters.length < first.length + last.length || !fits(first, characters, 0)) return false;
    const end = characters.length - last.length;
    if (!fits(last, characters, end)) return false;
    let at = first.length;
    for (const part of this.#parts.slice(1, -1)) {
      while (at + part.length <= end && !fits(part, characters, at)) at++;
      if (at + part.length > end) return false;
      at += part.length;
    }
    return true;
  }
}

function fits(part: readonly Step[], characters: readonly string[], at: number): boolean {
  return part.every((step, index) => {
    const character = characters[at + index] ?? "";
    return typeof step === "string" ? step === character : step(character);
  });
}

const CLASSES: ReadonlyMap<string, RegExp> = new Map([
  ["alpha", /[a-z]/i],
  ["digit", /[0-9]/],
  ["alnum", /[a-z0-9]/i],
  ["upper", /[A-Z]/],
  ["lower", /[a-z]/],
  ["space", /[ \t\n\v\f\r]/],
  ["blank", /[ \t]/],
  ["punct", /[!-/:-@[-`{-~]/],
  ["print", /[ -~]/],
  ["graph", /[!-~]/],
  ["cntrl", /[\x00-\x1f\x7f]/],
  ["xdigit", /[0-9a-f]/i],
]);

/** What a set has in it; null is a class of a name that there is none of, at which fnmatch(3) gives up. */
type SetItem = ((character: string) => boolean) | null;

/** Reads `[…]` from behind its `[`; null where it has no end. `end` is the place of its `]`. */
function readSet(
  characters: readonly string[],
  begin: number,
  ignoreCase: boolean,
): { has: (character: string) => boolean; end: number; mistake: string | null } | null {
  const negated = characters[begin] === "!" || characters[begin] === "^";
  const items: SetItem[] = [];
  let mistake: string | null = null;
  const first = negated ? begin + 1 : begin;
  let at = first;
  while (characters[at] !== "]" || at === first) {
    if (at >= characters.length) return null;
    const name = classNameAt(characters, at);
    if (name !== null) {
      const known = CLASSES.get(name);
      if (known === undefined) {
        items.push(null);
        mistake ??= `there is no class "[:${name}:]"`;
      } else {
        const matcher = ignoreCase ? new RegExp(known.source, "i") : known;
        items.push((character) => matcher.test(character));
      }
      at += name.length + "[::]".length;
      continue;
    }
    const low = literal(characters, at);
    if (low === null) return null;
    let high = low;
    if (
      characters[low.next] === "-" &&
      characters[low.next + 1] !== "]" &&
      low.next + 1 < characters.length
    ) {
      const upper = literal(characters, low.next + 1);
      if (upper === null) return null;
      high = upper;
    }
    const [from, to] = [low.code, high.code];
    items.push((character) => {
      const code = character.codePointAt(0) ?? 0;
      return from <= code && code <= to;
    });
    at = high.next;
  }
  const has = (character: string): boolean => {
    for (const item of items) {
      if (item === null) return false;
      if (item(character)) return !negated;
    }
    return negated;
  };
  return { has, end: at, mistake };
}

/** The name in a `[:name:]` that begins here. With anything but small letters in it fnmatch(3) takes the `[` as it is; `z` is none to it. */
function classNameAt(characters: readonly string[], at: number): string | null {
  if (characters[at] !== "[" || characters[at + 1] !== ":") return null;
  let end = at + 2;
  while (/^[a-y]$/.test(characters[end] ?? "")) end++;
  if (characters[end] !== ":" || characters[end + 1] !== "]") return null;
  return characters.slice(at + 2, end).join("");
}

function literal(characters: readonly string[], at: number): { code: number; next: number } | null {
  const escaped = characters[at] === "\\";
  const character = characters[escaped ? at + 1 : at];
  if (character === undefined) return null;
  return { code: character.codePointAt(0) ?? 0, next: at + (escaped ? 2 : 1) };
}
