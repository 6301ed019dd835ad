import type { OthersResult } from "./others.ts";
import { gaugeOfEach, sampleName, type Labels, type Metric } from "../metrics.ts";
import { OUTCOMES } from "../requester/outcome.ts";

/**
 * The result of `--others`. The time of the last success is taken over from the previous file; 0 means never.
 * @param config the config name: several may be written into one folder, each to a file of its own
 * @param now seconds since 1970
 * @param before finds a value in the previous file
 */
export function metricsOfOthers(
  { peers, seconds, exit }: OthersResult,
  config: string,
  now: number,
  before: (sample: string) => number,
): Metric[] {
  const ofRun: Labels = config === "" ? {} : { config };
  const ofPeers = peers
    .map((peer) => ({
      ...peer,
      labels: { ...ofRun, peer: peer.peer, myname: peer.myname, group: peer.group },
    }))
    // Two groups may have the same name, and give one name to two hosts. A sample must not appear twice.
    .filter(
      (peer, i, all) =>
        i === all.findIndex((one) => JSON.stringify(one.labels) === JSON.stringify(peer.labels)),
    );
  const run = (name: string, help: string, value: number): Metric => ({
    name,
    help,
    samples: [{ labels: ofRun, value }],
  });
  const perPeer = (name: string, help: string, value: (peer: (typeof ofPeers)[number]) => number): Metric =>
    gaugeOfEach(ofPeers, name, help, value);
  const lastRun = "csync2rev_last_success_timestamp_seconds";
  const lastOfPeer = "csync2rev_peer_last_success_timestamp_seconds";
  return [
    run("csync2rev_last_run_timestamp_seconds", "When csync2rev --others last ended.", now),
    run(
      lastRun,
      "When csync2rev --others last caught up with every peer; 0 for never.",
      exit === 0 ? now : before(sampleName(lastRun, ofRun)),
    ),
    run(
      "csync2rev_last_run_exit_status",
      "Exit status of the last run: 0 when all peers are caught up.",
      exit,
    ),
    run("csync2rev_last_run_duration_seconds", "How long the last run took.", seconds),
    {
      name: "csync2rev_peer_outcome",
      help: "1 for the outcome of the last run with this peer, 0 for the others.",
      samples: ofPeers.flatMap(({ labels, outcome }) =>
        OUTCOMES.map((one) => ({ labels: { ...labels, outcome: one }, value: one === outcome ? 1 : 0 })),
      ),
    },
    perPeer(
      lastOfPeer,
      "When this host last caught up with this peer; 0 for never.",
      ({ labels, outcome }) => (outcome === "caught-up" ? now : before(sampleName(lastOfPeer, labels))),
    ),
    run(
      "csync2rev_tree_gone",
      "1 if files that csync2 here knows of are gone from the disk, so that nothing was checked or taken.",
      peers.some(({ reason }) => reason === "own-tree-gone") ? 1 : 0,
    ),
    perPeer(
      "csync2rev_peer_tree_gone",
      "1 if files that csync2 on the peer knows of are gone from its disk, so that it did nothing.",
      ({ reason }) => (reason === "tree-gone" ? 1 : 0),
    ),
    perPeer(
      "csync2rev_peer_pending_files",
      "Files that the peer still holds for this host; NaN where it could not tell.",
      ({ pending }) => pending ?? NaN,
    ),
    perPeer(
      "csync2rev_peer_updated_files",
      "Files that the peer wrote here in the last run.",
      ({ updated }) => updated,
    ),
    perPeer(
      "csync2rev_peer_deleted_files",
      "Files that the peer deleted here in the last run.",
      ({ deleted }) => deleted,
    ),
    perPeer(
      "csync2rev_peer_duration_seconds",
      "How long the last run took with this peer.",
      (peer) => peer.seconds,
    ),
  ];
}
