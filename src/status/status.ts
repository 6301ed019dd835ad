import { countDirty } from "../csync2/list.ts";
import { Csync2revError } from "../errors.ts";
import { lookIntoDatabase } from "../csync2/look.ts";
import { describeGone } from "../csync2/trees.ts";
import { csync2Lock, type ConfiguredHost, type ThisHost } from "../host.ts";
import { askTwice, type Answer } from "../requester/ask.ts";
import { EXIT, exitStatus, readAnswer, type Outcome, type Reason } from "../requester/outcome.ts";
import { askOptions, type AskOverrides } from "../requester/options.ts";
import { groupsOf, type PlannedPeer } from "../requester/plan.ts";
import { secondsSince, unless } from "../requester/limits.ts";
import { Slots } from "../requester/slots.ts";

/** What this host and one peer hold for each other: a row of the table, or an object in the JSON. */
export interface PeerStatus {
  readonly peer: string;
  readonly myname: string;
  readonly optional: boolean;
  readonly group: string;
  /** `in-sync`: by their databases, neither host holds a file for the other. */
  readonly outcome: "in-sync" | Outcome;
  readonly reason: Reason | null;
  readonly detail: string | null;
  /** Files that the peer holds for this host; null if it has not said. */
  readonly pending: number | null;
  /** Files that this host holds for the peer; null if csync2 here could not list them. */
  readonly held: number | null;
  /** How many files the peer holds for each of its own peers. Peers with no file are left out. Null if the peer has not said. */
  readonly holds: Readonly<Record<string, number>> | null;
}

/** What `--status` found, as `--json` prints it. */
export interface StatusResult {
  readonly host: string;
  readonly seconds: number;
  readonly exit: number;
  /** Which recorded files are gone from this host's disk, as text. Null if none are, or if csync2 cannot tell. */
  readonly treeGone: string | null;
  readonly peers: readonly PeerStatus[];
}

/**
 * `--status`: asks every peer once how many files it holds for others, and counts the files that this host holds. Only files that csync2
 * has already found count: nothing is checked, and nothing changes.
 * @param interrupt ends everything at once. The result then has what is known so far.
 */
export async function statusOf(
  site: ConfiguredHost,
  peers: readonly PlannedPeer[],
  overrides: AskOverrides,
  interrupt: AbortSignal,
): Promise<StatusResult> {
  const began = performance.now();
  const { host } = site;
  const ourNames = [...new Set(peers.map(({ routes: [{ group }] }) => group.me.peername))];
  const options = await askOptions(host, overrides, ourNames, false, interrupt);
  const slots = new Slots(options.jobs);
  const looking = unless(["deadline", "interrupt"], options.limits, lookHere(site)).catch(ifGone);
  const rows = await Promise.all(
    peers.map(async (planned) => {
      const claim = await slots.claim();
      try {
        const answer = await askTwice("status", planned.routes[0], options, ({ at }) => {
          if (at === "running") claim.prove();
        });
        return row(planned, answer, (await looking).held);
      } finally {
        claim.end();
      }
    }),
  );
  const asOfOthers = rows.map(({ outcome, optional }) => ({
    outcome: outcome === "in-sync" ? ("caught-up" as const) : outcome,
    optional,
  }));
  const { treeGone } = await looking;
  const ofThisHost = treeGone === null ? [] : [{ outcome: "failed" as const, optional: false }];
  return {
    host: host.hostname,
    seconds: secondsSince(began),
    exit: interrupt.aborted ? EXIT.interrupted : exitStatus([...asOfOthers, ...ofThisHost]),
    treeGone,
    peers: rows,
  };
}

/** What csync2 on this host says. */
interface Here {
  /** How many files this host holds for each peername. Null if csync2 cannot list them. */
  readonly held: ReadonlyMap<string, number> | null;
  /** Which recorded files are gone from this host, as text. Null if none are, or if csync2 cannot tell. */
  readonly treeGone: string | null;
}

async function lookHere(site: ConfiguredHost): Promise<Here> {
  const [held, treeGone] = await Promise.all([countHere(site.host), goneHere(site)]);
  return { held, treeGone };
}

/** What is known if csync2 has not told all before a limit was reached: half of it could pass for the whole. */
function ifGone(error: unknown): Here {
  if (!(error instanceof Csync2revError) || error.code !== "gone") throw error;
  return { held: null, treeGone: null };
}

/** How many files this host holds for each peername. Null if csync2 cannot list them. */
async function countHere(host: ThisHost): Promise<ReadonlyMap<string, number> | null> {
  try {
    return await countDirty(host, null);
  } catch (error) {
    if (!(error instanceof Csync2revError)) throw error;
    return null;
  }
}

/** Which recorded files are gone from this host, as text. Null if none are, or if csync2 cannot tell. */
async function goneHere(site: ConfiguredHost): Promise<string | null> {
  if (csync2Lock(site.host) !== null) return null;
  try {
    const look = await lookIntoDatabase(site);
    return look.kind === "gone" ? describeGone(look.trees, site.host.hostname) : null;
  } catch (error) {
    if (!(error instanceof Csync2revError)) throw error;
    return null;
  }
}

function row(planned: PlannedPeer, answer: Answer, here: ReadonlyMap<string, number> | null): PeerStatus {
  const [{ group, peer }] = planned.routes;
  const { outcome, reason, detail, pending } = readAnswer(answer);
  const held = here === null ? null : (here.get(peer.peername) ?? 0);
  return {
    peer: peer.peername,
    myname: group.me.peername,
    optional: planned.optional,
    group: groupsOf(planned).join(","),
    outcome:
      outcome === "caught-up" ? (held === null ? "failed" : held > 0 ? "pending" : "in-sync") : outcome,
    reason,
    detail: detail ?? (held === null ? "csync2 on this host could not list the files that it holds" : null),
    pending,
    held,
    holds: answer.kind === "done" ? (answer.done.holds ?? null) : null,
  };
}
