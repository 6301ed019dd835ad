import { readFileSync } from "node:fs";
import ini from "ini";
import { Matcher } from "./csync2cfg/fnmatch.ts";
import { Csync2revError } from "./errors.ts";
import { withoutPasswords } from "./printable.ts";

/** The settings of csync2rev.ini, with defaults filled in. All times are in seconds. */
export interface Settings {
  /** This host's name in csync2.cfg, and csync2's database, unless -N or -D say so; empty: csync2 chooses. */
  readonly hostname: string;
  readonly database: string;
  /** The TCP port of csync2rev itself. */
  readonly port: number;
  /** The csync2 program: a full path, or a name that is looked for. */
  readonly csync2: string;
  /** Options for every csync2 that is started: -A, -B, -p PORT, -s FILE. */
  readonly csync2Options: readonly string[];
  /** The TCP port of this cluster's csync2: the value of -p in `csync2-options`, or csync2's own default. */
  readonly csync2Port: number;
  /** How long the whole request may take to arrive, from when the handler listens. */
  readonly requestTimeout: number;
  readonly lockFile: string;
  /** How long a request waits for another csync2 before it gets `busy`. */
  readonly lockTimeout: number;
  /** How long a csync2 may print nothing and use no processor time before it is given up. It is never killed. */
  readonly idleTimeout: number;
  /** How often csync2 is started again after a failure that passes. */
  readonly retries: number;
  /** How many of the recorded files below one directory may be gone for csync2 to be started all the same. */
  readonly maxDeleted: MaxDeleted;
  /** Whether a requester's address must be one of those that its peername resolves to. */
  readonly verifyAddress: boolean;
  /** `syslog`, or the full path of a file. */
  readonly log: string;
  readonly ident: string;
  readonly facility: string;
  readonly others: OthersSettings;
}

/** A share of the files, or a number of them. */
export interface MaxDeleted {
  readonly value: number;
  readonly unit: "%" | "files";
}

/** Section `[others]`: how `--others` asks. */
export interface OthersSettings {
  /** How many peers may check at the same time. */
  readonly jobs: number;
  /** How long a peer may take to accept the connection and greet. */
  readonly connectTimeout: number;
  /** When to give up; a running push may finish. */
  readonly deadline: number;
  /** How long to wait for this host's own csync2. */
  readonly readyTimeout: number;
  /** Patterns for peers that are usually off. */
  readonly optional: readonly string[];
}

/** csync2's default port (csync2.c). */
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

/** One key of csync2rev.ini: its default and its allowed values. */
export interface Rule<T> {
  readonly byDefault: T;
  readonly allowed: string;
  /** The value, or undefined if it is not allowed. */
  readonly read: (value: string) => T | undefined;
}

const port = wholeNumber(30866, 1, 65535, "");

/** The rule for `max-deleted`, here and on the command line. */
export const MAX_DELETED_RULE: Rule<MaxDeleted> = rule<MaxDeleted>(
  { value: 90, unit: "%" },
  "a share of the files from 0% to 100%, or a number of files",
  (text) => {
    const [, digits = "", unit] = /^(\d{1,9})(%?)$/.exec(text) ?? [];
    if (digits === "" || (unit === "%" && Number(digits) > 100)) return undefined;
    return { value: Number(digits), unit: unit === "%" ? "%" : "files" };
  },
);

const TOP = {
  hostname: rule("", "a name as in a host line of csync2.cfg", (value) =>
    /^(?!-)[^\s@:;()#",]{0,255}$/.test(value) ? value : undefined,
  ),
  database: rule("", "a full path, or a URL without a password: that goes into csync2.cfg", readDatabase),
  port,
  csync2: rule("csync2", "a full path", (value) => (isFullPath(value) ? value : undefined)),
  "csync2-options": rule<readonly string[]>([], "-A, -B, -p PORT, -s FILE", readCsync2Options),
  "request-timeout": wholeNumber(10, 1, 60, "seconds"),
  "lock-file": rule("/run/csync2rev.lock", "a full path", (value) => (isFullPath(value) ? value : undefined)),
  "lock-timeout": wholeNumber(60, 0, LONGEST, "seconds"),
  "idle-timeout": wholeNumber(900, 1, LONGEST, "seconds"),
  retries: wholeNumber(5, 0, 100, ""),
  "max-deleted": MAX_DELETED_RULE,
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

/** Section `[others]`. The same rules hold for `--jobs`, `--connect-timeout` and `--deadline` on the command line. */
export const OTHERS_RULES = {
  jobs: wholeNumber(8, 1, 1000, ""),
  "connect-timeout": wholeNumber(10, 1, 600, "seconds"),
  deadline: wholeNumber(300, 1, LONGEST, "seconds"),
  "ready-timeout": wholeNumber(60, 0, LONGEST, "seconds"),
  optional: rule<readonly string[]>(
    [],
    "names of hosts, or patterns for them, with blanks between",
    (value) => {
      const patterns = value.split(/\s+/).filter((word) => word !== "");
      return patterns.every((pattern) => new Matcher(pattern, true).mistake === null) ? patterns : undefined;
    },
  ),
};

/** The rule for a port, in csync2rev.ini and on the command line. */
export const PORT_RULE = port;

/**
 * Reads csync2rev.ini. If there is no file, the defaults hold, unless the file was asked for by name (`required`).
 * Throws `settings` with the key, its value and what is allowed.
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
    hostname: top.hostname,
    database: top.database,
    port: top.port,
    csync2: top.csync2,
    csync2Options,
    csync2Port: portAt === -1 ? CSYNC2_PORT : Number(csync2Options[portAt + 1]),
    requestTimeout: top["request-timeout"],
    lockFile: top["lock-file"],
    lockTimeout: top["lock-timeout"],
    idleTimeout: top["idle-timeout"],
    retries: top.retries,
    maxDeleted: top["max-deleted"],
    verifyAddress: top["verify-address"],
    log: top.log,
    ident: top.ident,
    facility: top.facility,
    others: {
      jobs: others.jobs,
      connectTimeout: others["connect-timeout"],
      deadline: others.deadline,
      readyTimeout: others["ready-timeout"],
      optional: others.optional,
    },
  };
}

type Tree = Readonly<Record<string, unknown>>;

/** The settings without a csync2rev.ini. */
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
  const twice = keyThatIsThereTwice(text);
  if (twice !== null)
    throw new Csync2revError("settings", `${file}: ${twice} is there more than once: leave one`);
  return ini.parse(text);
}

/** Of a key that is there twice the parser would take the last, and which one was meant is not to be guessed. */
function keyThatIsThereTwice(text: string): string | null {
  const seen = new Set<string>();
  let section = "";
  for (const line of text.split(/[\r\n]+/))
    for (const [name, value] of Object.entries(ini.parse(line))) {
      if (typeof value === "object" && !Array.isArray(value)) section = `${name}.`;
      else if (seen.has(section + name)) return section + name;
      else seen.add(section + name);
    }
  return null;
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
          ? `${file}: unknown section ${JSON.stringify(prefix + name)}; the only section is [others]`
          : `${file}: unknown key ${JSON.stringify(prefix + name)}; write one of ${Object.keys(rules).join(", ")}`,
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

/** Every user of the host sees csync2's -D in ps(1): it is not a place for a password. */
function readDatabase(value: string): string | undefined {
  if (value === "" || isFullPath(value)) return value;
  return /^[a-z0-9]+:\/\/[!-~]+$/.test(value) && withoutPasswords(value) === value ? value : undefined;
}

/** Only options that do not change which host csync2 is, whom it pushes to, what it does, or how its lines read. */
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
