import type { Csync2revError } from "../errors.ts";

/** A place in csync2.cfg or an included file. Lines and columns count from 1; a column is a byte of the line. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** A member of a group, as a `host` line names it. Both names are in lower case, as in csync2. */
export interface Host {
  /** The name left of `@`. */
  readonly hostname: string;
  /** The name right of `@`, otherwise the hostname. csync2 uses it to say HELLO, to list dirty files, and for `-P`. */
  readonly peername: string;
  /** In parentheses in the `host` line: it receives files and may not push. */
  readonly slave: boolean;
}

/** The group's key, read from its key file. `text` must never reach a log, a message or a file. */
export interface Key {
  /** The path that was opened. */
  readonly file: string;
  /** 32 or more of `[A-Za-z0-9._]`. */
  readonly text: string;
}

/** What a pattern does. `compare` includes files only for comparisons, not for a check or a push. */
export type PatternEffect = "include" | "exclude" | "compare";

/** One pattern of an `include`, `exclude` or `compare` line. */
export interface Pattern {
  readonly effect: PatternEffect;
  /**
   * For fnmatch(3), without slashes at its end, as in csync2. A pattern that begins with `/` or `%PREFIX%` is for the path, any other
   * for the file's name alone.
   */
  readonly pattern: string;
}

/** A group that this host is in. */
export interface Group {
  readonly name: string;
  /** Where the group's block begins. */
  readonly place: Place;
  /** This host in the group. */
  readonly me: Host;
  /** Every member in file order, this host included. */
  readonly hosts: readonly Host[];
  readonly key: Key;
  /** In file order. For csync2, the last pattern that matches a file decides. */
  readonly patterns: readonly Pattern[];
  /** Where csync2 saves files before it overwrites them; null without a `backup-directory`. */
  readonly backupDirectory: string | null;
  /** The patterns of all `#csync2rev allow` lines; null if the group has none, and then every member may ask. */
  readonly allow: readonly string[] | null;
}

/** Something that is not an error, but surely not what its author meant, such as `host h1, h2;`. */
export interface Warning {
  readonly place: Place;
  /** What was found and what was expected, then the line and a caret. Shown after the place. */
  readonly message: string;
}

/** A warning as one message, which may span lines. */
export function describeWarning({ place, message }: Warning): string {
  return `${place.file}:${place.line}:${place.column}: ${message}`;
}

/** A `nossl` line: a pattern for the hostname that connects, and one for the peername it connects to (update.c, connect_to_host). */
export interface Nossl {
  readonly from: string;
  readonly to: string;
}

/** A `prefix` block, as this host sees it. */
export interface Prefix {
  readonly name: string;
  /** The path of the first `on` line that matches this host; null if none does. */
  readonly path: string | null;
}

/**
 * The path on this host of a file that csync2's database names. A name below a prefix is `%PREFIX%` and the rest, which is not a path
 * for csync2. Null if this host has no such prefix.
 */
export function pathOf(file: string, prefixes: readonly Prefix[]): string | null {
  const [, name, rest = ""] = /^%([^%]*)%(.*)$/s.exec(file) ?? [];
  if (name === undefined) return file;
  const path = prefixes.find((prefix) => prefix.name === name && prefix.path !== null)?.path;
  return typeof path === "string" ? path + rest : null;
}

/** What csync2rev needs to know about one csync2.cfg, from this host's point of view. */
export interface Csync2Cfg {
  /** The path of csync2.cfg (csync2_NAME.cfg with `-C NAME`). */
  readonly file: string;
  /** The paths of all included files, as they are written in it. */
  readonly included: readonly string[];
  /** What csync2.cfg and the files that it includes held, in the order in which they were read, one character a byte. */
  readonly texts: readonly string[];
  /** The groups that this host is in, in file order. */
  readonly groups: readonly Group[];
  /** Every prefix, the last in the file first: csync2 uses the first one of a name that has a path. */
  readonly prefixes: readonly Prefix[];
  /** In file order, of all included files. */
  readonly nossl: readonly Nossl[];
  /** Where csync2 makes its temporary files; null without a `tempdir`, and then they are beside each file. */
  readonly tempdir: string | null;
  readonly warnings: readonly Warning[];
  /**
   * The first wrong `#csync2rev` line. csync2 ignores it as a comment, so groups and keys are valid. But nobody may be served while it is
   * there: the handler refuses everybody with reason `config`, and every other mode ends with this error.
   */
  readonly fault: Csync2revError | null;
}

/** Whether csync2.cfg, a file that it includes or a key has changed from one reading to the next. */
export function isChanged(before: Csync2Cfg, now: Csync2Cfg): boolean {
  const read = ({ texts, groups }: Csync2Cfg): string =>
    JSON.stringify([texts, groups.map(({ key }) => key.text)]);
  return read(before) !== read(now);
}
