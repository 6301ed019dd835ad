import { mayAsk } from "../csync2cfg/directive.ts";
import type { Group, Host } from "../csync2cfg/model.ts";
import { verbOf, type Scope, type Verb } from "../csync2/verbs.ts";
import { csync2Lock, firstFault, type ReadableHost } from "../host.ts";
import type { RefusalReason, Request } from "../wire/messages.ts";
import { plainAddress } from "./connection.ts";

/** Why a member is turned away: `detail` is for its administrator. */
export interface Refusal {
  readonly reason: RefusalReason;
  readonly detail: string;
}

/** What would reach csync2 as something else than one name. */
const UNFIT_FOR_ARGV = /^-|[,\0\p{Surrogate}]/u;

/** A request whose sender may have what it asks for. Only authorise() makes one; only one of these starts csync2. */
export class AuthorisedRequest {
  readonly verb: Verb;
  readonly output: boolean;
  readonly group: Group;
  readonly #from: Host;

  private constructor(verb: Verb, output: boolean, group: Group, from: Host) {
    this.verb = verb;
    this.output = output;
    this.group = group;
    this.#from = from;
  }

  /** The requester, as the local csync2.cfg names it. */
  get from(): Host {
    return this.#from;
  }

  /** What csync2 may touch for it. */
  get scope(): Scope {
    return { me: this.group.me.peername, peer: this.#from.peername, groups: null };
  }

  /**
   * Holds an opened request against the local csync2.cfg, in the order of the protocol: to is me → group knows from → address →
   * allow-list → slave → csync2.lock.
   * @param opened the request, and the groups whose key opened it
   * @param address where the connection comes from; null where stdin is no socket
   */
  static async authorise(
    opened: { readonly request: Request; readonly groups: readonly Group[] },
    address: string | null,
    site: ReadableHost,
  ): Promise<AuthorisedRequest | Refusal> {
    const { request, groups } = opened;
    const { host } = site;
    if (firstFault(site) !== null)
      return refusal(
        "config",
        "its csync2rev.ini or a #csync2rev line in its csync2.cfg is no good: csync2rev --test there says where",
      );
    const verb = verbOf(request.verb);
    if (verb === undefined)
      return refusal("unsupported-verb", `this csync2rev does not know the verb "${request.verb}"`);

    // csync2 lets groups share a name.
    const named = groups.filter(({ name }) => name === request.group);
    if (named.length === 0) return refusal("not-a-member", `no group "${request.group}" with this key there`);
    const mine = named.filter(({ me }) => me.peername === request.to);
    if (mine.length === 0) {
      const names = [...new Set(named.map(({ me }) => me.peername))].join(", ");
      return refusal("wrong-host", `this is ${names}, not "${request.to}", in group ${request.group}`);
    }
    const [membership] = mine.flatMap((group) =>
      group.hosts
        .filter((member) => member.peername === request.from && (member !== group.me || verb === "ping"))
        .map((from) => ({ group, from })),
    );
    if (membership === undefined)
      return refusal(
        "not-a-member",
        `group ${request.group} there has no other host with peername "${request.from}"`,
      );
    const { group, from } = membership;
    const unsafe = [from.peername, group.me.peername].find((name) => UNFIT_FOR_ARGV.test(name));
    if (unsafe !== undefined)
      return refusal(
        "config",
        `the name "${unsafe}" in csync2.cfg would read as an option or a list to csync2, or is no UTF-8`,
      );
    if (host.settings.verifyAddress) {
      const wrong = await wrongAddress(from.peername, address);
      if (wrong !== null) return wrong;
    }
    // A host pings itself to test that its own handler answers, and with the right keys.
    if (from === group.me) return new AuthorisedRequest(verb, request.output, group, from);
    if (!mayAsk(group, from))
      return refusal("not-allowed", `no "#csync2rev allow" line of group ${group.name} there names you`);
    if (group.me.slave)
      return refusal("slave", `${group.me.peername} is a slave in group ${group.name}: it may not push`);
    if (csync2Lock(host) !== null)
      return refusal(
        "locked",
        `csync2.lock exists in ${host.systemDirectory} there: its administrator has stopped csync2`,
      );
    return new AuthorisedRequest(verb, request.output, group, from);
  }
}

function refusal(reason: RefusalReason, detail: string): Refusal {
  return { reason, detail };
}

/** As csync2's daemon does it (daemon.c): the connection must come from an address that the peername resolves to. */
async function wrongAddress(peername: string, address: string | null): Promise<Refusal | null> {
  if (address === null)
    return refusal("wrong-address", "the connection's address cannot be told: stdin is no socket");
  const { lookup } = await import("node:dns/promises");
  let known: string[];
  try {
    known = (await lookup(peername, { all: true })).map((entry) => plainAddress(entry.address));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    return code === "EAI_AGAIN"
      ? refusal("busy", `"${peername}" does not resolve there for now: ${code}`)
      : refusal("wrong-address", `"${peername}" does not resolve there: ${code ?? "no reason given"}`);
  }
  if (known.includes(address)) return null;
  return refusal(
    "wrong-address",
    `${address} is no address of "${peername}" there: it resolves to ${known.join(", ")}`,
  );
}
