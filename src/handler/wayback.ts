import { addressesOf, knock } from "#runtime";
import { isIPv6 } from "../address.ts";
import type { Scope } from "../csync2/verbs.ts";
import type { ThisHost } from "../host.ts";
import { NO_ANSWER } from "../runtime/channel.ts";

/** How long one address may take, in milliseconds. csync2 itself has no limit: the kernel gives up after minutes. */
const PATIENCE = 5_000;

/**
 * Tries the requester's csync2 port as this host's csync2 would (conn.c): each address of the peername in turn, the next one if nothing
 * listens. It sends nothing, so the csync2 at the other end leaves without opening its database.
 * @param scope whom to reach
 * @returns why this host cannot reach it, in words for the requester's administrator; null if it can, or if nothing listens there.
 * In that case csync2 may still be starting there, so csync2 here tries it itself, and is tried again
 */
export async function whyNoWayBack(
  host: ThisHost,
  { me, peer }: Pick<Scope, "me" | "peer">,
): Promise<string | null> {
  const { csync2Port: port } = host.settings;
  let addresses: readonly string[];
  try {
    addresses = await addressesOf(peer);
  } catch (cause) {
    return `"${peer}" does not resolve on ${me}: ${(cause as NodeJS.ErrnoException).code ?? String(cause)}`;
  }
  let why: string | null = null;
  for (const address of addresses) {
    const code = await tryPort(address, port, await sourceOf(host, address));
    if (code === undefined || code === "ECONNREFUSED") return null;
    why = `${me} cannot reach this host's csync2 at ${address} port ${port}: ${IN_WORDS[code] ?? code}`;
    // csync2 would wait for this address before it tries the next one.
    if (code === NO_ANSWER) break;
  }
  return why;
}

const IN_WORDS: Readonly<Record<string, string>> = {
  [NO_ANSWER]: `no answer within ${PATIENCE / 1000} s, perhaps because of a firewall`,
  EHOSTUNREACH: "no route to it, or a firewall rejects it (EHOSTUNREACH)",
  ENETUNREACH: "no route to its network (ENETUNREACH)",
  EACCES: "a rule on that peer forbids it (EACCES)",
  EPERM: "a rule on that peer forbids it (EPERM)",
};

/** With -N, csync2 connects from an address of that name if one is of the same family. */
async function sourceOf({ givenHostname }: ThisHost, address: string): Promise<string | undefined> {
  if (givenHostname === undefined) return undefined;
  const own = await addressesOf(givenHostname).catch(() => []);
  return own.find((one) => isIPv6(one) === isIPv6(address));
}

/** Undefined if a connection was made, otherwise why not. */
async function tryPort(
  address: string,
  port: number,
  source: string | undefined,
): Promise<string | undefined> {
  const why = await knock(address, port, source, PATIENCE);
  // If this host does not have the address of the name, csync2 goes on without it.
  return why === "EADDRNOTAVAIL" && source !== undefined
    ? await knock(address, port, undefined, PATIENCE)
    : why;
}
