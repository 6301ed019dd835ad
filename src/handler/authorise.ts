import { addressesOf } from "#runtime";
import { mayAsk } from "../csync2cfg/directive.ts";
import type { Group, Host } from "../csync2cfg/model.ts";
import { verbOf, type Scope, type Verb } from "../csync2/verbs.ts";
import { csync2Lock, firstFault, type ReadableHost } from "../host.ts";
import type { GroupRefusal, RefusalReason, Request } from "../wire/messages.ts";
import { plainAddress } from "./connection.ts";

/** Why a member is refused. `detail` is for its administrator. */
export interface Refusal {
  readonly reason: RefusalReason;
  readonly detail: string;
}

/** What csync2 would not take for one name. */
const UNFIT_FOR_ARGV = /^-|[,\0\p{Surrogate}]/u;

/** A request whose sender may have what it asks for. Only authorise() makes one, and only such a request starts csync2. */
export class AuthorisedRequest {
  readonly verb: Verb;
  readonly output: boolean;
  /** Nothing outside it is listed, compared or pushed. No group outside it has the name of a group in it. */
  readonly scope: Scope;
  /** The groups in it. */
  readonly groups: readonly string[];
  /** Whether the scope is all groups of this host. Then the requester may see every line of csync2. */
  readonly isWhole: boolean;
  /** Groups with the same key and the same two hosts that the requester may not use. */
  readonly refused: readonly GroupRefusal[];

  private constructor(
    verb: Verb,
    output: boolean,
    scope: Scope,
    groups: readonly string[],
    isWhole: boolean,
    refused: readonly GroupRefusal[],
  ) {
    this.verb = verb;
    this.output = output;
    this.scope = scope;
    this.groups = groups;
    this.isWhole = isWhole;
    this.refused = refused;
  }

  /**
   * Checks an opened request against the local csync2.cfg, in the order of the protocol: to is me → from is a member → address → each
   * group's allow-list, slaves and name → csync2.lock. The group that the request names does not matter: its key decides in which
   * groups the requester is.
   * @param opened the request, and the groups whose key opened it
   * @param address where the connection comes from; null if stdin is not a socket
   */
  static async authorise(
    opened: { readonly request: Request; readonly groups: readonly Group[] },
    address: string | null,
    site: ReadableHost,
  ): Promise<AuthorisedRequest | Refusal> {
    const { request, groups } = opened;
    const { host, configuration } = site;
    if (firstFault(site) !== null)
      return refusal(
        "config",
        "its csync2rev.ini or a #csync2rev line in its csync2.cfg is wrong: csync2rev --test there says where",
      );
    const verb = verbOf(request.verb);
    if (verb === undefined)
      return refusal("unsupported-verb", `this csync2rev does not know the verb "${request.verb}"`);

    const mine = groups.filter(({ me }) => me.peername === request.to);
    if (mine.length === 0) {
      const names = [...new Set(groups.map(({ me }) => me.peername))].join(", ");
      return refusal("wrong-host", `this is ${names}, not "${request.to}", in the groups with this key`);
    }
    const memberships = mine.flatMap((group): Membership[] => {
      const from = group.hosts.find(
        (member) => member.peername === request.from && (member !== group.me || verb === "ping"),
      );
      return from === undefined ? [] : [{ group, from }];
    });
    const [first] = memberships;
    if (first === undefined)
      return refusal("not-a-member", `no group with this key there has another host "${request.from}"`);
    const { from, me } = { from: first.from.peername, me: first.group.me.peername };
    const unsafe = [from, me].find((name) => UNFIT_FOR_ARGV.test(name));
    if (unsafe !== undefined)
      return refusal(
        "config",
        `csync2 would take the name "${unsafe}" in csync2.cfg for an option or a list, or it is not UTF-8`,
      );
    if (host.settings.verifyAddress) {
      const wrong = await wrongAddress(from, address);
      if (wrong !== null) return wrong;
    }
    const { granted, refused } = scopeOf(memberships, configuration.groups);
    if (granted.length === 0 && refused[0] !== undefined)
      return refusal(refused[0].reason, refused.map(({ detail }) => detail).join("; "));
    if (from !== me && csync2Lock(host) !== null)
      return refusal(
        "locked",
        `csync2.lock exists in ${host.systemDirectory} there: its administrator has stopped csync2`,
      );
    const names = [...new Set(granted.map(({ name }) => name))];
    const isWhole = granted.length === configuration.groups.length;
    // With -G, csync2 names the groups to the peer's csync2. That one accepts no file of a group that has another name there.
    const isLimited = configuration.groups.some(
      (group) => !granted.includes(group) && group.hosts.some(({ peername }) => peername === from),
    );
    const scope = { me, peer: from, groups: isLimited ? names : null };
    return new AuthorisedRequest(verb, request.output, scope, names, isWhole, refused);
  }
}

/** A group, and the requester in it. */
interface Membership {
  readonly group: Group;
  readonly from: Host;
}

/**
 * The groups that a requester may use, and why not the others. csync2 -G takes groups by name, so no group outside the scope may have the
 * same name.
 */
function scopeOf(
  memberships: readonly Membership[],
  ofThisHost: readonly Group[],
): { granted: readonly Group[]; refused: readonly GroupRefusal[] } {
  const judged = memberships.map((membership) => ({
    group: membership.group,
    why: whyNotIn(membership),
  }));
  const allowed = judged.filter(({ why }) => why === null).map(({ group }) => group);
  const outside = new Set(ofThisHost.filter((group) => !allowed.includes(group)).map(({ name }) => name));
  const named = judged.map(({ group, why }) => ({
    group,
    why:
      why ??
      (outside.has(group.name)
        ? refusal(
            "config",
            `csync2.cfg there has two groups named ${group.name}, one of which is not yours, and csync2 -G takes both: rename one`,
          )
        : null),
  }));
  return {
    granted: named.filter(({ why }) => why === null).map(({ group }) => group),
    refused: named.flatMap(({ group, why }) => (why === null ? [] : { group: group.name, ...why })),
  };
}

/** Why a requester may not use a group; null if it may. A host may ping itself to test its own handler: nothing runs. */
function whyNotIn({ group, from }: Membership): Refusal | null {
  if (from === group.me) return null;
  if (!mayAsk(group, from))
    return refusal("not-allowed", `no "#csync2rev allow" line of group ${group.name} there names you`);
  if (group.me.slave)
    return refusal("slave", `${group.me.peername} is a slave in group ${group.name}: it may not push`);
  if (UNFIT_FOR_ARGV.test(group.name))
    return refusal(
      "config",
      `csync2 -G would take the group name "${group.name}" in csync2.cfg there for an option or a list, or it is not UTF-8: rename it`,
    );
  return null;
}

function refusal(reason: RefusalReason, detail: string): Refusal {
  return { reason, detail };
}

/** As csync2's daemon (daemon.c): the connection must come from an address that the peername resolves to. */
async function wrongAddress(peername: string, address: string | null): Promise<Refusal | null> {
  if (address === null)
    return refusal("wrong-address", "the connection has no known address: stdin is not a socket");
  let known: string[];
  try {
    known = (await addressesOf(peername)).map(plainAddress);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    return code === "EAI_AGAIN"
      ? refusal("busy", `"${peername}" does not resolve there for now: ${code}`)
      : refusal("wrong-address", `"${peername}" does not resolve there: ${code ?? "no reason given"}`);
  }
  if (known.includes(address)) return null;
  const { unseenAddresses } = await import("../hosts-file.ts");
  const why = unseenAddresses(peername, known).includes(address)
    ? `. /etc/hosts there has it, but without "multi on" in /etc/host.conf only the first line of a name counts`
    : "";
  return refusal(
    "wrong-address",
    `${address} is not an address of "${peername}" there: it resolves to ${known.join(", ")}${why}`,
  );
}
