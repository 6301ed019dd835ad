import { connect } from "node:net";
import { isLoopback } from "../address.ts";
import type { ThisHost } from "../host.ts";
import { addressesOf, chosenSource, ownAddresses } from "./addresses.ts";
import type { Limits } from "./limits.ts";
import type { Route } from "./plan.ts";

/** How long this host's own csync2 may take to answer, in milliseconds. */
const ANSWERS_WITHIN = 5_000;
/** How much of an answer is looked at, in characters. */
const ANSWER_LIMIT = 200;

/** What this host's own csync2 says to a peer that connects. */
export type OwnCsync2 =
  | { readonly kind: "answers" }
  /** Nothing accepts the connection, or it says nothing in time. */
  | { readonly kind: "silent"; readonly why: string }
  /** It hangs up: it cannot read csync2.cfg, or cannot open its database. */
  | { readonly kind: "ends" }
  /** Another program, or a csync2 that says what is wrong. */
  | { readonly kind: "objects"; readonly said: string };

/**
 * Sends csync2 on this host what every csync2 sends first, and waits for its answer. For that, csync2 reads csync2.cfg and opens its
 * database. Nothing is changed.
 */
export async function askOwnCsync2(
  { config, settings }: Pick<ThisHost, "config" | "settings">,
  address: string,
): Promise<OwnCsync2> {
  return await new Promise((resolve) => {
    let said = "";
    const within = `${ANSWERS_WITHIN / 1000} s`;
    const socket = connect({ host: address, port: settings.csync2Port }, () => {
      socket.write(`CONFIG ${config}\nBYE\n`);
    });
    const settle = (answer: OwnCsync2): void => {
      clearTimeout(late);
      socket.destroy();
      resolve(answer);
    };
    const late = setTimeout(() => {
      settle({
        kind: "silent",
        why: said === "" ? `no answer within ${within}` : `no whole answer within ${within}`,
      });
    }, ANSWERS_WITHIN);
    socket.setEncoding("latin1");
    socket.on("data", (part: string) => {
      said += part;
      if (said.startsWith("OK (")) settle({ kind: "answers" });
      else if (said.includes("\n") || said.length > ANSWER_LIMIT)
        settle({ kind: "objects", said: firstLine(said) });
    });
    socket.on("error", ({ code, message }: NodeJS.ErrnoException) => {
      settle({ kind: "silent", why: code === "ECONNREFUSED" ? "nothing listens there" : (code ?? message) });
    });
    socket.on("close", () => {
      settle(said === "" ? { kind: "ends" } : { kind: "objects", said: firstLine(said) });
    });
  });
}

/** Any user of this host may listen there. */
function firstLine(said: string): string {
  return (/[^\r\n]+/.exec(said)?.[0] ?? "").slice(0, ANSWER_LIMIT).trim();
}

/** A peername of this host, and the addresses at which peers connect to it. */
export interface Doorstep {
  readonly name: string;
  /** Peers try one after the other. Empty if the name does not resolve here and no peer can be reached. */
  readonly addresses: readonly string[];
  /** What the name resolves to here. Differs from `addresses` if it is a loopback address, or behind an address translation. */
  readonly resolved: readonly string[];
}

/**
 * Where peers connect to this host's csync2, for each of its peernames: at the addresses of the name that this host has. If the name
 * resolves to none of them here (Debian writes 127.0.1.1), at the address that peers see of this host.
 */
export async function doorsteps(routes: readonly Route[], limits: Limits): Promise<readonly Doorstep[]> {
  const names = [...new Set(routes.map(({ group }) => group.me.peername))];
  return await Promise.all(
    names.map(async (name) => {
      const [own, resolved] = await Promise.all([ownAddresses(name, limits), addressesOf(name, limits)]);
      if (own.length > 0) return { name, addresses: own, resolved };
      const peers = routes.filter(({ group }) => group.me.peername === name).map(({ peer }) => peer.peername);
      const seen = await Promise.all(peers.map(async (peer) => await sourceTowards(peer, limits)));
      return { name, addresses: [...new Set(seen.filter((one) => one !== null))], resolved };
    }),
  );
}

async function sourceTowards(peer: string, limits: Limits): Promise<string | null> {
  const [address] = await addressesOf(peer, limits);
  return address === undefined || isLoopback(address) ? null : await chosenSource(address);
}

/** Why peers cannot push to this host under one of its names, and what to do; null if they can. */
export async function whyClosed(
  host: Pick<ThisHost, "config" | "settings">,
  { name, addresses, resolved }: Doorstep,
): Promise<{ readonly what: string; readonly todo: string } | null> {
  const { csync2Port, csync2Options } = host.settings;
  const answers: string[] = [];
  for (const address of addresses.length > 0 ? addresses : resolved) {
    const answer = await askOwnCsync2(host, address);
    const at = `at ${name} (${address}) port ${csync2Port}`;
    switch (answer.kind) {
      case "answers":
        return null;
      case "ends":
        return {
          what: `csync2 on this host hangs up ${at}: it cannot read csync2.cfg or open its database`,
          todo: "csync2's log says why",
        };
      case "objects":
        return {
          what: `what listens ${at} is not a csync2 that accepts files: it says "${answer.said}"`,
          todo: "check which program listens there",
        };
      case "silent":
        answers.push(`${at}: ${answer.why}`);
    }
  }
  if (answers.length === 0)
    return {
      what: `"${name}", which is this host, does not resolve here`,
      todo: "add it to /etc/hosts or DNS, on every member",
    };
  const elsewhere = resolved.filter(isLoopback);
  for (const address of elsewhere)
    if ((await askOwnCsync2(host, address)).kind === "answers")
      return {
        what: `csync2 on this host does not answer ${answers.join(", ")}; it answers only at ${address}, which ${name} resolves to here`,
        todo: `write ${addresses[0] ?? "this host's address"} instead of ${address} into /etc/hosts, and start csync2 again`,
      };
  const port = csync2Options.includes("-p")
    ? `, with -p ${csync2Port} as csync2-options in csync2rev.ini has it`
    : "";
  return {
    what: `csync2 on this host does not answer ${answers.join(", ")}`,
    todo: `let inetd, xinetd or systemd start csync2 -i there${port}`,
  };
}
