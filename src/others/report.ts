import { printable } from "../printable.ts";
import type { Verb } from "../csync2/verbs.ts";
import type { Stage } from "./ask.ts";
import type { OthersResult } from "./others.ts";
import type { PeerResult } from "./outcome.ts";

/** What `--others` prints in the end: a table, then what needs somebody's attention, with what to do about it. */
export function describeResult(result: OthersResult, dryRun: boolean): string {
  const { peers } = result;
  if (peers.length === 0) return "no other member may push to this host: there is nobody to ask\n";
  const troubled = peers.filter(({ outcome }) => outcome !== "caught-up");
  return [
    table(peers, dryRun),
    ...troubled.map((peer) => describeTrouble(peer, result.host, dryRun)),
    summary(result, dryRun),
  ].join("\n");
}

/** What `--others -q` prints: nothing where there is nothing to do. */
export function describeTroubles(result: OthersResult, dryRun: boolean): string {
  return result.peers
    .filter(({ outcome }) => outcome !== "caught-up")
    .map((peer) => describeTrouble(peer, result.host, dryRun))
    .join("\n");
}

/** One line on where a peer stands, for the terminal while it is asked. */
export function describeStage(verb: Verb | null, stage: Stage, files: number): string {
  if (verb === null) return "comparing databases";
  switch (stage.at) {
    case "connecting":
      return "connecting";
    case "asked":
      return `asked to ${verb}`;
    case "waiting":
      return stage.on === "lock" ? `waiting: ${stage.detail}` : `will be tried again: ${stage.detail}`;
    case "running":
      if (stage.idle >= 30) return `${DOING[verb]}; no sign of life for ${stage.idle} s`;
      return files > 0 ? `${DOING[verb]}: file ${files}` : DOING[verb];
  }
}

const DOING: Readonly<Record<Verb, string>> = {
  ping: "answering",
  check: "checking its files",
  update: "pushing",
  sync: "checking and pushing",
  preview: "previewing",
  reconcile: "reconciling",
};

const COLUMNS = ["PEER", "GROUP", "OUTCOME", "UPDATED", "DELETED", "PENDING", "SECONDS"];
/** The columns ahead of this one hold names, the others numbers. */
const FIRST_NUMBER = 3;

function table(peers: readonly PeerResult[], dryRun: boolean): string {
  const rows = peers.map(({ peer, group, outcome, exit, updated, deleted, pending, seconds }) => [
    printable(peer),
    printable(group),
    dryRun && outcome === "pending" ? "would change" : outcome,
    exit === null ? "-" : String(updated),
    exit === null ? "-" : String(deleted),
    pending === null ? "-" : String(pending),
    seconds.toFixed(1),
  ]);
  const widths = COLUMNS.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) =>
        column < FIRST_NUMBER ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join("  ")
      .trimEnd();
  return [COLUMNS, ...rows].map(line).join("\n") + "\n";
}

function describeTrouble(result: PeerResult, host: string, dryRun: boolean): string {
  const { peer, outcome, reason, detail, pending, files } = result;
  const what = [dryRun && outcome === "pending" ? "would change" : outcome, reason, detail].filter(
    (word) => word !== null,
  );
  const unnamed = (pending ?? 0) - files.length;
  return [
    `${peer}: ${what.join(": ")}`,
    ...files.map((file) => `    ${file}`),
    ...(files.length > 0 && unnamed > 0 ? [`    and ${unnamed} more`] : []),
    ...advice(result, host, dryRun).map((line) => `  → ${line}`),
  ]
    .map((line) => `${printable(line)}\n`)
    .join("");
}

/** What to do about it. */
function advice(
  { peer, myname, group, outcome, reason, exit, files }: PeerResult,
  host: string,
  dryRun: boolean,
): string[] {
  switch (outcome) {
    case "caught-up":
      return [];
    case "pending": {
      if (dryRun || reason === "differs") return [];
      const file = quoteForShell(files[0] ?? "FILE");
      if (reason === "unsent")
        return [
          `to delete them there too, run here  csync2 -u -P ${peer} && csync2rev --others --reconcile -P ${peer}`,
          `to have one back, run there  csync2 -TUI ${peer} ${myname} ${file}; csync2 -f ${file}; csync2 -u -P ${myname} ${file}`,
        ];
      if (reason === "undecided")
        return [
          `to take ${peer}'s, run there  csync2 -TUI ${peer} ${myname} ${file}; csync2 -u -P ${myname} ${file}`,
          `to keep ${host}'s, run here  csync2 -TUI ${myname} ${peer} ${file}; csync2 -u -P ${peer} ${file}`,
        ];
      if (exit === 0) return ["changed while it was pushed: run csync2rev --others again"];
      return [
        `if both hosts changed a file: to take ${peer}'s, run there  csync2 -f ${file} && csync2 -u -P ${myname} ${file}`,
        `to keep ${host}'s, run here  csync2 -f ${file} && csync2 -u -P ${peer} ${file}`,
      ];
    }
    case "failed":
      return reason === "not-ready"
        ? []
        : [`csync2rev's log on ${peer} has more; then run csync2rev --others again`];
    case "lost":
      return ["the push may have gone on without us: run csync2rev --others again"];
    case "unreachable":
      return [
        `is ${peer} up, and csync2rev in its inetd, xinetd or systemd? Then run csync2rev --others again`,
      ];
    case "busy":
      return ["run csync2rev --others again later"];
    case "unanswered":
      return [
        `the key file of group ${group} must be the same on both hosts; csync2rev --test on both shows more`,
      ];
    case "refused":
      return REFUSED[reason ?? ""]?.(peer, host) ?? [];
  }
}

const REFUSED: Readonly<Record<string, (peer: string, host: string) => string[]>> = {
  "not-a-member": (peer) => [`give ${peer} the same csync2.cfg as this host`],
  "not-allowed": (peer, host) => [
    `if ${host} should be allowed, add it to the "#csync2rev allow" line in csync2.cfg on ${peer}`,
  ],
  "wrong-address": (peer, host) => [
    `mend /etc/hosts or DNS on ${peer}, so that it knows ${host}'s address; csync2 itself wants that too`,
  ],
  "wrong-host": (peer) => [`name service here leads to another host than ${peer}: mend /etc/hosts or DNS`],
  slave: (peer) => [`csync2.cfg here and on ${peer} differ: here it is no slave`],
  locked: (peer) => [`remove csync2.lock on ${peer} once it may work again`],
  "unsupported-verb": (peer) => [`install a newer csync2rev on ${peer}`],
  config: (peer) => [`run csync2rev --test on ${peer}`],
};

function summary({ peers, seconds }: OthersResult, dryRun: boolean): string {
  const caughtUp = peers.filter(({ outcome }) => outcome === "caught-up").length;
  const of = `${caughtUp} of ${peers.length} ${peers.length === 1 ? "peer" : "peers"}`;
  const inTime = `in ${seconds.toFixed(1)} s`;
  return dryRun
    ? `${of} would send nothing; asked ${inTime}, nothing was changed\n`
    : `caught up with ${of} ${inTime}\n`;
}

function quoteForShell(file: string): string {
  return /^[\w@%+=:,./-]+$/.test(file) ? file : `'${file.replaceAll("'", "'\\''")}'`;
}
