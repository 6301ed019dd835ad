import { Csync2revError } from "../errors.ts";
import type { Nossl, PatternEffect } from "./model.ts";
import type { Comment, Scanner, Token, TokenKind, TokenSlot } from "./scanner.ts";
import { lowerCase, quote, type Source } from "./source.ts";

/** One host of a `host` line. Names are bytes, in lower case. */
export interface HostEntry {
  readonly hostname: string;
  readonly peername: string;
  readonly slave: boolean;
  readonly source: Source;
  readonly offset: number;
}

/** One pattern of an `include`, `exclude` or `compare` line. */
export interface PatternEntry {
  readonly effect: PatternEffect;
  readonly token: Token;
}

/** A `group` block. */
export interface GroupBlock {
  readonly name: string;
  /** The word `group`. */
  readonly at: Token;
  readonly hosts: readonly HostEntry[];
  /** The file that the group's `key` line names. */
  readonly key: Token;
  /** The patterns of all `include`, `exclude` and `compare` lines, in file order. */
  readonly patterns: readonly PatternEntry[];
  readonly backupDirectory: string | null;
  /** The comments between `{` and `}`. */
  readonly comments: readonly Comment[];
}

/** A `prefix` block. */
export interface PrefixBlock {
  readonly name: string;
  readonly entries: readonly { readonly pattern: string; readonly path: string }[];
}

/** The content of csync2.cfg in file order, with included files in their place. */
export interface Tree {
  readonly groups: readonly GroupBlock[];
  readonly prefixes: readonly PrefixBlock[];
  readonly nossl: readonly Nossl[];
  readonly tempdir: string | null;
  /** The comments outside of groups. */
  readonly comments: readonly Comment[];
}

/** How many blocks a file may have, and statements a block. csync2's own parser runs out of memory before that. */
const MAX_STATEMENTS = 10_000;

const AUTO_METHODS = ["none", "first", "younger", "older", "bigger", "smaller", "left", "right"];
const IGNORABLE = ["uid", "gid", "mod"];

/**
 * What the fork schafdog/csync2 adds at the top level. LINBIT's csync2 refuses a file with these words, so it runs nothing there. They are
 * not keywords here, so that files of LINBIT's csync2 are read as it reads them.
 */
const FORK_SETTINGS = new Set([
  "database-version",
  "protocol-version",
  "ip-version",
  "patch-mode",
  "lock-time",
  "redis",
]);

const BLOCKS = `"group", "prefix", "nossl", "ignore", "database", "tempdir", "lock-timeout" or "config"`;
const STATEMENTS = `"host", "key", "include", "exclude", "compare", "auto", "action", "backup-directory", "backup-generations" or "}"`;
const ACTION_STATEMENTS = `"pattern", "exec", "logfile", "do-local", "do-local-only" or "}"`;
/** The shorter words if a hint follows. */
const SHORT = new Map([
  [BLOCKS, "a block"],
  [STATEMENTS, `a statement or "}"`],
  [ACTION_STATEMENTS, `a statement of an action or "}"`],
]);
const IN_GROUP = new Set<TokenKind>([
  "host",
  "key",
  "include",
  "exclude",
  "compare",
  "auto",
  "action",
  "backup-directory",
  "backup-generations",
]);
const IN_ACTION = new Set<TokenKind>(["pattern", "exec", "logfile", "do-local", "do-local-only"]);
const AT_TOP = new Set<TokenKind>([
  "group",
  "prefix",
  "nossl",
  "ignore",
  "database",
  "tempdir",
  "lock-timeout",
  "no-cygwin-lowercase",
]);
const PUNCTUATION = new Set<TokenKind>(["{", "}", "(", ")", ";", ":", "@"]);

/**
 * Reads all tokens of the scanner, with the grammar of cfgfile_parser.y and the checks that csync2 makes while it parses.
 * Throws config-syntax at the first token that csync2 would refuse, and what the scanner throws.
 */
export function parse(scanner: Scanner): Tree {
  return new Parser(scanner).tree();
}

class Parser {
  readonly #scanner: Scanner;
  /** The current token and the one before it. To keep a token, copy it: the two slots are used in turn. */
  #token: TokenSlot;
  #previous: TokenSlot;
  #unnamedGroups = 0;
  readonly #groups: GroupBlock[] = [];
  readonly #prefixes: PrefixBlock[] = [];
  readonly #nossl: Nossl[] = [];
  #tempdir: string | null = null;
  readonly #comments: Comment[] = [];

  constructor(scanner: Scanner) {
    this.#scanner = scanner;
    this.#token = scanner.slot();
    this.#previous = scanner.slot();
    scanner.next(this.#token);
  }

  tree(): Tree {
    for (let count = 0; !this.#at("end"); count++) {
      this.#limit(count, "blocks");
      this.#block();
    }
    this.#takeComments(this.#comments);
    return {
      groups: this.#groups,
      prefixes: this.#prefixes,
      nossl: this.#nossl,
      tempdir: this.#tempdir,
      comments: this.#comments,
    };
  }

  #block(): void {
    const kind: string = this.#token.kind;
    switch (kind) {
      case "group":
        this.#group();
        return;
      case "prefix":
        this.#prefix();
        return;
      case "nossl":
        this.#advance();
        this.#nossl.push({
          from: this.#word("a host pattern").text,
          to: this.#word("a second host pattern").text,
        });
        this.#semicolon();
        return;
      case "tempdir":
        this.#tempdir = this.#setting(kind).text;
        return;
      case "database":
      case "lock-timeout":
        this.#setting(kind);
        return;
      case "ignore":
        this.#ignore();
        return;
      case "no-cygwin-lowercase":
        return this.#fail(
          this.#token,
          `found "no-cygwin-lowercase", expected ${BLOCKS}: only csync2 on Cygwin accepts it`,
        );
      case "word":
        if (this.#forkBlock()) return;
    }
    this.#unexpected(BLOCKS);
  }

  #group(): void {
    const at = { ...this.#token };
    this.#advance();
    let name: string;
    if (this.#at("word")) {
      name = this.#token.text;
      this.#advance();
    } else {
      if (!this.#at("{")) this.#unexpected(`a name or "{"`);
      name = `group_${++this.#unnamedGroups}`;
    }
    this.#takeComments(this.#comments);
    this.#is("{");
    const comments: Comment[] = [];
    const hosts: HostEntry[] = [];
    const patterns: PatternEntry[] = [];
    let key: Token | null = null;
    let backupDirectory: string | null = null;
    let hasAuto = false;
    this.#advance();
    for (let count = 0; !this.#at("}"); count++) {
      this.#limit(count, "statements");
      const kind: string = this.#token.kind;
      switch (kind) {
        case "host":
          this.#advance();
          this.#hostList(hosts);
          break;
        case "include":
        case "exclude":
        case "compare":
          this.#advance();
          this.#words().forEach((token, index, { length }) => {
            // For csync2's parser `compare a b c` is: include a, include b, compare c.
            const effect = kind === "compare" && index < length - 1 ? "include" : kind;
            patterns.push({ effect, token });
          });
          if (!this.#at(";")) this.#unexpected(`a pattern or ";"`);
          break;
        case "key": {
          this.#advance();
          const file = this.#word("a key file");
          if (key) {
            const { line, file: firstFile } = key.source.place(key.offset);
            const where = key.source === file.source ? `on line ${line}` : `in ${firstFile}, line ${line}`;
            this.#fail(
              file,
              `found a second key for group ${quote(name)}, expected one: the first is ${where}`,
            );
          }
          key = file;
          break;
        }
        case "auto": {
          this.#advance();
          const method = this.#word("a method");
          if (hasAuto) this.#fail(method, `found a second "auto" for group ${quote(name)}, expected one`);
          if (!AUTO_METHODS.includes(method.text)) {
            this.#fail(method, `found ${quote(method.text)}, expected one of ${AUTO_METHODS.join(", ")}`);
          }
          hasAuto = true;
          break;
        }
        case "backup-directory":
          this.#advance();
          backupDirectory = this.#word("a directory").text;
          break;
        case "backup-generations":
          this.#advance();
          this.#word("a number");
          break;
        case "action":
          this.#action();
          continue;
        default:
          if (!this.#isWord("flags")) this.#unexpected(STATEMENTS, at);
          this.#advance();
          this.#word("flags");
      }
      this.#semicolon();
    }
    this.#takeComments(comments);
    if (!key) {
      this.#fail(
        at,
        `found no key in group ${quote(name)}, expected one: write "key FILE;" in its block, and "csync2 -k FILE" makes the file`,
      );
    }
    this.#groups.push({ name, at, hosts, key, patterns, backupDirectory, comments });
    this.#advance();
  }

  #hostList(hosts: HostEntry[]): void {
    for (;;) {
      if (this.#at("word")) {
        this.#host(hosts, false);
      } else if (this.#at("(")) {
        this.#advance();
        while (this.#at("word")) this.#host(hosts, true);
        if (!this.#at(")")) this.#unexpected(`a host or ")"`);
        this.#advance();
      } else if (this.#at(";")) {
        return;
      } else {
        this.#unexpected(`a host or ";"`);
      }
    }
  }

  #host(hosts: HostEntry[], slave: boolean): void {
    const { text, source, offset } = this.#token;
    this.#advance();
    const hostname = lowerCase(text);
    let peername = hostname;
    if (this.#at("@")) {
      this.#advance();
      peername = lowerCase(this.#word("the name that csync2 is to use for it").text);
    }
    hosts.push({ hostname, peername, slave, source, offset });
  }

  #action(): void {
    this.#advance();
    this.#is("{");
    this.#advance();
    for (let count = 0; !this.#at("}"); count++) {
      this.#limit(count, "statements");
      const kind: string = this.#token.kind;
      switch (kind) {
        case "pattern":
        case "exec": {
          const what = kind === "exec" ? "a command" : "a pattern";
          this.#advance();
          this.#words();
          if (!this.#at(";")) this.#unexpected(`${what} or ";"`);
          break;
        }
        case "logfile":
          this.#advance();
          this.#word("a file");
          break;
        case "do-local":
        case "do-local-only":
          this.#advance();
          break;
        default:
          this.#unexpected(ACTION_STATEMENTS);
      }
      this.#semicolon();
    }
    this.#advance();
  }

  #prefix(): void {
    this.#advance();
    const name = this.#word("a name").text;
    this.#is("{");
    this.#advance();
    const entries: { pattern: string; path: string }[] = [];
    while (this.#at("on")) {
      this.#advance();
      const pattern = this.#word("a host pattern");
      if (!this.#at(":")) this.#unexpected(`":"`);
      this.#advance();
      const path = this.#word("a path");
      this.#semicolon();
      if (!path.text.startsWith("/")) {
        this.#fail(path, `found ${quote(path.text)}, expected a path that begins with "/"`);
      }
      entries.push({ pattern: pattern.text, path: path.text.replace(/(?!^)\/+$/, "") });
    }
    if (!this.#at("}")) this.#unexpected(`"on" or "}"`);
    this.#prefixes.push({ name, entries });
    this.#advance();
  }

  #ignore(): void {
    this.#advance();
    const words = this.#words();
    if (!this.#at(";")) this.#unexpected(`${IGNORABLE.join(", ")} or ";"`);
    const unknown = words.find((word) => !IGNORABLE.includes(word.text));
    if (unknown) this.#fail(unknown, `found ${quote(unknown.text)}, expected uid, gid or mod`);
    this.#advance();
  }

  #setting(name: string): Token {
    this.#advance();
    const value = this.#word(`a value for "${name}"`);
    this.#semicolon();
    return value;
  }

  #forkBlock(): boolean {
    const { text, quoted } = this.#token;
    if (!quoted && FORK_SETTINGS.has(text)) {
      this.#setting(text);
      return true;
    }
    if (!this.#isWord("hosts")) return false;
    this.#advance();
    this.#is("{");
    this.#advance();
    while (!this.#at("}")) {
      this.#word("a name");
      this.#is(":");
      this.#advance();
      this.#word("an address");
      // Not a loop: an address may have one port.
      if (this.#at(":")) {
        this.#advance();
        this.#word("a port");
      }
      this.#semicolon();
    }
    this.#advance();
    return true;
  }

  #words(): Token[] {
    const words: Token[] = [];
    while (this.#at("word")) words.push(this.#word("a word"));
    return words;
  }

  #word(what: string): Token {
    if (!this.#at("word")) this.#unexpected(what);
    const word = { ...this.#token };
    this.#advance();
    return word;
  }

  #semicolon(): void {
    this.#is(";");
    this.#advance();
  }

  #is(kind: TokenKind): void {
    if (!this.#at(kind)) this.#unexpected(`"${kind}"`);
  }

  #isWord(text: string): boolean {
    return this.#at("word") && !this.#token.quoted && this.#token.text === text;
  }

  #at(kind: TokenKind): boolean {
    return this.#token.kind === kind;
  }

  #advance(): void {
    const slot = this.#previous;
    this.#previous = this.#token;
    this.#token = slot;
    this.#scanner.next(slot);
  }

  #takeComments(into: Comment[]): void {
    for (const comment of this.#scanner.comments) into.push(comment);
    this.#scanner.comments.length = 0;
  }

  #limit(count: number, what: "blocks" | "statements"): void {
    if (count < MAX_STATEMENTS) return;
    this.#fail(
      this.#token,
      `found more than ${MAX_STATEMENTS} ${what}, expected fewer: csync2's parser cannot hold more`,
    );
  }

  #unexpected(expected: string, group?: Token): never {
    const token = this.#token;
    const previous = this.#previous;
    if (isGlued(previous) && previous.text.endsWith("{") && expected.includes(`"{"`)) {
      this.#fail(previous, `found ${quote(previous.text)}, expected a name and "{"${blanksHint(previous)}`);
    }
    if (expected === `":"` && previous.text.includes(":")) {
      const fixed = quote(previous.text.replace(":", ": "));
      const hint = `: write ${fixed}, with a blank after the colon`;
      this.#fail(previous, `found ${quote(previous.text)}, expected a host pattern, ":" and a path${hint}`);
    }
    const line = token.source.place(token.offset).line;
    const isLater = token.source === previous.source && line > token.source.place(previous.end).line;
    const hint = this.#hint(expected, isLater, group);
    const wanted = hint === "" ? expected : (SHORT.get(expected) ?? expected);
    if (token.kind === "end") {
      const message = `found the end of the file, expected ${wanted}${hint}`;
      throw new Csync2revError("config-syntax", previous.source.complaint(previous.end, message));
    }
    if (isLater && expected.includes(`";"`)) {
      const message = `found ${describe(token)} on line ${line}, expected ${wanted} here${hint}`;
      throw new Csync2revError("config-syntax", previous.source.complaint(previous.end, message));
    }
    this.#fail(token, `found ${describe(token)}, expected ${wanted}${hint}`);
  }

  /** What to write instead, for mistakes that people make. */
  #hint(expected: string, isLater: boolean, group?: Token): string {
    const { kind, text, quoted, offset } = this.#token;
    const quotes = quotesHint(this.#token) || quotesHint(this.#previous);
    if (quotes) return quotes;
    if (kind === ";" && (this.#previous.kind === "}" || expected === BLOCKS)) return `: no ";" follows "}"`;
    if (expected === BLOCKS) {
      if (kind === "}") return `: this "}" closes nothing`;
      if (IN_GROUP.has(kind)) return `: "${kind}" belongs in a group, "group NAME { … }"`;
      if (IN_ACTION.has(kind)) return `: "${kind}" belongs in the "action { … }" of a group`;
      if (kind === "word" && text.startsWith("\xef\xbb\xbf") && offset === 0) {
        return `: the file begins with a byte order mark, which csync2 cannot read; save it without one`;
      }
      const name = text.replace(/\{$/, "");
      if (kind === "word" && !quoted && name !== "" && name !== "group" && name !== "prefix") {
        return `: to begin a group write ${quote(`group ${name} {`)}`;
      }
    }
    if (isGlued(this.#token)) return blanksHint(this.#token);
    if (expected === STATEMENTS || expected === ACTION_STATEMENTS) {
      if (kind === "end" && group)
        return ` that closes the group of line ${group.source.place(group.offset).line}`;
      if (AT_TOP.has(kind)) return `: "${kind}" stands outside of groups; is a "}" missing?`;
      if (IN_ACTION.has(kind)) return `: "${kind}" belongs in "action { … }"`;
      if (IN_GROUP.has(kind)) return `: "${kind}" stands outside of "action { … }"; is a "}" missing?`;
      if (kind === "word" && !quoted && text === "hosts") return `: write "host"`;
      return "";
    }
    if (!isKeyword(kind) || expected.startsWith(`"{"`) || expected.startsWith(`":"`)) return "";
    if (expected === `";"` || (isLater && expected.includes(`";"`))) return `: is a ";" missing?`;
    const asName = `a name that is a keyword needs quotes, ${quote(text)} with them`;
    return expected.includes(`";"`) ? `: is a ";" missing? Or else ${asName}` : `: ${asName}`;
  }

  #fail(token: Token, message: string): never {
    throw new Csync2revError("config-syntax", token.source.complaint(token.offset, message));
  }
}

function describe(token: Token): string {
  if (token.kind === "end") return "the end of the file";
  if (token.kind === "word") return quote(token.text) + (token.quoted ? " in quotes" : "");
  return isKeyword(token.kind) ? `the keyword "${token.kind}"` : `"${token.kind}"`;
}

function isKeyword(kind: TokenKind): boolean {
  return kind !== "word" && kind !== "end" && !PUNCTUATION.has(kind);
}

/** A word with a brace at its edge, such as `g{`: for csync2 it is one word. */
function isGlued(token: Token): boolean {
  return token.kind === "word" && !token.quoted && /^[{}].|.[{}]$/s.test(token.text);
}

function blanksHint(token: Token): string {
  const fixed = token.text
    .replace(/^[{}]+/, (braces) => braces.replace(/./g, "$& "))
    .replace(/[{}]+$/, (braces) => braces.replace(/./g, " $&"));
  return `: write ${quote(fixed.trim())}, csync2 takes a brace without blanks as part of a word`;
}

/** If a quote is missing, the rest of the line or of the file is one word. */
function quotesHint({ quoted, source, offset, end }: Token): string {
  if (!quoted) return "";
  const line = source.place(offset).line;
  if (source.text[end - 1] !== '"') return `: the quote of line ${line} is not closed`;
  const last = source.place(end - 1).line;
  return last > line ? `: the quote of line ${line} is not closed before line ${last}` : "";
}
