import type { Group, Host } from "../csync2cfg/model.ts";
import { Csync2revError } from "../errors.ts";

/** One way to ask a peer: a group that this host shares with it, and in which the peer may push. */
export interface Route {
  readonly group: Group;
  /** The peer in this group. */
  readonly peer: Host;
}

/**
 * One line of the plan: a host to ask for what it holds for one peername of ours. A host is asked more than once only where this
 * host goes by several peernames: csync2 lists dirty files under them.
 */
export interface PlannedPeer {
  /** The peer's peername in the first route. */
  readonly name: string;
  /** In file order; the first that serves is used. */
  readonly routes: readonly [Route, ...Route[]];
}

/** What -G and -P leave; undefined where they were not given. */
export interface Selection {
  readonly groups?: readonly string[] | undefined;
  readonly peers?: readonly string[] | undefined;
}

/**
 * Whom to ask, in file order: every member of every group of this host that may push, once each.
 * @param hostname the name that was looked for in csync2.cfg, for the message if it is in no group
 * Throws `usage` for a group or peer that is not there to be selected, `no-group` where this host is in none.
 */
export function plan(
  groups: readonly Group[],
  selection: Selection,
  hostname: string,
): readonly PlannedPeer[] {
  if (groups.length === 0)
    throw new Csync2revError(
      "no-group",
      `this host, "${hostname}", is in no group of csync2.cfg: write this name into a host line, or say with -N which name it goes by there`,
    );
  const names = groups.map(({ name }) => name);
  const unknownGroup = selection.groups?.find((name) => !names.includes(name));
  if (unknownGroup !== undefined)
    throw new Csync2revError(
      "usage",
      `-G: this host is in no group "${unknownGroup}", only in ${names.join(", ")}`,
    );

  const routes = groups
    .filter(({ name }) => selection.groups?.includes(name) ?? true)
    .flatMap((group) => membersToAsk(group).map((peer): Route => ({ group, peer })));
  const known = new Set(routes.flatMap(({ peer }) => [peer.peername, peer.hostname]));
  const unknownPeer = selection.peers?.find((name) => !known.has(name));
  if (unknownPeer !== undefined)
    throw new Csync2revError(
      "usage",
      `-P: no peer "${unknownPeer}" that may push to this host, only ${[...known].join(", ") || "none"}`,
    );

  const planned = new Map<string, [Route, ...Route[]]>();
  for (const route of routes) {
    const { peername, hostname } = route.peer;
    if (selection.peers?.includes(peername) === false && !selection.peers.includes(hostname)) continue;
    const key = JSON.stringify([hostname, route.group.me.peername]);
    const others = planned.get(key);
    if (others === undefined) planned.set(key, [route]);
    else others.push(route);
  }
  return [...planned.values()].map((routesOfPeer) => ({
    name: routesOfPeer[0].peer.peername,
    routes: routesOfPeer,
  }));
}

/** The members of a group that this host asks: all others that are no slaves there. */
export function membersToAsk(group: Group): readonly Host[] {
  return group.hosts.filter(
    (host) => host !== group.me && host.hostname !== group.me.hostname && !host.slave,
  );
}
