import type { ConfiguredHost } from "../host.ts";
import { Afterwards } from "./afterwards.ts";
import { secondsSince } from "../requester/limits.ts";
import { askOptions } from "../requester/options.ts";
import { EXIT, exitStatus, type PeerResult } from "../requester/outcome.ts";
import type { PlannedPeer } from "../requester/plan.ts";
import type { OthersWatcher } from "./conversations.ts";
import { OthersRun, type OthersOptions } from "./run.ts";
import { Turn } from "./turn.ts";

/** What came of it, as `--json` prints it. */
export interface OthersResult {
  readonly host: string;
  readonly seconds: number;
  readonly exit: number;
  /** Whether nothing was changed: counts and files say what would be. */
  readonly dryRun: boolean;
  /** Whether this host's database knew no file, so that the run reconciled. */
  readonly newMember: boolean;
  /** How often all peers were asked: once more each time that another csync2.cfg had come. */
  readonly rounds: number;
  readonly peers: readonly PeerResult[];
}

/**
 * Catches this host up: has every planned peer check, side by side, and push what it holds for this host, one at a time. A peer that
 * is unreachable or busy, or was lost, is asked again until the deadline.
 * @param interrupt ends everything at once; what is known so far is the result
 */
export async function askOthers(
  site: ConfiguredHost,
  peers: readonly PlannedPeer[],
  options: OthersOptions,
  watcher: OthersWatcher,
  interrupt: AbortSignal,
): Promise<OthersResult> {
  const began = performance.now();
  const { host } = site;
  const routes = peers.flatMap((peer) => peer.routes);
  const ourNames = [...new Set(routes.map(({ group }) => group.me.peername))];
  const asking = await askOptions(host, options, ourNames, options.output, interrupt);
  const run = new OthersRun(site, peers, options, asking, watcher);
  const turns = peers.map((peer) => new Turn(peer));
  const results = new Array<PeerResult>(turns.length);
  await Promise.all(
    inRandomOrder([...turns.entries()]).map(async ([i, turn]) => {
      const result = turn.withRefused(await run.catchUpFrom(turn));
      results[i] = result;
      watcher.result(turn.peer, result);
    }),
  );

  const afterwards = new Afterwards(site, run, asking, watcher, turns, results);
  await afterwards.renew();
  if (options.verify !== null) await afterwards.verify(options.verify);
  // A host that has nothing must have got it from somebody.
  const nobody = results.every(({ outcome }) => outcome !== "caught-up");
  const lacksAll = nobody && exitStatus(results) === 0 && (await run.lacksAll());
  const counted = lacksAll ? results.map((peer) => ({ ...peer, optional: false })) : results;
  return {
    host: host.hostname,
    seconds: secondsSince(began),
    exit: interrupt.aborted ? EXIT.interrupted : exitStatus(counted),
    dryRun: options.dryRun,
    newMember: await run.isNewMember(),
    rounds: 1,
    peers: results,
  };
}

/** Hosts that boot together must not all ask the same peer first. */
function inRandomOrder<T>(all: readonly T[]): T[] {
  return all
    .map((one) => ({ one, place: Math.random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ one }) => one);
}
