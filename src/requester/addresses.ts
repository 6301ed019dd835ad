import { createSocket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { isIPv6 } from "node:net";
import { networkInterfaces } from "node:os";
import { canonicalAddress, isLoopback } from "../address.ts";
import { unless, type Limits } from "./limits.ts";

/** The addresses that one of our peernames resolves to and that this host has, without loopback. Peers know this host by them. */
export async function ownAddresses(peername: string, limits: Limits): Promise<readonly string[]> {
  const here = new Set(
    Object.values(networkInterfaces()).flatMap((list) =>
      (list ?? []).filter(({ internal }) => !internal).map(({ address }) => canonicalAddress(address)),
    ),
  );
  return (await addressesOf(peername, limits)).filter((address) => here.has(address));
}

/** Every address that a name resolves to here; none if it does not resolve, or not before a limit is reached. */
export async function addressesOf(name: string, limits: Limits): Promise<string[]> {
  return await lookUp(name, limits).catch(() => []);
}

/**
 * Every address that a name resolves to here. A silent name service can take long: throws `gone` if a limit is reached first. Node
 * itself does not end before the resolver gives up (resolv.conf(5), by default ten seconds for each server).
 */
export async function lookUp(name: string, limits: Limits): Promise<string[]> {
  const entries = await unless(["deadline", "interrupt"], limits, lookup(name, { all: true }));
  return entries.map(({ address }) => canonicalAddress(address));
}

/** For each of this host's peernames, its addresses on this host. A conversation leaves from an address of the name that it uses. */
export type Sources = ReadonlyMap<string, readonly string[]>;

/** Looks up {@link ownAddresses} of each of these peernames. */
export async function sourcesOf(peernames: readonly string[], limits: Limits): Promise<Sources> {
  const looked = peernames.map(async (name) => [name, await ownAddresses(name, limits)] as const);
  return new Map(await Promise.all(looked));
}

/**
 * The address to connect from, so that the peer finds it among those of our peername: the kernel's choice if it is one of them, otherwise
 * the first of the same family.
 * @param own the addresses of our peername that this host has
 * @param address the peer's address
 * @returns null if the kernel should choose: the peer is this host itself, or no address of ours fits
 */
export async function sourceFor(own: readonly string[], address: string): Promise<string | null> {
  if (isLoopback(address)) return null;
  const [first = null, ...others] = own.filter((one) => isIPv6(one) === isIPv6(address));
  if (others.length === 0) return first;
  const chosen = await chosenSource(address);
  return chosen !== null && others.includes(chosen) ? chosen : first;
}

/** The address that the kernel would send from; null if there is no route. No packet is sent. */
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
