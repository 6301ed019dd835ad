import type { Case } from "./oracle.ts";

/** A random number generator that a seed makes repeatable (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** A whole number from 0 to `limit` - 1. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4294967296) * limit);
  }

  chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  pick<T>(from: readonly T[]): T {
    const item = from[this.below(from.length)];
    if (item === undefined) throw new Error("nothing to pick from");
    return item;
  }

  times<T>(atMost: number, make: () => T): T[] {
    return Array.from({ length: this.below(atMost + 1) }, make);
  }
}

const KEYWORDS =
  "nossl ignore database group host exclude include compare key auto action pattern exec logfile do-local do-local-only prefix on lock-timeout tempdir backup-directory backup-generations no-cygwin-lowercase".split(
    " ",
  );
const HOSTS = [
  "h1",
  "h2",
  "h3",
  "H4",
  "h1",
  "web-1.example.com",
  "WEB_2",
  "h\xc3\xa4us",
  "\xff\xfe",
  "10.0.0.7",
  "::1",
  "a:b",
  "h1:",
  "x{",
  "{y",
  "h,",
  "*",
  "h\x0b2",
  "ho\0st",
  "-h",
  "%h%",
  "Host",
];
const PLAIN_HOSTS = ["h1", "H1", "h2", "h3", "h4", "h5", "Web.Example.Com"];
const PATTERNS = ["/srv", "/srv/*", "%p%/x", "*~", ".*", "/a/**/b", "/srv/", "rel", "/\xc3\xbc", "\\"];
const HOST_PATTERNS = ["h1", "h*", "?1", "[hg]1", "H1", "*", "h2", "[!h]1", "h\\1", "[", "h[[:digit:]]"];
const KEYS = ["$BASE/key", "../key", "$BASE/long", "$BASE/crlf", "$BASE/key "];
const BAD_KEYS = ["$BASE/short", "$BASE/umlaut", "$BASE/empty", "$BASE", "nowhere", "/", "$BASE/nul-short"];

/** The files that the generated cases share, in the oracle's base directory. */
export const SHARED_FILES: Readonly<Record<string, string>> = {
  key: `${"k".repeat(40)}\n`,
  "key ": "K".repeat(32),
  long: `${"l".repeat(2000)}\xff\n`,
  crlf: `${"c".repeat(40)}\r\n`,
  short: `${"s".repeat(31)}\n`,
  umlaut: `${"u".repeat(32)}\xc3\xbc\n`,
  empty: "",
  "nul-short": `abc\0${"n".repeat(40)}\n`,
  "shared-group": `group shared { host h1 h9; key $BASE/key; }\n`,
  "shared-hosts": `host h1 (h8) h7@p7;`,
};

// csync2 refuses what the fork adds, csync2rev takes it: the one difference that is meant. load.test.ts has its cases.
const FORK_WORDS =
  /(?<![a-z-])(hosts|flags|redis|patch-mode|lock-time|(database|protocol|ip)-version)(?![a-z-])/;

/** The case with this number: of all kinds in turn, without the fork's words. */
export function anyCase(seed: number, number: number): Case {
  const random = new Random(seed * 1_000_003 + number);
  const make = [validCase, mutatedCase, mutatedCase, soupCase, bytesCase][number % 5] ?? validCase;
  for (;;) {
    const made = make(random);
    if (!Object.values(made.files).some((text) => FORK_WORDS.test(text))) return made;
  }
}

/** One file in a shape that csync2 mostly takes. */
function validCase(random: Random): Case {
  return new Writer(random, false).case();
}

/** One file that was fine until something happened to it. */
function mutatedCase(random: Random): Case {
  const { files } = new Writer(random, true).case();
  let text = files["csync2.cfg"] ?? "";
  for (let count = 1 + random.below(3); count > 0; count--) text = mutate(random, text);
  return { files: { ...files, "csync2.cfg": text } };
}

/** Tokens in any order. */
function soupCase(random: Random): Case {
  const tokens = [
    ...KEYWORDS,
    ...KEYWORDS,
    "{",
    "}",
    "(",
    ")",
    ";",
    ";",
    ";",
    ":",
    "@",
    "a",
    "b",
    "h1",
    '""',
    '"q"',
    '"',
    "#c\n",
    "/p",
    "config",
    "$BASE/key",
    "x:",
    "::",
    "{a",
    "a}",
    "\0",
    "\r",
  ];
  const words = random.times(14, () => random.pick(tokens) + random.pick([" ", " ", "", "\n", "\t"]));
  const start = random.pick([
    "",
    "",
    "group g { ",
    "group g { key $BASE/key; ",
    "prefix p { ",
    "group { action { ",
  ]);
  const end = random.pick(["", "", " }", " key $BASE/key; }", "; }"]);
  return { files: { "csync2.cfg": start + words.join("") + end } };
}

/** Bytes in any order, mostly those that mean something. */
function bytesCase(random: Random): Case {
  const bytes = random.times(40, () =>
    random.chance(80)
      ? random.pick(Array.from(' \t\r\n@:;()#"{}ag\0'))
      : String.fromCharCode(random.below(256)),
  );
  return {
    files: {
      "csync2.cfg":
        random.pick(["", "group g { key $BASE/key; host h1; ", "ignore "]) +
        bytes.join("") +
        random.pick(["", "}", ";"]),
    },
  };
}

class Writer {
  readonly #random: Random;
  readonly #plain: boolean;
  readonly #files: Record<string, string> = {};

  /** `plain` leaves out what makes a file bad by itself. */
  constructor(random: Random, plain: boolean) {
    this.#random = random;
    this.#plain = plain;
  }

  case(): Case {
    const blocks = this.#random.times(5, () => this.#block(0));
    return {
      files: { ...this.#files, "csync2.cfg": blocks.join("") },
      hostname: this.#random.pick(["h1", "h1", "H1", "h2"]),
    };
  }

  #block(depth: number): string {
    const random = this.#random;
    switch (random.below(12)) {
      case 0:
        return this.#join(
          "prefix",
          this.#word(["p", "q"]),
          "{",
          ...random.times(3, () =>
            this.#join(
              "on",
              this.#word(HOST_PATTERNS),
              ":",
              this.#word(["/srv", "/", "/x//", this.#rarely("rel", "/y")]),
              ";",
            ),
          ),
          "}",
        );
      case 1:
        return this.#join("nossl", this.#word(HOSTS), this.#word(HOSTS), ";");
      case 2:
        return this.#join(random.pick(["tempdir", "lock-timeout"]), this.#word(["1", "/tmp", "x"]), ";");
      case 3:
        return this.#join(
          "ignore",
          ...random.times(3, () => this.#word(["uid", "gid", "mod", this.#rarely("Uid", "uid")])),
          ";",
        );
      case 4:
        return this.#include(depth, () => this.#block(depth + 1));
      default:
        return this.#group(depth);
    }
  }

  #group(depth: number): string {
    const random = this.#random;
    const statements = random.times(6, () => this.#statement(depth));
    const keys = this.#rarely(0, 1) + this.#rarely(1, 0);
    for (let i = 0; i < keys; i++) {
      statements.splice(
        random.below(statements.length + 1),
        0,
        this.#join(
          "key",
          this.#word([this.#rarely(random.pick(BAD_KEYS), random.pick(KEYS.slice(0, 3)))]),
          ";",
        ),
      );
    }
    const name = random.chance(80) ? this.#word(["a", "b", "web", "group_1", "\xc3\xa4"]) : "";
    return this.#join("group", name, "{", ...statements, "}");
  }

  #statement(depth: number): string {
    const random = this.#random;
    const hosts = random.chance(60) ? PLAIN_HOSTS : HOSTS;
    const host = (): string =>
      random.chance(70) ? this.#word(hosts) : this.#join(this.#word(hosts), "@", this.#word(hosts));
    switch (random.below(13)) {
      case 0:
        return this.#join(
          random.pick(["include", "exclude", "compare"]),
          ...random.times(3, () => this.#word(PATTERNS)),
          ";",
        );
      case 1:
        return this.#join(
          "auto",
          this.#rarely(
            random.pick(["Younger", "last"]),
            random.pick(["none", "first", "younger", "older", "bigger", "smaller", "left", "right"]),
          ),
          ";",
        );
      case 2:
        return this.#join(
          random.pick(["backup-directory", "backup-generations"]),
          this.#word(["/b", "3", "x"]),
          ";",
        );
      case 3:
        return this.#join(
          "action",
          "{",
          ...random.times(4, () => this.#actionStatement()),
          "}",
          this.#rarely(";", ""),
        );
      case 4:
        return depth > 2 ? "" : this.#include(depth, () => this.#statement(depth + 1));
      case 5:
        return random.pick(["# note\n", "#csync2rev allow h*;\n", "#\n", '# } ; " \r']);
      default:
        return this.#join(
          "host",
          ...random.times(4, () =>
            random.chance(80) ? host() : this.#join("(", ...random.times(3, host), ")"),
          ),
          ";",
        );
    }
  }

  #actionStatement(): string {
    const random = this.#random;
    const verb = random.pick(["pattern", "exec", "logfile", "do-local", "do-local-only"]);
    const words = verb.startsWith("do-")
      ? []
      : verb === "logfile"
        ? [this.#word(["/log"])]
        : random.times(2, () => this.#word(["/p", "a b", "%%"]));
    return this.#join(verb, ...words, ";");
  }

  #include(depth: number, write: () => string): string {
    const random = this.#random;
    if (depth > 3) return "";
    const names = random.times(2, () => {
      if (random.chance(25))
        return this.#rarely(
          random.pick(["nowhere", "$BASE", "shared-hosts", '"$BASE/shared-group"']),
          "shared-group",
        );
      const name = `part${Object.keys(this.#files).length}`;
      this.#files[name] = "";
      this.#files[name] =
        random.times(2, write).join("") +
        random.pick(["", "", "\n", " config", " ;"]).slice(0, this.#plain ? 0 : 9);
      return `$HERE/${name}`;
    });
    return `config${random.pick([" ", "\t", " \n"])}${names.join(random.pick([" ", "\n "]))}${this.#rarely(random.pick(["", "#;"]), ";")}${this.#gap()}`;
  }

  #rarely<T>(unusual: T, usual: T): T {
    return this.#random.chance(this.#plain ? 0 : 2) ? unusual : usual;
  }

  #word(words: readonly string[]): string {
    const word = this.#random.pick(words);
    const needsQuotes = /[ @;()#"\t\r\n]|:$/.test(word) || KEYWORDS.includes(word);
    return needsQuotes || this.#random.chance(8) ? `"${word}"` : word;
  }

  #gap(): string {
    return this.#random.pick([
      " ",
      " ",
      " ",
      "\n",
      "\t",
      "\r\n",
      "  ",
      this.#rarely("", " "),
      "#x\n",
      " \n ",
    ]);
  }

  #join(...tokens: string[]): string {
    return tokens
      .filter((token) => token !== "")
      .map((token) => {
        const closed = /[;@()]$/.test(token) || token.endsWith('"');
        return token + (closed && this.#random.chance(20) ? "" : /\s$/.test(token) ? "" : this.#gap());
      })
      .join("");
  }
}

function mutate(random: Random, text: string): string {
  const at = random.below(text.length + 1);
  const length = 1 + random.below(4);
  const tokens = [...text.matchAll(/[^\s;]+|;/g)];
  switch (random.below(7)) {
    case 0:
      return text.slice(0, at) + text.slice(at + length);
    case 1:
      return text.slice(0, at) + random.pick(Array.from(' \n\r\t;{}()@:#"\0\x80a')) + text.slice(at);
    case 2:
      return text.slice(0, at);
    case 3: {
      if (tokens.length === 0) return text;
      const { 0: token, index } = random.pick(tokens);
      return text.slice(0, index) + text.slice(index + token.length);
    }
    case 4: {
      if (tokens.length === 0) return text;
      const { 0: token, index } = random.pick(tokens);
      return `${text.slice(0, index)}${token} ${text.slice(index)}`;
    }
    case 5: {
      if (tokens.length === 0) return text;
      const { 0: token, index } = random.pick(tokens);
      return (
        text.slice(0, index) +
        random.pick([...KEYWORDS, "config", "{", "}", ";", "@", '"']) +
        text.slice(index + token.length)
      );
    }
    default:
      return text.slice(0, at) + text.slice(random.below(text.length + 1));
  }
}
