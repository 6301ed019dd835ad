import { connect } from "node:net";
import { addressesOf } from "./addresses.ts";
import { pause, reachedLimit, type Limits } from "./limits.ts";

/** Between two looks at our own csync2, in milliseconds. */
const LOOK_EVERY = 250;
/** How long one look may take, in milliseconds: it is this very host that answers. */
const LOOK_FOR = 2_000;

/**
 * Waits until csync2 answers on this host: peers could not push before.
 * @param peernames the names that peers connect to
 * @param timeout seconds
 * @returns the address and port that did not answer in time; null where all did
 */
export async function awaitOwnCsync2(
  peernames: readonly string[],
  port: number,
  timeout: number,
  limits: Limits,
): Promise<string | null> {
  const until = performance.now() + timeout * 1000;
  for (const peername of peernames) {
    const [address = peername] = await addressesOf(peername, limits);
    while (!(await answers(address, port))) {
      if (performance.now() >= until || reachedLimit(limits) !== null)
        return `${peername} (${address}) port ${port}`;
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
