import { createSocket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { isIPv6 } from "node:net";
import { networkInterfaces } from "node:os";
import { canonicalAddress, isLoopback } from "../address.ts";
import { unless, type Limits } from "./limits.ts";

/** The addresses that a peername of ours resolves to and that are this host's own, loopback left out: peers know us by them. */
export async function ownAddresses(peername: string, limits: Limits): Promise<readonly string[]> {
  const here = new Set(
    Object.values(networkInterfaces()).flatMap((list) =>
      (list ?? []).filter(({ internal }) => !internal).map(({ address }) => canonicalAddress(address)),
    ),
  );
  return (await addressesOf(peername, limits)).filter((address) => here.has(address));
}

/** Every address that a name resolves to here; none where it does not, or not before a limit is reached. */
export async function addressesOf(name: string, limits: Limits): Promise<string[]> {
  return await lookUp(name, limits).catch(() => []);
}

/**
 * Every address that a name resolves to here. A name service that is silent can take long: throws `gone` where a limit is reached
 * before. Node itself does not end before the resolver has given up (resolv.conf(5), by default ten seconds for each server).
 */
export async function lookUp(name: string, limits: Limits): Promise<string[]> {
  const entries = await unless(["deadline", "interrupt"], limits, lookup(name, { all: true }));
  return entries.map(({ address }) => canonicalAddress(address));
}

/** For each of this host's peernames its addresses on this host: a conversation leaves from one of the name that it bears. */
export type Sources = ReadonlyMap<string, readonly string[]>;

/** Looks up {@link ownAddresses} of each of these peernames. */
export async function sourcesOf(peernames: readonly string[], limits: Limits): Promise<Sources> {
  const looked = peernames.map(async (name) => [name, await ownAddresses(name, limits)] as const);
  return new Map(await Promise.all(looked));
}

/**
 * The address to connect from, so that the peer finds it among those of our peername: the kernel's own choice if it is one of
 * them, else the first of the same family.
 * @param own the addresses of our peername that are this host's
 * @param address the peer's
 * @returns null if the kernel is to choose: the peer is this very host, or no address of ours fits
 */
export async function sourceFor(own: readonly string[], address: string): Promise<string | null> {
  if (isLoopback(address)) return null;
  const [first = null, ...others] = own.filter((one) => isIPv6(one) === isIPv6(address));
  if (others.length === 0) return first;
  const chosen = await chosenSource(address);
  return chosen !== null && others.includes(chosen) ? chosen : first;
}

/** The address that the kernel would send from; null if it knows no route. No packet is sent. */
export async function chosenSource(address: string): Promise<string | null> {
  return await new Promise((resolve) => {
    const socket = createSocket(isIPv6(address) ? "udp6" : "udp4");
    socket.on("error", () => {
      socket.close();
      resolve(null);
    });
    socket.connect(9, address, () => {
      const { address: source } = socket.address();
      socket.close();
      resolve(source);
    });
  });
}
