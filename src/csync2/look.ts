import type { ConfiguredHost } from "../host.ts";
import { attempt, repeat, type Insisted, type InsistWatcher } from "./insist.ts";
import { RecordReader } from "./rows.ts";
import { readCsync2 } from "./run.ts";
import { Trees, type Tree } from "./trees.ts";
import { LIST_FILES } from "./verbs.ts";

/** More recorded files are gone from the disk than `max-deleted` allows. csync2 would treat them as deleted. */
export interface Gone {
  readonly kind: "gone";
  readonly trees: readonly Tree[];
}

/** What a look into this host's csync2 database shows. */
export type Look =
  /** It knows files. */
  | { readonly kind: "records" }
  /** It knows no file: a new member, a new disk or a new database. Directories do not count: an empty disk has them too. */
  | { readonly kind: "empty" }
  | Gone
  /** csync2 cannot read it. `why` has csync2's own words. `away`: another csync2 holds it, or its server is down. */
  | { readonly kind: "unreadable"; readonly why: string; readonly away: boolean; readonly end: Insisted };

/**
 * Lets csync2 list the files that its database has recorded, and compares them with the disk. It stops as soon as it is clear that the
 * files are there. Changes nothing. Throws `system` if there is no csync2.
 * @param onFile called with each file. If it is given, the whole list is read.
 */
export async function lookIntoDatabase(
  site: ConfiguredHost,
  watcher: Pick<InsistWatcher, "retrying" | "gone"> = {},
  onFile?: (file: string) => void,
): Promise<Look> {
  const enough = new AbortController();
  let trees = new Trees(site);
  const end = await repeat(site.host, watcher, async () => {
    trees = new Trees(site);
    const reader = new RecordReader((row) => {
      if (enough.signal.aborted) return;
      if (trees.take(row)) onFile?.(row.file);
      if (onFile === undefined && trees.seenEnough) enough.abort();
    });
    const listed = await attempt(
      site.host,
      LIST_FILES,
      {
        stdout: (line) => {
          reader.line(line);
        },
      },
      (...run) => readCsync2(...run, { stop: enough.signal }),
    );
    reader.end();
    return listed;
  });
  if (!enough.signal.aborted) {
    if (end.kind === "busy") return { kind: "unreadable", why: end.holder, away: true, end };
    const { complaint, databaseAway } = end.report;
    if (end.exit !== 0)
      return { kind: "unreadable", why: complaint ?? "csync2 gave no reason", away: databaseAway, end };
  }
  if (trees.gone.length > 0) return { kind: "gone", trees: trees.gone };
  return { kind: trees.files > 0 ? "records" : "empty" };
}
