import { gaugeOfEach, type Labels, type Metric } from "../metrics.ts";
import type { StatusResult } from "./status.ts";

/**
 * What `--status` found, as metrics.
 * @param config the config name, or "" for csync2.cfg. It becomes a label, so that files of several configurations can be in one folder.
 */
export function metricsOfStatus({ peers, treeGone }: StatusResult, config: string): Metric[] {
  const ofRun: Labels = config === "" ? {} : { config };
  const ofPeers = peers.map((row) => ({
    ...row,
    labels: { ...ofRun, peer: row.peer, myname: row.myname, group: row.group },
  }));
  return [
    {
      name: "csync2rev_status_tree_gone",
      help: "1 if files that csync2 here knows of are gone from the disk.",
      samples: [{ labels: ofRun, value: treeGone === null ? 0 : 1 }],
    },
    gaugeOfEach(
      ofPeers,
      "csync2rev_status_peer_tree_gone",
      "1 if files that csync2 on the peer knows of are gone from its disk.",
      ({ reason }) => (reason === "tree-gone" ? 1 : 0),
    ),
    gaugeOfEach(
      ofPeers,
      "csync2rev_status_pending_files",
      "Files that the peer holds for this host; NaN if it has not said.",
      ({ pending }) => pending ?? NaN,
    ),
    gaugeOfEach(
      ofPeers,
      "csync2rev_status_held_files",
      "Files that this host holds for the peer; NaN if csync2 could not list them.",
      ({ held }) => held ?? NaN,
    ),
  ];
}
