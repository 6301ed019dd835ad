import type { Labels, Metric } from "../metrics.ts";
import type { PeerStatus, StatusResult } from "./status.ts";

/**
 * What `--status` found.
 * @param config the config name: several may be written into one folder, each to a file of its own
 */
export function metricsOfStatus({ peers }: StatusResult, config: string): Metric[] {
  const ofRun: Labels = config === "" ? {} : { config };
  const gauge = (name: string, help: string, value: (peer: PeerStatus) => number | null): Metric => ({
    name,
    help,
    samples: peers.map((peer) => ({
      labels: { ...ofRun, peer: peer.peer, myname: peer.myname, group: peer.group },
      value: value(peer) ?? NaN,
    })),
  });
  return [
    gauge(
      "csync2rev_status_pending_files",
      "Files that the peer holds for this host; NaN if it has not said.",
      ({ pending }) => pending,
    ),
    gauge(
      "csync2rev_status_held_files",
      "Files that this host holds for the peer; NaN if csync2 could not list them.",
      ({ held }) => held,
    ),
  ];
}
