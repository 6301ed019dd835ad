import { connect } from "node:net";
import { csync2Lock, type ThisHost } from "../host.ts";
import { addressesOf } from "../requester/addresses.ts";
import { pause, reachedLimit, type Limits } from "../requester/limits.ts";

/** Between two looks at our own csync2, in milliseconds. */
const LOOK_EVERY = 250;
/** How long one look may take, in milliseconds: it is this very host that answers. */
const LOOK_FOR = 2_000;

/**
 * Waits until this host's own csync2 takes files: peers could not push before.
 * @param peernames the names that peers connect to
 * @param timeout seconds
 * @returns what is wrong with it, and what to do; null once it answers
 */
export async function whyNotReady(
  host: ThisHost,
  peernames: readonly string[],
  timeout: number,
  limits: Limits,
): Promise<string | null> {
  const stopped = csync2Lock(host);
  if (stopped !== null)
    return `${stopped} exists, so csync2 on this host takes no files: remove it and run again`;
  const { csync2Port } = host.settings;
  const until = performance.now() + timeout * 1000;
  for (const peername of peernames) {
    const [address = peername] = await addressesOf(peername, limits);
    while (!(await answers(address, csync2Port))) {
      if (performance.now() >= until || reachedLimit(limits) !== null)
        return `csync2 on this host does not answer at ${peername} (${address}) port ${csync2Port}: peers could not push; start it and run again`;
      await pause(LOOK_EVERY, limits);
    }
  }
  return null;
}

async function answers(host: string, port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect({ host, port, timeout: LOOK_FOR });
    const say = (yes: boolean) => (): void => {
      socket.destroy();
      resolve(yes);
    };
    socket.on("connect", say(true)).on("error", say(false)).on("timeout", say(false));
  });
}
