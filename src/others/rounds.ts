import { stampOf } from "../csync2cfg/load.ts";
import { isChanged } from "../csync2cfg/model.ts";
import { Csync2revError } from "../errors.ts";
import type { ConfiguredHost, ThisHost } from "../host.ts";
import { secondsSince } from "../requester/limits.ts";
import { EXIT, type PeerResult } from "../requester/outcome.ts";
import type { OthersResult } from "./others.ts";
import { withEarlier } from "./turn.ts";

/** How often all peers are asked at most: each round may bring another csync2.cfg. */
const ROUNDS = 3;
/** What a further round has at least, in seconds, to say that it has no time. */
const AT_LEAST = 1;

/** What came of all rounds. */
export interface RoundsResult {
  /** As the last round left it; what was written and deleted is of all rounds. */
  readonly result: OthersResult;
  /** This host as the last round knew it. */
  readonly host: ThisHost;
  /** What is wrong with the csync2.cfg that came: nobody could be asked again. */
  readonly fault: Csync2revError | null;
}

/**
 * Asks the peers, and all of them once more if csync2.cfg was among what they pushed: it may have groups, hosts and files that the
 * one before had not, and which csync2 on this host did not take.
 * @param open reads this host's configuration; throws what is wrong with it
 * @param deadline for all rounds together, in seconds; undefined: as the settings have it
 * @param ask one round; what it gets tells whether csync2.cfg has changed since
 */
export async function askInRounds(
  open: () => ConfiguredHost,
  deadline: number | undefined,
  ask: (site: ConfiguredHost, deadline: number, isOutdated: () => boolean) => Promise<OthersResult>,
): Promise<RoundsResult> {
  const began = performance.now();
  let site = open();
  const allTime = deadline ?? site.host.settings.others.deadline;
  let stamp = stampOf(site.configuration);
  const isOutdated = (): boolean => {
    try {
      if (stampOf(site.configuration) === stamp) return false;
      return isChanged(site.configuration, open().configuration);
    } catch (error) {
      if (!(error instanceof Csync2revError)) throw error;
      return true;
    }
  };
  let result = await ask(site, allTime, isOutdated);
  const ending = (fault: Csync2revError | null): RoundsResult => ({ result, host: site.host, fault });
  while (result.rounds < ROUNDS && result.exit !== EXIT.interrupted) {
    try {
      const now = open();
      if (!isChanged(site.configuration, now.configuration)) break;
      site = now;
      stamp = stampOf(site.configuration);
      const again = await ask(site, Math.max(AT_LEAST, allTime - secondsSince(began)), isOutdated);
      result = together(result, again);
    } catch (error) {
      if (!(error instanceof Csync2revError)) throw error;
      return ending(error);
    }
  }
  return ending(null);
}

/** The result of a round, with what earlier ones have brought. */
function together(before: OthersResult, last: OthersResult): OthersResult {
  const earlier = [...before.peers];
  const peers = last.peers.map((peer): PeerResult => {
    const at = earlier.findIndex((one) => one.peer === peer.peer && one.myname === peer.myname);
    const [one] = at === -1 ? [] : earlier.splice(at, 1);
    if (one === undefined) return peer;
    return {
      ...withEarlier(one, peer),
      attempts: one.attempts + peer.attempts,
      seconds: Math.round((one.seconds + peer.seconds) * 1000) / 1000,
    };
  });
  return {
    ...last,
    rounds: before.rounds + last.rounds,
    newMember: before.newMember || last.newMember,
    seconds: Math.round((before.seconds + last.seconds) * 1000) / 1000,
    peers,
  };
}
