import { closeSync, openSync, readFileSync, readSync, statSync } from "node:fs";
import { Csync2revError } from "../errors.ts";
import { Matcher, mayAsk, nearMisses, readDirectives } from "./directive.ts";
import type { Csync2Cfg, Group, Host, Key, Prefix, Warning } from "./model.ts";
import { parse, type GroupBlock, type PrefixBlock } from "./parser.ts";
import { Scanner, type IncludeReader, type Token } from "./scanner.ts";
import { decode, encode, isKey, lowerCase, quote, Source } from "./source.ts";

/** Where packages of csync2 have their configuration, the most particular first. */
const SYSTEM_DIRECTORIES = ["/etc/csync2", "/etc", "/usr/local/etc/csync2", "/usr/local/etc"];

/** csync2.c keeps the hostname in 256 bytes, the last of them NUL. */
const MAX_HOSTNAME = 255;

/** cfgfile_parser.y, set_key(): what does not fit into its buffer is not part of the key. */
const MAX_KEY = 1023;
const MIN_KEY = 32;

/**
 * The directory that csync2.cfg (csync2_NAME.cfg for a config name) is in: CSYNC2_SYSTEM_DIR where that is set, as csync2.c has it,
 * else the one of `directories` that holds the file.
 * Throws config-missing where there is none, config-ambiguous where two directories hold different files.
 */
export function findSystemDirectory(
  configName: string,
  env: NodeJS.ProcessEnv,
  directories: readonly string[] = SYSTEM_DIRECTORIES,
): string {
  const fileName = configFileName(configName);
  const chosen = env["CSYNC2_SYSTEM_DIR"];
  if (chosen !== undefined) {
    if (!isThere(`${chosen}/${fileName}`)) {
      throw new Csync2revError(
        "config-missing",
        `found no "${chosen}/${fileName}", where CSYNC2_SYSTEM_DIR points: correct the variable or create the file`,
      );
    }
    return chosen;
  }
  const found = directories.filter((directory) => isThere(`${directory}/${fileName}`));
  const [first, ...others] = found;
  if (first === undefined) {
    throw new Csync2revError(
      "config-missing",
      `found no "${fileName}" in ${directories.join(", ")}: create it or set CSYNC2_SYSTEM_DIR to the directory that it is in`,
    );
  }
  const other = others.find((directory) => !isSameFile(`${first}/${fileName}`, `${directory}/${fileName}`));
  if (other !== undefined) {
    throw new Csync2revError(
      "config-ambiguous",
      `found both "${first}/${fileName}" and "${other}/${fileName}": remove the one that csync2 does not read, or set CSYNC2_SYSTEM_DIR to the directory of the other`,
    );
  }
  return first;
}

/**
 * Reads csync2.cfg with all that it includes and all key files, as csync2 on the host `hostname` would. Names of files that are not absolute
 * mean what they mean to csync2: keys are in the system directory, included files in the working directory.
 *
 * Throws config-missing, config-unreadable, config-syntax or key where csync2 would end. A `#csync2rev` line that is no good does not
 * throw: it is the result's `fault`. A host that is in no group gets an empty list.
 */
export function loadCsync2Cfg(options: {
  systemDirectory: string;
  configName: string;
  hostname: string;
}): Csync2Cfg {
  const { systemDirectory, configName } = options;
  const hostname = lowerCase(encode(options.hostname).slice(0, MAX_HOSTNAME));
  const file = `${systemDirectory}/${configFileName(configName)}`;
  const included = new Set<string>();
  const tree = parse(
    new Scanner(readMain(file), (name, from, offset) => {
      const source = readInclude(name, from, offset);
      included.add(source.file);
      return source;
    }),
  );
  const keys = new KeyFiles(systemDirectory);
  const prefixes = tree.prefixes.map((prefix) => choosePath(prefix, hostname)).reverse();
  let { fault } = readDirectives(tree.comments, false);
  const groups: Group[] = [];
  const blocks = new Map<Group, GroupBlock>();
  for (const block of tree.groups) {
    const key = keys.read(block.key);
    const directives = readDirectives(block.comments, true);
    fault ??= directives.fault;
    const { me, hosts } = membership(block, hostname);
    if (!me) continue;
    const place = block.at.source.place(block.at.offset);
    const group = { name: decode(block.name), place, me, hosts, key, allow: directives.allow };
    groups.push(group);
    blocks.set(group, block);
  }
  return {
    file,
    included: [...included],
    groups,
    prefixes,
    fault,
    // The handler has no use for them and no time.
    get warnings() {
      const warnings = nearMisses([...tree.comments, ...tree.groups.flatMap((block) => block.comments)]);
      for (const [group, block] of blocks) warnings.push(...doubts(block, group, prefixes));
      return warnings;
    },
  };
}

/** csync2.c: names are of [a-z0-9] only, so that none leads out of the directory. */
function configFileName(configName: string): string {
  if (!/^[a-z0-9]*$/.test(configName)) {
    throw new Csync2revError(
      "usage",
      `found config name "${configName}", expected letters a to z and digits only`,
    );
  }
  return configName === "" ? "csync2.cfg" : `csync2_${configName}.cfg`;
}

/** Also true of a file that cannot be looked at: reading it then tells why. */
function isThere(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return true;
  }
}

function isSameFile(one: string, other: string): boolean {
  try {
    const a = statSync(one, { bigint: true });
    const b = statSync(other, { bigint: true });
    return a.dev === b.dev && a.ino === b.ino;
  } catch {
    return false;
  }
}

function readMain(file: string): Source {
  try {
    return new Source(file, readFileSync(file, "latin1"));
  } catch (error) {
    const code = errorCode(error);
    if (code === "ENOENT") {
      throw new Csync2revError("config-missing", `found no "${file}": create it`, { cause: error });
    }
    throw new Csync2revError("config-unreadable", `cannot read "${file}": ${reason(code)}`, { cause: error });
  }
}

const readInclude: IncludeReader = (name, from, offset) => {
  try {
    return new Source(decode(name), readFileSync(bytes(name), "latin1"));
  } catch (error) {
    const code = errorCode(error);
    const isFirst = /config[ \t\r\n]*$/.test(from.text.slice(Math.max(0, offset - 100), offset));
    const hints = [
      ...(isFirst ? [] : [`is the ";" of the "config" statement missing?`]),
      ...(name.startsWith("/") ? [] : [`csync2 looks for it in the working directory, "${process.cwd()}"`]),
    ];
    const message = `found included file ${quote(name)}, expected one that can be read: ${[reason(code), ...hints].join("; ")}`;
    throw new Csync2revError("config-unreadable", from.complaint(offset, message), { cause: error });
  }
};

/** The key files of one csync2.cfg, each read once. */
class KeyFiles {
  readonly #systemDirectory: string;
  readonly #keys = new Map<string, Key>();

  constructor(systemDirectory: string) {
    this.#systemDirectory = systemDirectory;
  }

  /** cfgfile_parser.y, set_key(). The key's text never gets into the error. */
  read(token: Token): Key {
    const name = token.text;
    const known = this.#keys.get(name);
    if (known) return known;
    const file = name.startsWith("/") ? name : `${encode(this.#systemDirectory)}/${name}`;
    const fail = (what: string, cause?: unknown): never => {
      if (isKey(name)) {
        const { file: cfg, line, column } = token.source.place(token.offset);
        const message = `found what looks like a key, expected the name of a file that holds it: ${what.replace(/^.*: /, "")}`;
        throw new Csync2revError("key", `${cfg}:${line}:${column}: ${message}`);
      }
      const message = `found key file ${quote(file)}, ${what}`;
      throw new Csync2revError("key", token.source.complaint(token.offset, message), { cause });
    };
    let start = "";
    try {
      start = readStart(file);
    } catch (error) {
      fail(
        `expected one that can be read, as every group needs it, also one that this host is not in: ${reason(errorCode(error))}`,
        error,
      );
    }
    if (start === "") fail(`expected a key in it: it is empty, "csync2 -k FILE" makes a new one`);
    const text = /^[^\n\0]*/.exec(start)?.[0] ?? "";
    const bad = /[^A-Za-z0-9._]/.exec(text);
    if (bad) {
      const windows = bad[0] === "\r" ? ", a carriage return as Windows editors write it" : "";
      fail(`expected only [A-Za-z0-9._] in its first line: character ${bad.index + 1} is another${windows}`);
    }
    if (text.length < MIN_KEY) {
      fail(
        `expected ${MIN_KEY} or more characters in its first line: it has ${text.length}, "csync2 -k FILE" makes a new one`,
      );
    }
    const key: Key = { file: decode(file), text };
    this.#keys.set(name, key);
    return key;
  }
}

/** The bytes of a file that csync2's fgets() could see. */
function readStart(file: string): string {
  const fd = openSync(bytes(file), "r");
  try {
    const buffer = Buffer.alloc(MAX_KEY);
    let length = 0;
    for (;;) {
      const got = readSync(fd, buffer, length, MAX_KEY - length, null);
      length += got;
      if (got === 0 || length === MAX_KEY || buffer.subarray(0, length).includes(10)) break;
    }
    return buffer.toString("latin1", 0, length);
  } finally {
    closeSync(fd);
  }
}

/**
 * cfgfile_parser.y, add_host(): every entry with this host's name is this host, and the last one decides under which peername and whether as a
 * slave; all other entries stay, those that say the same twice too.
 */
function membership(block: GroupBlock, hostname: string): { me: Host | null; hosts: Host[] } {
  const mine = block.hosts.findLast((host) => host.hostname === hostname);
  if (!mine) return { me: null, hosts: [] };
  let me: Host | null = null;
  const hosts: Host[] = [];
  for (const entry of block.hosts) {
    if (entry.hostname === hostname && entry !== mine) continue;
    const host = { hostname: decode(entry.hostname), peername: decode(entry.peername), slave: entry.slave };
    if (entry === mine) me = host;
    hosts.push(host);
  }
  return { me, hosts };
}

/** cfgfile_parser.y, new_prefix_entry(): the first line whose pattern matches, with regard to case. */
function choosePath(prefix: PrefixBlock, hostname: string): Prefix {
  const entry = prefix.entries.find(({ pattern }) => new Matcher(pattern, false).matches(hostname));
  return { name: decode(prefix.name), path: entry ? decode(entry.path) : null };
}

/** What csync2 takes and its author hardly meant. */
function doubts(block: GroupBlock, group: Group, prefixes: readonly Prefix[]): Warning[] {
  const warnings: Warning[] = [];
  const doubt = (source: Source, offset: number, message: string): void => {
    warnings.push({ place: source.place(offset), message: source.remark(offset, message) });
  };
  for (const { hostname, peername, source, offset } of block.hosts) {
    if (!/[,;:]/.test(hostname + peername)) continue;
    doubt(
      source,
      offset,
      `found host ${quote(hostname)}, expected blanks between hosts: csync2 takes "," and ":" as part of the name`,
    );
  }
  for (const pattern of group.allow ?? []) {
    if (group.hosts.some((host) => mayAsk({ allow: [pattern] }, host))) continue;
    const message = `found "#csync2rev allow" with ${quote(encode(pattern))}, expected a pattern that matches a host of group ${quote(block.name)}: nobody is allowed by it`;
    doubt(block.at.source, block.at.offset, message);
  }
  for (const pattern of block.patterns) {
    const name = /^%([^%]*)/.exec(pattern.text)?.[1];
    if (name === undefined || prefixes.some((prefix) => prefix.path !== null && prefix.name === decode(name)))
      continue;
    const message = `found prefix ${quote(name)}, expected one that is defined for this host: csync2 ends when it gets here`;
    doubt(pattern.source, pattern.offset, message);
  }
  return warnings;
}

function bytes(path: string): Buffer {
  return Buffer.from(path, "latin1");
}

function errorCode(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}

function reason(code: string): string {
  switch (code) {
    case "ENOENT":
      return "there is no such file";
    case "EACCES":
      return "permission denied: run it as root";
    case "EISDIR":
      return "it is a directory";
    default:
      return code;
  }
}
