import { gaugeOfEach, type Labels, type Metric } from "../metrics.ts";
import type { StatusResult } from "./status.ts";

/**
 * What `--status` found.
 * @param config the config name: several may be written into one folder, each to a file of its own
 */
export function metricsOfStatus({ peers }: StatusResult, config: string): Metric[] {
  const ofRun: Labels = config === "" ? {} : { config };
  const ofPeers = peers.map((row) => ({
    ...row,
    labels: { ...ofRun, peer: row.peer, myname: row.myname, group: row.group },
  }));
  return [
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
