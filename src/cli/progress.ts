import { isAnnouncement } from "../csync2/output.ts";
import type { OthersWatcher } from "../others/run.ts";
import type { Screen } from "../others/screen.ts";
import { describeStage } from "../others/words.ts";
import { printable, quotable } from "../printable.ts";
import type { PlannedPeer } from "../requester/plan.ts";

/** How many bytes of the peers' lines may wait for their reader before further lines are left out. */
const BACKLOG_LIMIT = 1 << 20;

/**
 * Shows the progress of `--others`.
 * @param screen null if there is none: only csync2's lines are shown then
 * @param verbose whether csync2's lines are shown, on stderr
 */
export function showProgress(
  screen: Screen | null,
  peers: readonly PlannedPeer[],
  verbose: boolean,
): OthersWatcher {
  const files = new Map<PlannedPeer, number>();
  let leftOut = 0;
  return {
    stage(peer, verb, stage) {
      const line = stage.at === "running" ? stage.line : null;
      if (line !== null && isAnnouncement(line)) files.set(peer, (files.get(peer) ?? 0) + 1);
      if (line !== null && verbose) {
        if (process.stderr.writableLength > BACKLOG_LIMIT) {
          leftOut++;
          return;
        }
        const before =
          leftOut > 0 ? `(${leftOut} lines left out: they came faster than they were read)\n` : "";
        leftOut = 0;
        const text = `${before}${printable(peer.name)}: ${quotable(line)}\n`;
        if (screen === null) process.stderr.write(text);
        else screen.print(text);
      }
      screen?.set(peers.indexOf(peer), describeStage(verb, stage, files.get(peer) ?? 0), false);
    },
    result(peer, { outcome }) {
      screen?.set(peers.indexOf(peer), outcome, true);
    },
  };
}
