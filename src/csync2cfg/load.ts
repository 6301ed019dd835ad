import { readFileSync, statSync } from "node:fs";
import { Csync2revError } from "../errors.ts";
import { readDirectives } from "./directive.ts";
import { doubts } from "./doubts.ts";
import { Matcher } from "./fnmatch.ts";
import { KeyFiles } from "./key-file.ts";
import type { Csync2Cfg, Group, Host, Pattern, Prefix } from "./model.ts";
import { fold } from "./near-miss.ts";
import { parse, type GroupBlock, type PatternEntry, type PrefixBlock } from "./parser.ts";
import { Scanner, type IncludeReader } from "./scanner.ts";
import { bytes, decode, encode, errorCode, lowerCase, quote, reason, Source } from "./source.ts";

/** csync2.c keeps the hostname in 256 bytes. The last one is NUL. */
const MAX_HOSTNAME = 255;

/**
 * Reads csync2.cfg with all included files and all key files, as csync2 on the host `hostname` would. A file name that is not absolute
 * means the same as for csync2: keys are in the system directory, included files in the working directory.
 *
 * Throws config-missing, config-unreadable, config-syntax or key if csync2 would end. A wrong `#csync2rev` line does not throw: it is the
 * result's `fault`. A host that is in no group gets an empty list.
 */
export function loadCsync2Cfg(options: {
  systemDirectory: string;
  configName: string;
  hostname: string;
}): Csync2Cfg {
  const { systemDirectory, configName } = options;
  const hostname = lowerCase(encode(options.hostname).slice(0, MAX_HOSTNAME));
  const file = `${systemDirectory}/${configFileName(configName)}`;
  const main = readMain(file);
  const included: Source[] = [];
  const tree = parse(
    new Scanner(main, (name, from, offset) => {
      const source = readInclude(name, from, offset);
      included.push(source);
      return source;
    }),
  );
  const keys = new KeyFiles(systemDirectory);
  const prefixes = tree.prefixes.map((prefix) => choosePath(prefix, hostname)).reverse();
  const names = new Set(
    tree.groups.flatMap(({ hosts }) =>
      hosts.flatMap(({ hostname: left, peername: right }) => [fold(decode(left)), fold(decode(right))]),
    ),
  );
  let { fault } = readDirectives(tree.comments, false, names);
  const groups: Group[] = [];
  const blocks = new Map<Group, GroupBlock>();
  for (const block of tree.groups) {
    const key = keys.read(block.key);
    const directives = readDirectives(block.comments, true, names);
    fault ??= directives.fault;
    const { me, hosts } = membership(block, hostname);
    if (!me) continue;
    const place = block.at.source.place(block.at.offset);
    const group = {
      name: decode(block.name),
      place,
      me,
      hosts,
      key,
      patterns: block.patterns.map(patternOf),
      backupDirectory: block.backupDirectory === null ? null : decode(block.backupDirectory),
      allow: directives.allow,
    };
    groups.push(group);
    blocks.set(group, block);
  }
  return {
    file,
    included: [...new Set(included.map((source) => source.file))],
    texts: [main, ...included].map(({ text }) => text),
    groups,
    prefixes,
    nossl: tree.nossl.map(({ from, to }) => ({ from: decode(from), to: decode(to) })),
    tempdir: tree.tempdir === null ? null : decode(tree.tempdir),
    fault,
    // A getter: the handler does not need them and has no time to make them.
    get warnings() {
      return doubts(tree.groups, blocks, prefixes);
    },
  };
}

/**
 * What changes as soon as one of the files is written that a configuration was read from. It is cheaper than to read them again: with
 * 1,000 hosts that takes 1.6 ms.
 */
export function stampOf({ file, included, groups }: Csync2Cfg): string {
  const files = [file, ...included, ...new Set(groups.map(({ key }) => key.file))];
  const stamps = files.map((one) => {
    try {
      const { ino, size, mtimeMs, ctimeMs } = statSync(one);
      return [ino, size, mtimeMs, ctimeMs].join();
    } catch (error) {
      return errorCode(error);
    }
  });
  return stamps.join(" ");
}

/** The file of a config name. As in csync2.c, a name is of [a-z0-9] only, so it cannot lead out of the directory. */
export function configFileName(configName: string): string {
  if (!/^[a-z0-9]*$/.test(configName)) {
    throw new Csync2revError(
      "usage",
      `found config name "${configName}", expected only letters a to z and digits`,
    );
  }
  return configName === "" ? "csync2.cfg" : `csync2_${configName}.cfg`;
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
      ...(isFirst ? [] : [`check for a missing ";" after the "config" statement`]),
      ...(name.startsWith("/") ? [] : [`csync2 looks for it in the working directory, "${process.cwd()}"`]),
    ];
    const message = `found included file ${quote(name)}, expected one that can be read: ${[reason(code), ...hints].join("; ")}`;
    throw new Csync2revError("config-unreadable", from.complaint(offset, message), { cause: error });
  }
};

/**
 * As cfgfile_parser.y, add_host(). Every entry with this host's name is this host. The last one decides its peername, and whether it is a
 * slave. All other entries stay, also duplicates.
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

/** cfgfile_parser.y, add_patt(). */
function patternOf({ effect, token }: PatternEntry): Pattern {
  return { effect, pattern: decode(token.text.replace(/(?!^)\/+$/, "")) };
}

/** As cfgfile_parser.y, new_prefix_entry(): the first line whose pattern matches. Case matters. */
function choosePath(prefix: PrefixBlock, hostname: string): Prefix {
  const entry = prefix.entries.find(({ pattern }) => new Matcher(pattern, false).matches(hostname));
  return { name: decode(prefix.name), path: entry ? decode(entry.path) : null };
}
