import { check } from "../csync2/check.ts";
import { compareWith } from "../csync2/compare.ts";
import { demand, insist, type InsistWatcher } from "../csync2/insist.ts";
import { differentContents, type Contents } from "../csync2/contents.ts";
import { Counter, countDirty, eachDirty, eachRecord, listDirty } from "../csync2/list.ts";
import type { Difference, Listener } from "../csync2/merge.ts";
import { lookIntoDatabase, type Gone, type Look } from "../csync2/look.ts";
import { describeGone } from "../csync2/trees.ts";
import { TupleReader } from "../csync2/rows.ts";
import { compare, type Scope } from "../csync2/verbs.ts";
import type { RunOptions } from "../csync2/run.ts";
import { encode } from "../csync2cfg/source.ts";
import { Csync2revError } from "../errors.ts";
import { csync2Lock, type ConfiguredHost, type ThisHost } from "../host.ts";
import { onLimit, unless, type Limits } from "../requester/limits.ts";
import type { Route } from "../requester/plan.ts";
import { Differences, NAMES_OF_A_KIND } from "./differences.ts";

/** At most this many dirty files are looked at for deletions, and fewer if their names are long. */
const DIRTY_LIMIT = 200_000;
/** Peers that are asked within this time share one list of how many files wait for whom, in milliseconds: a new member may ask a thousand. */
const LIST_SHARED = 1_000;

/**
 * Finds this host's own changes and marks them dirty; on a new member, only records the files. It goes on even if nobody waits for it any
 * more. Throws `system`, or `tree-gone`.
 */
export async function checkHere(site: ConfiguredHost, isNew: boolean): Promise<void> {
  const checked = await check(site, {}, isNew);
  if (checked.kind === "gone") throw treeGone(checked, site.host);
  demand(checked, "its check");
}

/** This host's files are gone: nothing that a peer says of it is worth anything, and a check would delete them everywhere. */
export function treeGone({ trees }: Gone, { hostname }: ThisHost): Csync2revError {
  return new Csync2revError("tree-gone", describeGone(trees, hostname));
}

/** The files that differ between this host's database and a peer's, if `concerns` says so. Throws `system`, or `gone` at a limit. */
export async function differencesFrom(
  host: ThisHost,
  route: Route,
  limits: Limits,
  concerns: (difference: Difference) => boolean = () => true,
): Promise<Differences> {
  let differences = new Differences();
  const begin = (): Listener => {
    const found = (differences = new Differences());
    return {
      differs: (difference) => {
        if (concerns(difference)) found.add(difference);
      },
    };
  };
  demand(
    await stoppable(limits, (options) => compareWith(host, scopeOf(route), {}, begin, options)),
    "its comparison",
  );
  return differences;
}

/** The files with equal records in both databases and different contents. Throws `system`, or `gone` at a limit. */
export async function contentsFrom(
  { host, configuration }: ConfiguredHost,
  route: Route,
  limits: Limits,
): Promise<Contents> {
  return await stoppable(limits, (options) =>
    differentContents(host, scopeOf(route), configuration, NAMES_OF_A_KIND, options),
  );
}

/** Waits for work until a limit is reached, and then ends its csync2. */
async function stoppable<T>(limits: Limits, work: (options: RunOptions) => Promise<T>): Promise<T> {
  const stopping = new AbortController();
  const forget = onLimit(limits, () => {
    stopping.abort();
  });
  return await unless(["deadline", "interrupt"], limits, work({ stop: stopping.signal }).finally(forget));
}

/** The files that were deleted here and of which peers have not been told: a peer would bring them back. */
export class UnsentDeletions {
  readonly #host: ThisHost;
  #listed = -Infinity;
  #counts: Promise<ReadonlyMap<string, number>> | undefined;

  constructor(host: ThisHost) {
    this.#host = host;
  }

  /** Those that a peer does not know of. Throws `system` or `output`. */
  async of(route: Route): Promise<Counter> {
    if (this.#counts === undefined || performance.now() - this.#listed >= LIST_SHARED) {
      this.#listed = performance.now();
      this.#counts = countDirty(this.#host, null);
    }
    const waiting = (await this.#counts).get(route.peer.peername) ?? 0;
    return waiting === 0 ? new Counter(0) : await unsentDeletions(this.#host, route);
  }
}

async function unsentDeletions(host: ThisHost, route: Route): Promise<Counter> {
  const scope = scopeOf(route);
  const dirty = await listDirty(host, scope, DIRTY_LIMIT);
  if (!dirty.isComplete)
    throw new Csync2revError(
      "system",
      `${dirty.count} files wait here for ${scope.peer}: run csync2 -u -P ${scope.peer} first`,
    );
  let recorded = new Set<string>();
  const onRow = ({ file }: { readonly file: string }): void => {
    if (dirty.has(file)) recorded.add(file);
  };
  if (dirty.count > 0)
    await eachRecord(host, scope, onRow, () => {
      recorded = new Set();
    });
  return dirty.without(recorded);
}

/** Which of these files are dirty here for a peer. Throws `system` or `output`. */
export async function dirtyHere(
  host: ThisHost,
  route: Route,
  files: readonly string[],
): Promise<ReadonlySet<string>> {
  const wanted = new Map(files.map((file) => [encode(file), file]));
  let dirty = new Set<string>();
  const add = (name: string): void => {
    const file = wanted.get(name);
    if (file !== undefined) dirty.add(file);
  };
  await eachDirty(host, scopeOf(route), add, () => {
    dirty = new Set();
  });
  return dirty;
}

/** What a peer's csync2 has recorded of these files, by name; files that it has not recorded are left out. Throws `system` or `gone`. */
export async function recordsThere(
  host: ThisHost,
  route: Route,
  files: readonly string[],
  limits: Limits,
): Promise<ReadonlyMap<string, string>> {
  const wanted = new Map(files.map((file) => [encode(file), file]));
  const records = new Map<string, string>();
  const tuples = new TupleReader(({ file, record }) => {
    const name = wanted.get(file);
    if (name !== undefined) records.set(name, record);
  });
  const stderr = tuples.line.bind(tuples);
  demand(
    await stoppable(limits, (options) => insist(host, compare(scopeOf(route)), { stderr }, options)),
    "its comparison",
  );
  tuples.end();
  return records;
}

/** What this host's csync2 database has. A csync2 that is stopped cannot be asked: it counts as one that has files. */
export async function lookHere(
  site: ConfiguredHost,
  watcher: Pick<InsistWatcher, "retrying"> = {},
): Promise<Look> {
  return csync2Lock(site.host) === null ? await lookIntoDatabase(site, watcher) : { kind: "records" };
}

function scopeOf({ group, peer }: Route): Scope {
  return { me: group.me.peername, peer: peer.peername, groups: null };
}
