import { Csync2revError } from "../errors.ts";
import { quote, type Source } from "./source.ts";

/** The words that csync2 reserves everywhere, except `config`, which never reaches its parser (cfgfile_scanner.l). */
const KEYWORDS = [
  "nossl",
  "ignore",
  "database",
  "group",
  "host",
  "exclude",
  "include",
  "compare",
  "key",
  "auto",
  "action",
  "pattern",
  "exec",
  "logfile",
  "do-local",
  "do-local-only",
  "prefix",
  "on",
  "lock-timeout",
  "tempdir",
  "backup-directory",
  "backup-generations",
  "no-cygwin-lowercase",
] as const;

export type Keyword = (typeof KEYWORDS)[number];
export type Punctuation = "{" | "}" | "(" | ")" | ";" | ":" | "@";
export type TokenKind = Keyword | Punctuation | "word" | "end";

/** One token and its place: the text between `offset` and `end` of `source`, with quotes. */
export interface Token {
  readonly kind: TokenKind;
  /** The word itself, one character for each byte; cut at a NUL byte, as in C. */
  readonly text: string;
  readonly quoted: boolean;
  readonly source: Source;
  readonly offset: number;
  readonly end: number;
}

/** Room for one token. A large file has tens of thousands of tokens; garbage collection would cost more than reading them. */
export type TokenSlot = { -readonly [Field in keyof Token]: Token[Field] };

/** A comment from its `#` on, or text within quotes that would otherwise be a comment. */
export interface Comment {
  readonly text: string;
  readonly quoted: boolean;
  readonly source: Source;
  readonly offset: number;
}

/** Reads the file that `config FILE;` names. `name` is as written, one character for each byte. Throws if it cannot be read. */
export type IncludeReader = (name: string, from: Source, offset: number) => Source;

/** How much of a comment within quotes is kept. */
const QUOTED_COMMENT = 300;

/** cfgfile_scanner.l, MAX_INCLUDE_DEPTH. */
const MAX_INCLUDE_DEPTH = 10;

/** The words that are tokens of their own. A brace is one only if there are blanks or the like around it. */
const reserved = new Map<string, TokenKind>(([...KEYWORDS, "{", "}"] as const).map((word) => [word, word]));

const BLANK = 1;
const ENDS_WORD = 2;
const ENDS_LINE = 4;
const ENDS_INCLUDE_NAME = 8;
const CHARACTERS = new Uint8Array(256);
const classify = (characters: string, bits: number): void => {
  for (const character of characters) {
    const code = character.charCodeAt(0);
    CHARACTERS[code] = (CHARACTERS[code] ?? 0) | bits;
  }
};
classify(" \t\r\n", BLANK);
/** All other characters may be in a word, but a colon may not be its last. */
classify(' \t\r\n@;()#"', ENDS_WORD);
classify("\r\n", ENDS_LINE);
classify(" \t\r\n;", ENDS_INCLUDE_NAME);

/**
 * Cuts csync2.cfg into tokens as cfgfile_scanner.l does, with the text of included files in their place. Comments go to `comments`, in
 * step with the tokens: when a token is returned, all comments before it are there.
 */
export class Scanner {
  readonly comments: Comment[] = [];
  readonly #readInclude: IncludeReader;
  readonly #outer: { source: Source; at: number }[] = [];
  #source: Source;
  #at = 0;
  #inConfigStatement = false;

  constructor(source: Source, readInclude: IncludeReader) {
    this.#source = source;
    this.#readInclude = readInclude;
  }

  /** A slot for {@link next}. */
  slot(): TokenSlot {
    return { kind: "end", text: "", quoted: false, source: this.#source, offset: 0, end: 0 };
  }

  /**
   * Puts the next token into the slot. At the end of csync2.cfg it is `end`, however often this is called.
   * Throws what the include reader throws, and config-syntax if includes are nested more than ten deep.
   */
  next(slot: TokenSlot): void {
    for (;;) {
      const { text } = this.#source;
      const begin = this.#at;
      if (begin >= text.length) {
        const outer = this.#outer.pop();
        if (!outer) {
          this.#fill(slot, "end", "", text.length, text.length);
          return;
        }
        this.#source = outer.source;
        this.#at = outer.at;
        // For csync2, every further word up to the semicolon is one more file to include.
        this.#inConfigStatement = true;
        continue;
      }
      if (((CHARACTERS[text.charCodeAt(begin)] ?? 0) & BLANK) !== 0) {
        this.#at = begin + 1;
        continue;
      }
      if (this.#inConfigStatement) {
        this.#configStatement(begin);
        continue;
      }
      const character = text[begin] ?? "";
      switch (character) {
        case "#":
          this.#skipTo(ENDS_LINE);
          this.comments.push({
            text: text.slice(begin, this.#at),
            quoted: false,
            source: this.#source,
            offset: begin,
          });
          continue;
        case '"': {
          if (this.#quotedWord(slot, begin)) return;
          continue;
        }
        case ";":
        case "@":
        case "(":
        case ")":
          this.#at = begin + 1;
          this.#fill(slot, character, character, begin, begin + 1);
          return;
        default:
          if (this.#word(slot, begin)) return;
      }
    }
  }

  #configStatement(begin: number): void {
    const source = this.#source;
    if (source.text[begin] === ";") {
      this.#at = begin + 1;
      this.#inConfigStatement = false;
      return;
    }
    this.#skipTo(ENDS_INCLUDE_NAME);
    const name = cut(source.text.slice(begin, this.#at));
    if (this.#outer.length >= MAX_INCLUDE_DEPTH) {
      throw new Csync2revError(
        "config-syntax",
        source.complaint(
          begin,
          `found ${quote(name)} included ${MAX_INCLUDE_DEPTH + 1} deep, expected ${MAX_INCLUDE_DEPTH} at most: check whether a file includes itself`,
        ),
      );
    }
    const included = this.#readInclude(name, source, begin);
    this.#outer.push({ source, at: this.#at });
    this.#source = included;
    this.#at = 0;
    this.#inConfigStatement = false;
  }

  #quotedWord(slot: TokenSlot, begin: number): boolean {
    const { text } = this.#source;
    const close = text.indexOf('"', begin + 1);
    // Without a second quote, the word is the rest of the file. csync2 accepts that.
    const end = close === -1 ? text.length : close;
    this.#at = close === -1 ? end : close + 1;
    if (end === begin + 1) return false;
    const word = text.slice(begin + 1, end);
    for (let at = word.indexOf("#"); at !== -1; at = word.indexOf("#", at + 1)) {
      const text = /^[^\r\n]*/.exec(word.slice(at, at + QUOTED_COMMENT))?.[0] ?? "";
      this.comments.push({ text, quoted: true, source: this.#source, offset: begin + 1 + at });
    }
    this.#fill(slot, "word", cut(word), begin, this.#at);
    slot.quoted = true;
    return true;
  }

  /** False if the word is `config`, which is not a token. */
  #word(slot: TokenSlot, begin: number): boolean {
    const { text } = this.#source;
    this.#skipTo(ENDS_WORD);
    let end = this.#at;
    while (end > begin && text[end - 1] === ":") end--;
    if (end === begin) {
      this.#at = begin + 1;
      this.#fill(slot, ":", ":", begin, begin + 1);
      return true;
    }
    this.#at = end;
    const word = text.slice(begin, end);
    if (word === "config") {
      this.#inConfigStatement = true;
      return false;
    }
    this.#fill(slot, reserved.get(word) ?? "word", cut(word), begin, end);
    return true;
  }

  /** Moves to the next character of a class, or to the end. */
  #skipTo(bits: number): void {
    const { text } = this.#source;
    let at = this.#at;
    while (at < text.length && ((CHARACTERS[text.charCodeAt(at)] ?? 0) & bits) === 0) at++;
    this.#at = at;
  }

  #fill(slot: TokenSlot, kind: TokenKind, text: string, offset: number, end: number): void {
    slot.kind = kind;
    slot.text = text;
    slot.quoted = false;
    slot.source = this.#source;
    slot.offset = offset;
    slot.end = end;
  }
}

function cut(word: string): string {
  const nul = word.indexOf("\0");
  return nul === -1 ? word : word.slice(0, nul);
}
