import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { Csync2revError } from "../errors.ts";
import type { OthersResult } from "./others.ts";
import { OUTCOMES } from "../requester/outcome.ts";

/** node_exporter runs as a user of its own. */
const MODE = 0o644;
/** What stands in the file before is read up to this size, in bytes. */
const READ_LIMIT = 1 << 20;

type Labels = Readonly<Record<string, string>>;

/** One metric, a gauge, with its samples. */
interface Metric {
  readonly name: string;
  readonly help: string;
  readonly samples: readonly { readonly labels: Labels; readonly value: number }[];
}

/**
 * Writes what came of `--others` for the textfile collector of Prometheus's node_exporter, in one atomic rename. When it last went
 * well is carried over from the file as it was; 0 stands for never.
 * @param config the config name: several may be written into one folder, each to a file of its own
 * @param now seconds since 1970
 * Throws `system` where the file cannot be written.
 */
export function writeMetrics(file: string, result: OthersResult, config: string, now: number): void {
  const before = readSamples(file);
  const text = metricsOf(result, config, now, (sample) => before.get(sample) ?? 0)
    .map(render)
    .join("");
  const part = `${file}.${process.pid}.part`;
  try {
    rmSync(part, { force: true });
    const fd = openSync(part, "wx", MODE);
    try {
      fchmodSync(fd, MODE);
      writeSync(fd, text);
    } finally {
      closeSync(fd);
    }
    renameSync(part, file);
  } catch (cause) {
    rmSync(part, { force: true });
    const { code } = cause as NodeJS.ErrnoException;
    throw new Csync2revError(
      "system",
      `cannot write the metrics to ${file}: ${code ?? "unknown error"}; its folder must be there, and root able to write in it`,
      { cause },
    );
  }
}

function metricsOf(
  { peers, seconds, exit }: OthersResult,
  config: string,
  now: number,
  before: (sample: string) => number,
): Metric[] {
  const ofRun: Labels = config === "" ? {} : { config };
  const ofPeers = peers
    // Two groups may give one name to two hosts; a sample must not be there twice.
    .filter(
      ({ peer, myname }, i) => i === peers.findIndex((one) => one.peer === peer && one.myname === myname),
    )
    .map((peer) => ({ ...peer, labels: { ...ofRun, peer: peer.peer, myname: peer.myname } }));
  const run = (name: string, help: string, value: number): Metric => ({
    name,
    help,
    samples: [{ labels: ofRun, value }],
  });
  const perPeer = (
    name: string,
    help: string,
    value: (peer: (typeof ofPeers)[number]) => number,
  ): Metric => ({
    name,
    help,
    samples: ofPeers.map((peer) => ({ labels: peer.labels, value: value(peer) })),
  });
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

function render({ name, help, samples }: Metric): string {
  const lines = samples.map(({ labels, value }) => `${sampleName(name, labels)} ${String(value)}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${lines.join("")}`;
}

function sampleName(name: string, labels: Labels): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${escaped(value)}"`);
  return pairs.length === 0 ? name : `${name}{${pairs.join(",")}}`;
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

/** The samples of a file that this program wrote; none where there is no such file. The folder may be another user's. */
function readSamples(file: string): ReadonlyMap<string, number> {
  const samples = new Map<string, number>();
  let fd: number;
  try {
    fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return samples;
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile() || stat.size > READ_LIMIT) return samples;
    for (const line of readFileSync(fd, "utf8").split("\n")) {
      const [, name, value] = /^([^#].*) (\d+(?:\.\d+)?)$/.exec(line) ?? [];
      if (name !== undefined) samples.set(name, Number(value));
    }
    return samples;
  } finally {
    closeSync(fd);
  }
}
