import { csync2Lock, type ThisHost } from "../host.ts";
import { pause, reachedLimit, type Limits } from "../requester/limits.ts";
import { doorsteps, whyClosed } from "../requester/own-csync2.ts";
import type { Route } from "../requester/plan.ts";

/** Between two looks at our own csync2, in milliseconds. */
const LOOK_EVERY = 250;

/**
 * Waits until this host's own csync2 accepts files at every name that peers connect to. Before that, they could not push.
 * @param routes all that may be asked
 * @param timeout seconds
 * @returns what is wrong with it, and what to do; null once it answers.
 */
export async function whyNotReady(
  host: ThisHost,
  routes: readonly Route[],
  timeout: number,
  limits: Limits,
): Promise<string | null> {
  const stopped = csync2Lock(host);
  if (stopped !== null)
    return `${stopped} exists, so csync2 on this host accepts no files: remove it and run again`;
  const until = performance.now() + timeout * 1000;
  for (const doorstep of await doorsteps(routes, limits)) {
    for (;;) {
      const closed = await whyClosed(host, doorstep);
      if (closed === null) break;
      if (performance.now() >= until || reachedLimit(limits) !== null)
        return `${closed.what}: peers could not push; ${closed.todo}, and run again`;
      await pause(LOOK_EVERY, limits);
    }
  }
  return null;
}
