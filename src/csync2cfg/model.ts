import type { Csync2revError } from "../errors.ts";

/** A spot in csync2.cfg or a file that it includes. Lines and columns count from 1; a column is a byte of the line. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** A member of a group, as a `host` line names it: both names are lower-cased, as csync2 does it. */
export interface Host {
  /** The name left of `@`. */
  readonly hostname: string;
  /** The name right of `@`, or the hostname: what csync2 says HELLO with, lists dirty files under, and `-P` takes. */
  readonly peername: string;
  /** In parentheses in the `host` line: may receive, may not push. */
  readonly slave: boolean;
}

/** The group's key, read from its key file. `text` must never reach a log, a message or a file. */
export interface Key {
  /** The path as opened. */
  readonly file: string;
  /** 32 or more of `[A-Za-z0-9._]`. */
  readonly text: string;
}

/** What a pattern does: `compare` includes files for comparisons only, never for a check or a push. */
export type PatternEffect = "include" | "exclude" | "compare";

/** One pattern of an `include`, `exclude` or `compare` line. */
export interface Pattern {
  readonly effect: PatternEffect;
  /**
   * For fnmatch(3), without slashes at its end, as csync2 keeps it. One that begins with `/` or `%PREFIX%` is for the path, any
   * other for the file's name alone.
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
  /** In file order: csync2 lets the last one that matches a file decide. */
  readonly patterns: readonly Pattern[];
  /** Where csync2 puts what it overwrites; null without a `backup-directory`. */
  readonly backupDirectory: string | null;
  /** The patterns of all `#csync2rev allow` lines; null where the group has none, so that every member may ask. */
  readonly allow: readonly string[] | null;
}

/** Something that is no error and yet surely not what its author meant, such as `# csync2rev allow web2;`. */
export interface Warning {
  readonly place: Place;
  /** What was found and expected, the line and a caret, to be told after the place. */
  readonly message: string;
}

/** A warning as one message, which may span lines. */
export function describeWarning({ place, message }: Warning): string {
  return `${place.file}:${place.line}:${place.column}: ${message}`;
}

/** A `nossl` line: patterns for the hostname that connects and for the peername that it connects to (update.c, connect_to_host). */
export interface Nossl {
  readonly from: string;
  readonly to: string;
}

/** A `prefix` block, as this host sees it. */
export interface Prefix {
  readonly name: string;
  /** The path of the first `on` line that matches this host; null where none does. */
  readonly path: string | null;
}

/**
 * Where a file is on this host that csync2's database names: a name below a prefix is `%PREFIX%` and the rest, which csync2 takes
 * for no path. Null where this host has no such prefix.
 */
export function pathOf(file: string, prefixes: readonly Prefix[]): string | null {
  const [, name, rest = ""] = /^%([^%]*)%(.*)$/s.exec(file) ?? [];
  if (name === undefined) return file;
  const path = prefixes.find((prefix) => prefix.name === name && prefix.path !== null)?.path;
  return typeof path === "string" ? path + rest : null;
}

/** What csync2rev needs to know of one csync2.cfg, from this host's point of view. */
export interface Csync2Cfg {
  /** The path of csync2.cfg (csync2_NAME.cfg with `-C NAME`). */
  readonly file: string;
  /** The paths of all files that it includes, as they are written there. */
  readonly included: readonly string[];
  /** The groups that this host is in, in file order. */
  readonly groups: readonly Group[];
  /** Every prefix, the last in the file first: csync2 takes the first of a name that has a path. */
  readonly prefixes: readonly Prefix[];
  /** In file order, of all included files. */
  readonly nossl: readonly Nossl[];
  /** Where csync2 makes its temporary files; null without a `tempdir`: beside each file. */
  readonly tempdir: string | null;
  readonly warnings: readonly Warning[];
  /**
   * The first `#csync2rev` line that is no good. csync2 ignores it as a comment, so the groups and keys stand; but nobody may be
   * served while it is there: the handler refuses everyone with reason `config`, every other mode ends with this error.
   */
  readonly fault: Csync2revError | null;
}
