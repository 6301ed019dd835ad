import type { Group, Host } from "../csync2cfg/model.ts";
import { isNamedBy } from "../csync2cfg/directive.ts";
import { Csync2revError } from "../errors.ts";
import type { ThisHost } from "../host.ts";

/** One way to ask a peer: a group that this host shares with it, and in which the peer may push. */
export interface Route {
  readonly group: Group;
  /** The peer in this group. */
  readonly peer: Host;
}

/**
 * One line of the plan: one request to one host. It covers every group that both hosts share with the same two peernames and the same
 * key. A host is asked once for each such set.
 */
export interface PlannedPeer {
  /** The peer's peername. */
  readonly name: string;
  /** In file order. The request names the group of the first one. If a peer of 1.0.0 refuses that, it names the next. */
  readonly routes: readonly [Route, ...Route[]];
  /** It is usually off: it is asked, and nobody waits for it. */
  readonly optional: boolean;
}

/** The names of the groups that a request covers, each once. */
export function groupsOf({ routes }: Pick<PlannedPeer, "routes">): readonly string[] {
  return [...new Set(routes.map(({ group }) => group.name))];
}

/** The values of -G and -P; undefined if not given. -G selects every request that covers one of its groups. */
export interface Selection {
  readonly groups?: readonly string[] | undefined;
  readonly peers?: readonly string[] | undefined;
}

/**
 * Whom to ask, in file order: every member that may push, of every group of this host, once for each set of groups.
 * @param host its `hostname` is the name that was looked for in csync2.cfg, for the message if it is in no group
 * Throws `usage` for an unknown group or peer, `no-group` if this host is in no group.
 */
export function plan(
  groups: readonly Group[],
  selection: Selection,
  { hostname, settings }: Pick<ThisHost, "hostname" | "settings">,
): readonly PlannedPeer[] {
  if (groups.length === 0)
    throw new Csync2revError(
      "no-group",
      `this host, "${hostname}", is in no group of csync2.cfg: write this name into a host line, or give its name there by hostname = in csync2rev.ini or with -N`,
    );
  const names = groups.map(({ name }) => name);
  const unknownGroup = selection.groups?.find((name) => !names.includes(name));
  if (unknownGroup !== undefined)
    throw new Csync2revError(
      "usage",
      `-G: this host is not in a group "${unknownGroup}": choose from ${names.join(", ")}`,
    );

  const sets = new Map<string, [Route, ...Route[]]>();
  for (const group of groups)
    for (const peer of membersToAsk(group)) {
      const key = JSON.stringify([peer.hostname, peer.peername, group.me.peername, group.key.text]);
      const others = sets.get(key);
      if (others === undefined) sets.set(key, [{ group, peer }]);
      else others.push({ group, peer });
    }
  const selected = [...sets.values()].filter((routes) =>
    routes.some(({ group }) => selection.groups?.includes(group.name) ?? true),
  );
  const known = new Set(selected.flatMap(([{ peer }]) => [peer.peername, peer.hostname]));
  const unknownPeer = selection.peers?.find((name) => !known.has(name));
  if (unknownPeer !== undefined)
    throw new Csync2revError(
      "usage",
      `-P: "${unknownPeer}" is not a peer that may push to this host: choose from ${[...known].join(", ") || "none"}`,
    );
  return selected
    .filter(([{ peer }]) =>
      [peer.peername, peer.hostname].some((name) => selection.peers?.includes(name) ?? true),
    )
    .map((routes) => {
      const [{ peer }] = routes;
      // Who names a peer with -P wants that one.
      const optional = selection.peers === undefined && isNamedBy(settings.others.optional, peer);
      return { name: peer.peername, routes, optional };
    });
}

/** The members of a group that this host asks: all others that are not slaves there. */
export function membersToAsk(group: Group): readonly Host[] {
  return group.hosts.filter(
    (host) => host !== group.me && host.hostname !== group.me.hostname && !host.slave,
  );
}
