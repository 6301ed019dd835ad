import { compareWith, type Difference } from "../csync2/compare.ts";
import { insist, type Ended, type Insisted } from "../csync2/insist.ts";
import { listDirty, listRecords } from "../csync2/list.ts";
import { CHECK } from "../csync2/verbs.ts";
import { Csync2revError } from "../errors.ts";
import type { ThisHost } from "../host.ts";
import type { Route } from "../requester/plan.ts";

/** Finds this host's own changes and marks them dirty. Throws `system` where csync2 did not manage. */
export async function checkHere(host: ThisHost): Promise<void> {
  demandSuccess(await insist(host, CHECK, {}), "its check");
}

/** The files on which this host's database and a peer's disagree. Throws `system` where csync2 did not manage. */
export async function differencesFrom(
  host: ThisHost,
  { group, peer }: Route,
): Promise<readonly Difference[]> {
  return demandSuccess(
    await compareWith(host, { me: group.me.peername, peer: peer.peername, groups: null }),
    "its comparison",
  ).differences;
}

/**
 * The files that have been deleted here, of which a peer has not been told: it would give them back. Throws `system` where csync2
 * did not manage.
 */
export async function unsentDeletions(host: ThisHost, { peer }: Route): Promise<readonly string[]> {
  const dirty = await listDirty(host, { peer: peer.peername, groups: null }, Infinity);
  const recorded = dirty === null ? null : await listRecords(host, new Set(dirty.files));
  if (dirty === null || recorded === null)
    throw new Csync2revError("system", "csync2 on this host could not list what is dirty");
  return dirty.files.filter((file) => !recorded.has(file));
}

function demandSuccess<E extends Insisted>(end: E, what: string): Extract<E, Ended> {
  if (end.kind === "busy") throw new Csync2revError("system", `csync2 on this host is busy: ${end.holder}`);
  if (end.exit === 0) return end as Extract<E, Ended>;
  const why = end.report.complaint ?? "it gave no reason";
  throw new Csync2revError("system", `csync2 on this host: ${what} ended with ${end.exit}: ${why}`);
}
