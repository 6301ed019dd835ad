import { lowerCase } from "./source.ts";

type Step = string | ((character: string) => boolean);

/**
 * A pattern of fnmatch(3) without flags: `*`, `?`, `[…]` and `\`. Case may matter or not. Whatever name and pattern contain, the time to
 * match grows no faster than the length of the name times the length of the pattern.
 */
export class Matcher {
  /** What is wrong with the pattern; fnmatch(3) takes such a pattern literally, or never matches it. Null if nothing is. */
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

/** One item of a set; null is an unknown character class, at which fnmatch(3) gives up. */
type SetItem = ((character: string) => boolean) | null;

/** Reads `[…]` from the character after its `[`; null if it has no end. `end` is the place of its `]`. */
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
        mistake ??= `"[:${name}:]" is an unknown character class`;
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

/**
 * The name in a `[:name:]` that begins here; null if none does. If the name has any other character than a to y (so also with a `z`),
 * fnmatch(3) takes the `[` literally.
 */
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
