import { networkInterfaces } from "node:os";
import { canonicalAddress, isLoopback } from "../address.ts";
import type { Group, Host } from "../csync2cfg/model.ts";
import { unseenAddresses } from "../hosts-file.ts";
import { membersToAsk } from "../requester/plan.ts";
import { addressesOf, chosenSource, ownAddresses, sourceFor } from "../requester/addresses.ts";
import type { Limits } from "../requester/limits.ts";
import { failed, ok, warning, type Finding } from "./finding.ts";

/**
 * Names and addresses. Both csync2 and csync2rev accept a connection from a member only if it comes from an address that the member's
 * peername resolves to.
 */
export async function checkNames(groups: readonly Group[], limits: Limits): Promise<readonly Finding[]> {
  const own = unique(groups.map(({ me }) => me.peername));
  const peers = unique(groups.flatMap((group) => otherMembers(group).map(({ peername }) => peername)));
  return [
    ...(await Promise.all(own.map(async (me) => await judgeOwnName(me, limits)))),
    ...(await judgePeerNames(peers, limits)),
    ...(await judgeHostsFile([...own, ...peers], limits)),
    ...(await Promise.all(own.map(async (me) => await judgeSource(me, groups, limits)))),
  ];
}

async function judgeOwnName(me: string, limits: Limits): Promise<Finding> {
  const item = `own name ${me}`;
  const addresses = await addressesOf(me, limits);
  if (addresses.length === 0)
    return failed(item, "does not resolve here", "add it to /etc/hosts or DNS, on every member");
  const loopback = addresses.filter(isLoopback);
  if (loopback.length > 0)
    return warning(
      item,
      `resolves to ${addresses.join(", ")}: a peer with the same line in its file would look for this host on itself`,
      `replace ${loopback.join(" and ")} in /etc/hosts with the address at which peers reach this host`,
    );
  if ((await ownAddresses(me, limits)).length === 0)
    return warning(
      item,
      `resolves to ${addresses.join(", ")}, which no interface here has`,
      "correct /etc/hosts or DNS, unless there is an address translation between the members",
    );
  return ok(item, addresses.join(", "));
}

async function judgePeerNames(peers: readonly string[], limits: Limits): Promise<Finding[]> {
  const item = (peer: string): string => `name ${peer}`;
  const ours = new Set(localAddresses());
  const found = await Promise.all(
    peers.map(async (peer): Promise<Finding | null> => {
      const addresses = await addressesOf(peer, limits);
      if (addresses.length === 0)
        return failed(item(peer), "does not resolve here", "add it to /etc/hosts or DNS, on every member");
      const here = addresses.filter((address) => isLoopback(address) || ours.has(address));
      if (here.length === 0) return null;
      return failed(
        item(peer),
        `resolves to ${here.join(", ")}, which is this host itself`,
        "correct /etc/hosts or DNS",
      );
    }),
  );
  const troubles = found.filter((finding) => finding !== null);
  if (troubles.length > 0 || peers.length === 0) return troubles;
  return [ok("names of peers", peers.length === 1 ? "it resolves" : `all ${peers.length} resolve`)];
}

/** Names of which only the first address in /etc/hosts is seen: csync2 refuses them too if they come from another one. */
async function judgeHostsFile(names: readonly string[], limits: Limits): Promise<Finding[]> {
  const looked = names.map(async (name) =>
    unseenAddresses(name, await addressesOf(name, limits)).map((address) => `${address} for ${name}`),
  );
  const unseen = (await Promise.all(looked)).flat();
  if (unseen.length === 0) return [];
  return [
    warning(
      "/etc/hosts",
      `it has ${unseen.join(", ")}, and the name does not resolve to that: only its first line counts`,
      'write "multi on" into /etc/host.conf, on every member: csync2 and csync2rev refuse a member that comes from an address they do not see',
    ),
  ];
}

/** Where connections to peers come from: our peername's address if this host has it, otherwise the kernel's choice. */
async function judgeSource(me: string, groups: readonly Group[], limits: Limits): Promise<Finding> {
  const item = `source address of ${me}`;
  const bound = await ownAddresses(me, limits);
  const known = await addressesOf(me, limits);
  const peers = unique(
    groups
      .filter((group) => group.me.peername === me)
      .flatMap((group) => membersToAsk(group).map(peernameOf)),
  );
  const sources = new Set<string>();
  for (const [address] of await Promise.all(peers.map((peer) => addressesOf(peer, limits)))) {
    if (address === undefined || isLoopback(address)) continue;
    const source = (await sourceFor(bound, address)) ?? (await chosenSource(address));
    if (source !== null) sources.add(source);
  }
  const strange = [...sources].filter((source) => !known.includes(source));
  if (strange.length > 0)
    return warning(
      item,
      `peers see ${strange.join(", ")}, but ${me} resolves to ${known.join(", ") || "nothing"}`,
      `let ${me} resolve to ${strange.join(", ")} on every member, otherwise they refuse this host (wrong-address)`,
    );
  return ok(
    item,
    sources.size === 0 ? "no peer can be asked from here" : `peers see ${[...sources].join(", ")}`,
  );
}

function otherMembers(group: Group): readonly Host[] {
  return group.hosts.filter((host) => host.hostname !== group.me.hostname);
}

function peernameOf({ peername }: Host): string {
  return peername;
}

function localAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((list) =>
    (list ?? []).map(({ address }) => canonicalAddress(address)),
  );
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)];
}
