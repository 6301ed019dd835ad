import { Matcher } from "./fnmatch.ts";
import type { Group } from "./model.ts";
import { encode } from "./source.ts";

/**
 * Whether a file belongs to a group for csync2 (groups.c, match_pattern_list). Patterns for paths and patterns for names are two kinds. For each
 * kind, the last pattern that matches decides.
 * @param file its name in csync2's database: a path, or `%PREFIX%` and the rest
 */
export function takes({ patterns }: Pick<Group, "patterns">, file: string): boolean {
  const name = encode(file);
  const [ofPath, ofName] = [patterns.filter(isForPaths), patterns.filter((one) => !isForPaths(one))].map(
    (kind) =>
      kind.findLast(
        ({ effect, pattern }) =>
          effect !== "compare" && (isForPaths({ pattern }) ? leads(pattern, name) : isNamed(pattern, name)),
      )?.effect,
  );
  return ofPath === "include" && ofName !== "exclude";
}

/** Whether a pattern is for whole paths, and not for the names of files alone. */
export function isForPaths({ pattern }: { readonly pattern: string }): boolean {
  return pattern.startsWith("/") || pattern.startsWith("%");
}

function isNamed(pattern: string, name: string): boolean {
  return new Matcher(encode(pattern), false).matches(name.slice(name.lastIndexOf("/") + 1));
}

/** fnmatch(3) with FNM_LEADING_DIR, and FNM_PATHNAME unless `**` is in the pattern. */
function leads(pattern: string, name: string): boolean {
  const parts = name.split("/");
  if (pattern.includes("**")) {
    const matcher = new Matcher(encode(pattern), false);
    return parts.some((_, end) => matcher.matches(parts.slice(0, end + 1).join("/")));
  }
  const steps = encode(pattern).split("/");
  return (
    steps.length <= parts.length &&
    steps.every((step, at) => new Matcher(step, false).matches(parts[at] ?? ""))
  );
}
