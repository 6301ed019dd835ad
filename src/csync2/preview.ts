import { Csync2revError } from "../errors.ts";
import type { ThisHost } from "../host.ts";
import { compareWith } from "./compare.ts";
import { nothingRun, type Busy, type Ended, type InsistWatcher } from "./insist.ts";
import { Counter, listDirty } from "./list.ts";
import type { Scope } from "./verbs.ts";

/** At most this many dirty files can be previewed, and fewer if their names are long. */
const DIRTY_LIMIT = 200_000;

/** What a push would do on the peer. */
export type Previewed = (Ended & { readonly written: Counter; readonly deleted: Counter }) | Busy;

/**
 * Finds what a push to the peer would write or delete there: the dirty files whose records differ. csync2's own dry run (-d) is not used:
 * it sets times of last modification on the peer, and does not name files in a new directory. Changes nothing.
 * Throws `system` or `output`.
 * @param limit at most this many names of each kind are kept
 */
export async function preview(
  host: ThisHost,
  scope: Scope,
  limit: number,
  watcher: InsistWatcher,
): Promise<Previewed> {
  const dirty = await listDirty(host, scope, DIRTY_LIMIT);
  if (!dirty.isComplete)
    throw new Csync2revError(
      "system",
      `${dirty.count} files wait, too many for a preview: run csync2rev --others without --dry-run`,
    );
  let [written, deleted] = [new Counter(limit), new Counter(limit)];
  if (dirty.count === 0) return { ...nothingRun(), written, deleted };
  const compared = await compareWith(host, scope, watcher, () => {
    [written, deleted] = [new Counter(limit), new Counter(limit)];
    return {
      differs: ({ file, on }) => {
        if (dirty.has(file)) (on === "there" ? deleted : written).add(file);
      },
    };
  });
  return compared.kind === "busy" ? compared : { ...compared, written, deleted };
}
