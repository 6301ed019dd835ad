import { readFileSync } from "node:fs";
import ini from "ini";
import { Csync2revError } from "./errors.ts";

/** What csync2rev.ini says, its defaults filled in. All times are in seconds. */
export interface Settings {
  /** TCP port of csync2rev itself. */
  readonly port: number;
  /** The csync2 program: a full path, or a name that is looked for. */
  readonly csync2: string;
  /** Options for every csync2 that is started: -A, -B, -p PORT, -s FILE. */
  readonly csync2Options: readonly string[];
  /** TCP port of this cluster's csync2: what `csync2-options` says after -p, or csync2's own default. */
  readonly csync2Port: number;
  /** From a connection's start to its whole request. */
  readonly requestTimeout: number;
  readonly lockFile: string;
  /** How long a request waits for another csync2 before it is told `busy`. */
  readonly lockTimeout: number;
  /** How long a csync2 may print nothing and use no processor before it is given up on; it is never killed. */
  readonly idleTimeout: number;
  /** How often a csync2 that failed in passing is started again. */
  readonly retries: number;
  /** Whether a requester's address must be one that its peername resolves to. */
  readonly verifyAddress: boolean;
  /** `syslog`, or the full path of a file. */
  readonly log: string;
  readonly ident: string;
  readonly facility: string;
  readonly others: OthersSettings;
}

/** Section `[others]`: how `--others` asks. */
export interface OthersSettings {
  /** Checks that may run side by side, each on a peer of its own. */
  readonly jobs: number;
  /** For a connection to stand and the peer's greeting to arrive. */
  readonly connectTimeout: number;
  /** For everything that is waited for; a push that runs may end. */
  readonly deadline: number;
  /** For this host's own csync2 to answer. */
  readonly readyTimeout: number;
}

/** csync2's port where nobody says otherwise (csync2.c). */
const CSYNC2_PORT = 30865;
/** A day, in seconds. */
const LONGEST = 86400;

const FACILITIES = [
  "auth",
  "authpriv",
  "cron",
  "daemon",
  "ftp",
  "kern",
  "lpr",
  "mail",
  "news",
  "syslog",
  "user",
  "uucp",
].concat(Array.from({ length: 8 }, (_, n) => `local${n}`));

/** One key of csync2rev.ini: what it is worth when left out, and what it may say. */
export interface Rule<T> {
  readonly byDefault: T;
  readonly allowed: string;
  /** The value, or undefined where it is not allowed. */
  readonly read: (value: string) => T | undefined;
}

const port = wholeNumber(30866, 1, 65535, "");

const TOP = {
  port,
  csync2: rule("csync2", "a full path", (value) => (isFullPath(value) ? value : undefined)),
  "csync2-options": rule<readonly string[]>([], "-A, -B, -p PORT, -s FILE", readCsync2Options),
  "request-timeout": wholeNumber(10, 1, 60, "seconds"),
  "lock-file": rule("/run/csync2rev.lock", "a full path", (value) => (isFullPath(value) ? value : undefined)),
  "lock-timeout": wholeNumber(60, 0, LONGEST, "seconds"),
  "idle-timeout": wholeNumber(900, 1, LONGEST, "seconds"),
  retries: wholeNumber(5, 0, 100, ""),
  "verify-address": rule(true, "yes or no", (value) =>
    /^(yes|true)$/.test(value) ? true : /^(no|false)$/.test(value) ? false : undefined,
  ),
  log: rule("syslog", "syslog or a full path", (value) =>
    value === "syslog" || isFullPath(value) ? value : undefined,
  ),
  ident: rule("csync2rev", "letters, digits, . _ -", (value) =>
    /^[\w.-]{1,32}$/.test(value) ? value : undefined,
  ),
  facility: rule("local0", FACILITIES.join(", "), (value) =>
    FACILITIES.includes(value) ? value : undefined,
  ),
};

/** Section `[others]`; the command line's `--jobs`, `--connect-timeout` and `--deadline` keep to the same rules. */
export const OTHERS_RULES = {
  jobs: wholeNumber(8, 1, 1000, ""),
  "connect-timeout": wholeNumber(10, 1, 600, "seconds"),
  deadline: wholeNumber(300, 1, LONGEST, "seconds"),
  "ready-timeout": wholeNumber(60, 0, LONGEST, "seconds"),
};

/** The rule for a port, here and on the command line. */
export const PORT_RULE = port;

/**
 * Reads csync2rev.ini. A file that is not there means defaults, unless it was asked for by name (`required`).
 * Throws `settings` that names the key, its value and what is allowed.
 */
export function loadSettings(file: string, required: boolean): Settings {
  return settingsFrom(file, readIni(file, required));
}

function settingsFrom(file: string, tree: Tree): Settings {
  const sections = new Set(["others"]);
  const top = section(file, tree, TOP, "", sections);
  const othersTree = Object.hasOwn(tree, "others") ? tree["others"] : {};
  if (typeof othersTree !== "object" || othersTree === null)
    throw new Csync2revError(
      "settings",
      `${file}: "others" is a section, not a key: write [others] on a line of its own`,
    );
  const others = section(file, othersTree as Tree, OTHERS_RULES, "others.", new Set());
  const csync2Options = top["csync2-options"];
  const portAt = csync2Options.indexOf("-p");
  return {
    port: top.port,
    csync2: top.csync2,
    csync2Options,
    csync2Port: portAt === -1 ? CSYNC2_PORT : Number(csync2Options[portAt + 1]),
    requestTimeout: top["request-timeout"],
    lockFile: top["lock-file"],
    lockTimeout: top["lock-timeout"],
    idleTimeout: top["idle-timeout"],
    retries: top.retries,
    verifyAddress: top["verify-address"],
    log: top.log,
    ident: top.ident,
    facility: top.facility,
    others: {
      jobs: others.jobs,
      connectTimeout: others["connect-timeout"],
      deadline: others.deadline,
      readyTimeout: others["ready-timeout"],
    },
  };
}

type Tree = Readonly<Record<string, unknown>>;

/** What holds where there is no csync2rev.ini. */
export const DEFAULT_SETTINGS = settingsFrom("csync2rev.ini", {});

function readIni(file: string, required: boolean): Tree {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT" && !required) return {};
    throw new Csync2revError("settings", `cannot read the settings in ${file}: ${code ?? "unknown error"}`, {
      cause,
    });
  }
  return ini.parse(text);
}

type Values<Rules> = { -readonly [Name in keyof Rules]: Rules[Name] extends Rule<infer T> ? T : never };

function section<Rules extends Record<string, Rule<unknown>>>(
  file: string,
  tree: Tree,
  rules: Rules,
  prefix: string,
  sections: ReadonlySet<string>,
): Values<Rules> {
  const values: Record<string, unknown> = {};
  for (const [name, { byDefault }] of Object.entries(rules)) values[name] = byDefault;
  for (const [name, value] of Object.entries(tree)) {
    if (sections.has(name)) continue;
    const known = Object.hasOwn(rules, name) ? rules[name] : undefined;
    if (known === undefined)
      throw new Csync2revError(
        "settings",
        typeof value === "object"
          ? `${file}: unknown section ${JSON.stringify(prefix + name)}; known is only [others]`
          : `${file}: unknown key ${JSON.stringify(prefix + name)}; known here: ${Object.keys(rules).join(", ")}`,
      );
    const text = typeof value === "string" || typeof value === "boolean" ? String(value) : undefined;
    const read = text === undefined ? undefined : known.read(text);
    if (read === undefined)
      throw new Csync2revError(
        "settings",
        `${file}: ${prefix}${name} = ${JSON.stringify(value)} is not allowed: ${known.allowed}`,
      );
    values[name] = read;
  }
  return values as Values<Rules>;
}

function rule<T>(byDefault: T, allowed: string, read: (value: string) => T | undefined): Rule<T> {
  return { byDefault, allowed, read };
}

function wholeNumber(byDefault: number, least: number, most: number, unit: string): Rule<number> {
  return rule(byDefault, `a whole number${unit && ` of ${unit}`} from ${least} to ${most}`, (value) => {
    const number = /^\d{1,6}$/.test(value) ? Number(value) : NaN;
    return number >= least && number <= most ? number : undefined;
  });
}

function isFullPath(value: string): boolean {
  return value.startsWith("/") && !value.includes("\0");
}

/** Only what changes neither which host csync2 is, whom it pushes to, what it does, nor how its lines read. */
function readCsync2Options(value: string): string[] | undefined {
  const words = value.split(/\s+/).filter((word) => word !== "");
  for (let i = 0; i < words.length; i++) {
    const word = words[i];
    if (word === "-A" || word === "-B") continue;
    const argument = words[++i] ?? "";
    if (word === "-p" ? port.read(argument) === undefined : word !== "-s" || !isFullPath(argument))
      return undefined;
  }
  return words;
}
