import { pathOf, type Group, type Prefix } from "./model.ts";
import { isForPaths } from "./patterns.ts";
import { encode } from "./source.ts";

/** Where files of a group are: an `include` pattern up to its first wildcard. Names and paths are byte strings. */
export interface Root {
  /** As csync2's database has it: `/DIR…` or `%PREFIX%…`. */
  readonly name: string;
  /** Where that is on this host; null if its prefix has no path here. */
  readonly path: string | null;
  /** Whether a pattern names it, so that everything below belongs to it. */
  readonly named: boolean;
  /** The groups whose files are there. */
  readonly groups: readonly string[];
}

/** The roots of the groups' `include` patterns, each once. Patterns for the name of a file alone have none. */
export function rootsOf(groups: readonly Group[], prefixes: readonly Prefix[]): readonly Root[] {
  const encoded = encodePrefixes(prefixes);
  const roots = new Map<string, Root>();
  for (const group of groups) {
    for (const { effect, pattern } of group.patterns) {
      if (effect !== "include" || !isForPaths({ pattern })) continue;
      const text = encode(pattern);
      const wildcard = text.search(/[*?[\\]/);
      const named = wildcard === -1;
      const name = named ? text : parentOf(text.slice(0, wildcard)) || "/";
      const known = roots.get(name);
      roots.set(name, {
        name,
        path: pathOf(name, encoded),
        named: named || known?.named === true,
        groups: [...new Set([...(known?.groups ?? []), group.name])],
      });
    }
  }
  return [...roots.values()];
}

/** Prefixes with byte strings for names and paths. */
export function encodePrefixes(prefixes: readonly Prefix[]): readonly Prefix[] {
  return prefixes.map(({ name, path }) => ({
    name: encode(name),
    path: path === null ? null : encode(path),
  }));
}

/** The name of the directory that a file is in, as csync2's database has it; empty if there is none above it. */
export function parentOf(name: string): string {
  return name.slice(0, Math.max(0, name.lastIndexOf("/")));
}
