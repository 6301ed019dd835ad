import { setTimeout as sleep } from "node:timers/promises";
import type { ThisHost } from "../host.ts";
import { Arrivals } from "./arrivals.ts";
import { insist, type Insisted, type InsistWatcher } from "./insist.ts";
import { CHECK, FIRST_CHECK } from "./verbs.ts";

/** Between two looks at what arrives, in milliseconds. */
const LOOK_EVERY = 500;

/**
 * Finds this host's own changes and marks them dirty, but not while files arrive: csync2 would take one that is half made for a
 * change of this host's own. Waits for them as long as for the lock, and is `busy` then. A file that begins to arrive during the check
 * is not seen. Throws what {@link insist} throws.
 * @param isNew whether this host's database knows no file: what is there is recorded then, and not marked
 */
export async function check(host: ThisHost, watcher: InsistWatcher, isNew = false): Promise<Insisted> {
  const holder = "a host is pushing files to that peer";
  const until = performance.now() + host.settings.lockTimeout * 1000;
  for (const arrivals = new Arrivals(); arrivals.possible;) {
    await sleep(LOOK_EVERY);
    if (!arrivals.look()) break;
    if (performance.now() >= until) return { kind: "busy", holder };
    watcher.waiting?.(holder);
  }
  return await insist(host, isNew ? FIRST_CHECK : CHECK, watcher);
}
