import { randomFillSync } from "node:crypto";
import type { Host } from "../cluster/cluster.ts";

/** In milliseconds, for a machine that has much else to do. */
const MEETS_WITHIN = 120_000;

/** Gives a host files to push, so many and so big that csync2 can be met while it checks and sends them. */
export function changeMuch(host: Host): void {
  const version = "v2";
  host.write("/srv/data/a", version);
  host.write("/srv/data/big", randomFillSync(Buffer.alloc(40 << 20)));
  host.write("/srv/data/z", version);
  for (let i = 0; i < 400; i++) host.write(`/srv/data/many/${i}`, version);
}

/** Waits until csync2 pushes from a host; its pid there. */
export async function meetPush(host: Host): Promise<number> {
  return await meet(host, "-u ", "");
}

/** Stops the first check that csync2 begins on a host; its pid there. */
export async function stopCheck(host: Host): Promise<number> {
  return await meet(host, "-c -r ", "kill -STOP $pid; ");
}

/** Looks for a csync2 as quickly as only a program on that host can. */
async function meet(host: Host, options: string, act: string): Promise<number> {
  const find = `pgrep -ax csync2 | sed -n 's/ .* ${options}.*//p;T;q'`;
  const { stdout } = await host.run(`until pid=$(${find}) && [ "$pid" ]; do :; done; ${act}echo $pid`, {
    timeout: MEETS_WITHIN,
  });
  return Number(stdout);
}

/** Sends a signal to a process on a host. */
export async function signal(host: Host, name: string, pid: number): Promise<void> {
  await host.shell(`kill -${name} ${pid}`);
}

/**
 * Waits until a host's kernel has tried in vain, five times, to send something of a connection to this port elsewhere; or until that
 * connection, which had nothing to send just then, has been ended.
 */
export async function untilCutOff(host: Host, port: number): Promise<void> {
  let seen = false;
  await host.until(
    "packets are sent in vain",
    () => {
      const connections = host.connectionsTo(port);
      const ended = seen && connections.length === 0;
      seen ||= connections.length > 0;
      return ended || connections.some(({ retransmissions }) => retransmissions >= 5);
    },
    MEETS_WITHIN,
  );
}

/** Waits until a host has given up all its connections to this port elsewhere. */
export async function untilGivenUp(host: Host, port: number): Promise<void> {
  await host.until("the connection is given up", () => host.connectionsTo(port).length === 0, MEETS_WITHIN);
}
