import { setTimeout as sleep } from "node:timers/promises";
import { backoffAfter } from "../backoff.ts";
import type { Prefix } from "../csync2cfg/model.ts";
import type { ThisHost } from "../host.ts";
import { Batch } from "./batch.ts";
import { compareWith } from "./compare.ts";
import { nothingRun, type Busy, type Ended, type InsistWatcher } from "./insist.ts";
import { Counter } from "./list.ts";
import type { Difference } from "./merge.ts";
import { push, type Scope } from "./verbs.ts";

/** How many files are pushed first, before it is known how long that takes. */
const FIRST_BATCH = 200;
/** The size of the largest batch, in files. */
const LARGEST_BATCH = 10_000;
/** How long a batch should take, in milliseconds, or as long as judging took. For that time, a judgement is relied on. */
const BATCH_TIME = 2_000;
/** How often in a row files are judged again because the lock was held. */
const LOCK_TRIES = 3;
/** At most this many names of files that are left are kept. */
const NAMES_KEPT = 100_000;

/** How a reconcile went. `left`: files that may be wanted, and were not touched. */
export type Reconciled = (Ended & { readonly left: Counter }) | Busy;

/**
 * Pushes to the peer what is newer here than there, or only here. Never an older file, whatever the group's `auto` method is: several
 * methods, such as `first` and `left`, would put it over the newer one.
 *
 * Files are judged by their records and pushed in batches, each judged anew. What a batch holds is marked in a database of its own,
 * in a fresh directory beside the lock: nothing else is in it, and no mark outlives the push, nor this host's power. What is left is
 * the time between the judgement and the push of one file: another host may push a newer one meanwhile.
 * @param prefixes those of this host, which are in the names of files
 * @param concerns which differences to look at
 */
export async function pushNewer(
  host: ThisHost,
  scope: Scope,
  prefixes: readonly Prefix[],
  concerns: (difference: Difference) => boolean,
  watcher: InsistWatcher,
): Promise<Reconciled> {
  /** Files that a push has left dirty, or that csync2 does not find by their names: not tried again. */
  const stayed = new Counter(NAMES_KEPT);
  let [size, attempts, updated, failures, held] = [FIRST_BATCH, 0, 0, 0, 0];
  let last: Ended = nothingRun();
  for (;;) {
    const began = performance.now();
    let judgement = new Judgement(size, stayed);
    const result = (end: Ended): Reconciled => ({
      ...end,
      report: { ...end.report, updated },
      attempts,
      left: judgement.left,
    });
    const compared = await compareWith(host, scope, watcher, () => {
      const anew = (judgement = new Judgement(size, stayed));
      return {
        differs: (difference) => {
          if (concerns(difference)) anew.take(difference);
        },
      };
    });
    if (compared.kind === "busy") return compared;
    attempts += compared.attempts;
    if (compared.exit !== 0) return result(compared);
    const { wanted, left } = judgement;
    if (wanted.length === 0) return result(last);

    const judged = performance.now();
    const batch = new Batch(host, scope, prefixes);
    try {
      const unmarked = await batch.mark(wanted);
      if (compared.certificate !== null) await batch.trust(compared.certificate);
      const pushed = await batch.run(push(scope), watcher);
      if (pushed.kind === "busy") {
        if (++held < LOCK_TRIES) continue;
        return pushed;
      }
      held = 0;
      attempts += 1;
      updated += pushed.report.updated;
      const { passing } = pushed.report;
      if (pushed.exit !== 0 && passing !== undefined && ++failures <= host.settings.retries) {
        watcher.retrying?.(passing);
        await sleep(backoffAfter(failures));
        continue;
      }
      failures = 0;
      for (const file of [...unmarked, ...(await batch.dirty())]) {
        stayed.add(file);
        left.add(file);
      }
      if (pushed.exit !== 0) last = pushed;
      if (!judgement.more || passing !== undefined || !stayed.isComplete) return result(last);
    } finally {
      batch.close();
    }
    const target = Math.max(BATCH_TIME, judged - began);
    const rate = size / (performance.now() - judged);
    size = Math.min(LARGEST_BATCH, Math.max(FIRST_BATCH, Math.floor(rate * target)));
  }
}

/** What should be pushed, by a comparison. */
class Judgement {
  readonly #size: number;
  readonly #stayed: Counter;
  /** The first of what is newer here, or only here. */
  readonly wanted: string[] = [];
  /** Whether there is more of it. */
  more = false;
  readonly left = new Counter(NAMES_KEPT);

  constructor(size: number, stayed: Counter) {
    this.#size = size;
    this.#stayed = stayed;
  }

  take({ file, on, newer }: Difference): void {
    if (on === "there" || newer === "there") return;
    if (newer === null || this.#stayed.has(file)) this.left.add(file);
    else if (this.wanted.length < this.#size) this.wanted.push(file);
    else this.more = true;
  }
}
