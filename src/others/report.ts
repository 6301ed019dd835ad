import type { HostOptions } from "../host.ts";
import { printable } from "../printable.ts";
import { VERBS, type Verb } from "../csync2/verbs.ts";
import type { Stage } from "../requester/ask.ts";
import { padded, cells, type Paint } from "../terminal.ts";
import type { OthersResult } from "./others.ts";
import type { Outcome, PeerResult } from "../requester/outcome.ts";

/**
 * What `--others` prints in the end: a table, then what needs somebody's attention, with what to do about it.
 * @param options this run's, which the commands to run must be given too
 * @param width of the terminal; Infinity where there is none
 */
export function describeResult(
  result: OthersResult,
  options: HostOptions,
  dryRun: boolean,
  width: number,
  paint: Paint,
): string {
  const { peers } = result;
  if (peers.length === 0) return "no other member may push to this host: there is nobody to ask\n";
  const troubled = peers.filter(({ outcome }) => outcome !== "caught-up");
  return [
    table(peers, dryRun, width, paint),
    ...troubled.map((peer) => describeTrouble(peer, result.host, options, dryRun)),
    summary(result, dryRun),
  ].join("\n");
}

/** What `--others -q` prints: nothing where there is nothing to do. */
export function describeTroubles(result: OthersResult, options: HostOptions, dryRun: boolean): string {
  return result.peers
    .filter(({ outcome }) => outcome !== "caught-up")
    .map((peer) => describeTrouble(peer, result.host, options, dryRun))
    .join("\n");
}

/** One line on where a peer stands, for the terminal while it is asked. */
export function describeStage(verb: Verb | null, stage: Stage, files: number): string {
  if (verb === null) return "comparing databases";
  switch (stage.at) {
    case "queued":
      return verb === "check" ? "waiting to check its files" : "waiting for its turn";
    case "connecting":
      return "connecting";
    case "asked":
      return `asked to ${verb}`;
    case "waiting":
      return stage.on === "lock" ? `waiting: ${stage.detail}` : `will be tried again: ${stage.detail}`;
    case "running":
      return describeRun(VERBS[verb].doing, stage.idle, files);
  }
}

function describeRun(doing: string, idle: number, files: number): string {
  if (idle >= 30) return `${doing}; no sign of life for ${idle} s`;
  return files > 0 ? `${doing}: file ${files}` : doing;
}

interface Column {
  readonly heading: string;
  readonly numeric: boolean;
  readonly cell: (peer: PeerResult, dryRun: boolean) => string;
}

const COLUMNS: readonly Column[] = [
  { heading: "PEER", numeric: false, cell: ({ peer }) => printable(peer) },
  { heading: "GROUP", numeric: false, cell: ({ group }) => printable(group) },
  { heading: "OUTCOME", numeric: false, cell: ({ outcome }, dryRun) => nameOf(outcome, dryRun) },
  { heading: "UPDATED", numeric: true, cell: ({ exit, updated }) => (exit === null ? "-" : String(updated)) },
  { heading: "DELETED", numeric: true, cell: ({ exit, deleted }) => (exit === null ? "-" : String(deleted)) },
  { heading: "PENDING", numeric: true, cell: ({ pending }) => (pending === null ? "-" : String(pending)) },
  { heading: "SECONDS", numeric: true, cell: ({ seconds }) => seconds.toFixed(1) },
];
/** What a narrow terminal does without, the first first. */
const EXPENDABLE = ["GROUP", "SECONDS", "DELETED", "UPDATED"];
const GAP = "  ";

function table(peers: readonly PeerResult[], dryRun: boolean, width: number, paint: Paint): string {
  let columns = COLUMNS.map((column) => {
    const texts = peers.map((peer) => column.cell(peer, dryRun));
    return { ...column, texts, width: Math.max(...[column.heading, ...texts].map(cells)) };
  });
  for (const heading of EXPENDABLE) {
    const needed = columns.reduce((sum, column) => sum + column.width + GAP.length, -GAP.length);
    if (needed <= width) break;
    columns = columns.filter((column) => column.heading !== heading);
  }
  const line = (textOf: (column: (typeof columns)[number]) => string): string =>
    columns
      .map((column) => {
        const text = textOf(column);
        if (column.numeric) return text.padStart(column.width);
        return padded(text, column.width);
      })
      .join(GAP)
      .trimEnd();
  const rows = peers.map(({ outcome }, row) => {
    const text = line(({ texts }) => texts[row] ?? "");
    return paint(COLOUR[outcome], text);
  });
  return [line(({ heading }) => heading), ...rows].map((text) => `${text}\n`).join("");
}

/** Of an outcome: green needs nobody, yellow may mend itself, red needs somebody. */
const COLOUR: Readonly<Record<Outcome, "green" | "yellow" | "red">> = {
  "caught-up": "green",
  pending: "red",
  failed: "red",
  refused: "red",
  unanswered: "red",
  unreachable: "yellow",
  busy: "yellow",
  lost: "yellow",
};

function nameOf(outcome: Outcome, dryRun: boolean): string {
  return dryRun && outcome === "pending" ? "would change" : outcome;
}

function describeTrouble(result: PeerResult, host: string, options: HostOptions, dryRun: boolean): string {
  const { peer, outcome, reason, detail, pending, files } = result;
  const what = [nameOf(outcome, dryRun), reason === outcome ? null : reason, detail].filter(
    (word) => word !== null,
  );
  const unnamed = (pending ?? 0) - files.length;
  return [
    `${peer}: ${what.join(": ")}`,
    ...files.map((file) => `    ${file}`),
    ...(files.length > 0 && unnamed > 0 ? [`    and ${unnamed} more`] : []),
    ...advice(result, host, options, dryRun).map((line) => `  → ${line}`),
  ]
    .map((line) => `${printable(line)}\n`)
    .join("");
}

/** What to do about a result of `--others`. */
function advice(result: PeerResult, host: string, options: HostOptions, dryRun: boolean): string[] {
  const { peer, group, outcome, reason, exit, files } = result;
  switch (outcome) {
    case "caught-up":
      return [];
    case "pending": {
      if (dryRun || reason === "differs") return [];
      if (reason === null && exit === 0)
        return [
          "changed while it was pushed, or its directory is missing here: run csync2rev --others again",
        ];
      return [...settle(result, host, options), ...aboutPrefixes(files)];
    }
    case "failed":
      return reason === "not-ready"
        ? []
        : [`csync2rev's log on ${peer} has more; then run csync2rev --others again`];
    case "lost":
      return ["the push may have gone on without us: run csync2rev --others again"];
    case "busy":
      return ["run csync2rev --others again later"];
    case "unreachable":
      return [`${mend(outcome, reason, { peer, group, host }) ?? ""} Then run csync2rev --others again`];
    case "unanswered":
    case "refused": {
      const mending = mend(outcome, reason, { peer, group, host });
      return mending === null ? [] : [mending];
    }
  }
}

/** The commands that have a pending file go one way or the other. */
function settle({ peer, myname, reason, files }: PeerResult, host: string, options: HostOptions): string[] {
  const [here, there] = [optionsHere(options), optionsEverywhere(options)];
  const plain = files.find(isPlain);
  const file = plain ?? "FILE";
  // csync2 -u takes no name of a file below a prefix, in whatever form: it pushes such a file with all that is dirty.
  const pushTo = (name: string): string => `-u -P ${name}${plain === undefined ? "" : ` ${plain}`}`;
  const takeTheirs = `to take ${peer}'s, run there  csync2${there}`;
  const keepOurs = `to keep ${host}'s, run here  csync2${here}`;
  if (reason === "unsent")
    return [
      `to delete them there too, run here  csync2${here} -u -P ${peer} && csync2rev${here} --others --reconcile -P ${peer}`,
      `to have one back, run there  csync2${there} -TUI ${peer} ${myname} ${file}; csync2${there} -f ${file}; csync2${there} ${pushTo(myname)}`,
    ];
  if (reason === "undecided")
    return [
      `${takeTheirs} -TUI ${peer} ${myname} ${file}; csync2${there} ${pushTo(myname)}`,
      `${keepOurs} -TUI ${myname} ${peer} ${file}; csync2${here} ${pushTo(peer)}`,
    ];
  return [
    `if both hosts changed a file: ${takeTheirs} -f ${file} && csync2${there} ${pushTo(myname)}`,
    `${keepOurs} -f ${file} && csync2${here} ${pushTo(peer)}`,
  ];
}

function aboutPrefixes(files: readonly string[]): string[] {
  const name = files.find(isPlain) === undefined ? files.find((file) => file.startsWith("%")) : undefined;
  return name === undefined ? [] : [`FILE is the path of ${name} on the host where it is run`];
}

/** What each csync2 of this cluster must be told: a host's own name and database are its own affair. */
function optionsEverywhere({ config }: HostOptions): string {
  return config === undefined ? "" : ` -C ${config}`;
}

/** What csync2 and csync2rev on this host must be told. A database may be a URL with a password in it. */
function optionsHere(options: HostOptions): string {
  const { hostname, database } = options;
  return [
    optionsEverywhere(options),
    hostname === undefined ? "" : ` -N ${hostname}`,
    database === undefined ? "" : ` -D ${isPlain(database) ? database : "DATABASE"}`,
  ].join("");
}

/** What to mend where a peer cannot be asked, or turns this host away; null where there is nothing to mend. */
export function mend(
  outcome: Outcome,
  reason: string | null,
  { peer, group, host }: { readonly peer: string; readonly group: string; readonly host: string },
): string | null {
  if (outcome === "unreachable")
    return reason === "no-greeting"
      ? `is it csync2rev -i that inetd, xinetd or systemd starts on ${peer}, and does it start? Its log there says why not.`
      : `is ${peer} up, and csync2rev in its inetd, xinetd or systemd?`;
  if (outcome === "unanswered")
    return `the key file of group ${group} must be the same on both hosts; csync2rev --test on both shows more`;
  if (outcome === "refused") return REFUSED[reason ?? ""]?.(peer, host) ?? null;
  return null;
}

const REFUSED: Readonly<Record<string, (peer: string, host: string) => string>> = {
  "not-a-member": (peer) => `give ${peer} the same csync2.cfg as this host`,
  "not-allowed": (peer, host) =>
    `if ${host} should be allowed, add it to the "#csync2rev allow" line in csync2.cfg on ${peer}`,
  "wrong-address": (peer, host) =>
    `mend /etc/hosts or DNS on ${peer}, so that it knows ${host}'s address; csync2 itself wants that too`,
  "wrong-host": (peer) => `name service here leads to another host than ${peer}: mend /etc/hosts or DNS`,
  slave: (peer) => `csync2.cfg here and on ${peer} differ: here it is no slave`,
  locked: (peer) => `remove csync2.lock on ${peer} once it may work again`,
  "unsupported-verb": (peer) => `install a newer csync2rev on ${peer}`,
  config: (peer) => `run csync2rev --test on ${peer}`,
};

function summary({ peers, seconds }: OthersResult, dryRun: boolean): string {
  const counted = peers.filter(({ outcome }) => outcome === (dryRun ? "pending" : "caught-up")).length;
  const of = `${counted} of ${peers.length} ${peers.length === 1 ? "peer" : "peers"}`;
  const inTime = `in ${seconds.toFixed(1)} s`;
  return dryRun
    ? `${of} would change something here; asked ${inTime}, nothing was changed\n`
    : `caught up with ${of} ${inTime}\n`;
}

/** A name that can be pasted into a shell, and is shown as it is: it comes from the peer. */
function isPlain(file: string): boolean {
  return /^\/[\w@%+=:,./-]*$/.test(file);
}
