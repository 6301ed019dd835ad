import { lookup } from "node:dns/promises";
import { networkInterfaces } from "node:os";
import { unless, type Limits } from "./limits.ts";

/** The addresses that a peername of ours resolves to and that are this host's own, loopback left out: peers know us by them. */
export async function ownAddresses(peername: string, limits: Limits): Promise<readonly string[]> {
  const here = new Set(
    Object.values(networkInterfaces()).flatMap((list) =>
      (list ?? []).filter(({ internal }) => !internal).map(({ address }) => address),
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
  return entries.map(({ address }) => address);
}
