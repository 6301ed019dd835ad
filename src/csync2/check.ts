import { setTimeout as sleep } from "node:timers/promises";
import type { ConfiguredHost } from "../host.ts";
import { Arrivals } from "./arrivals.ts";
import { insist, type Insisted, type InsistWatcher } from "./insist.ts";
import { lookIntoDatabase, type Gone } from "./look.ts";
import { CHECK, FIRST_CHECK } from "./verbs.ts";

/** Between two looks at what arrives, in milliseconds. */
const LOOK_EVERY = 500;

/**
 * Finds this host's own changes and marks them dirty. All checks are started here. There are two cases in which no check runs:
 * - Files arrive: csync2 would take a half-made file for a change of this host. They are waited for as long as for the lock, then the
 *   result is `busy`. A file that begins to arrive during the check is not noticed.
 * - Recorded files are gone from the disk: every other member would delete them.
 *
 * Throws what {@link insist} throws.
 * @param isNew whether this host's database has no file yet: then files are recorded, but not marked
 */
export async function check(
  site: ConfiguredHost,
  watcher: InsistWatcher,
  isNew = false,
): Promise<Insisted | Gone> {
  const { host } = site;
  const holder = "it receives files from another host";
  const until = performance.now() + host.settings.lockTimeout * 1000;
  for (const arrivals = new Arrivals(); arrivals.possible;) {
    await sleep(LOOK_EVERY);
    if (!arrivals.look()) break;
    if (performance.now() >= until) return { kind: "busy", holder };
    watcher.waiting?.(holder);
  }
  const look = await lookIntoDatabase(site, watcher);
  if (look.kind === "gone") return look;
  if (look.kind === "unreadable") return look.end;
  return await insist(host, isNew ? FIRST_CHECK : CHECK, watcher);
}
