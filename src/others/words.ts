import { existsSync } from "node:fs";
import { VERBS, type Verb } from "../csync2/verbs.ts";
import { printable, quotable } from "../printable.ts";
import type { IncomingFile } from "../csync2/processes.ts";
import type { Answer, Stage } from "../requester/ask.ts";
import type { UnreachableReason } from "../requester/connect.ts";
import { isAway, labelOf, type PeerResult } from "../requester/outcome.ts";
import { isOddOne, ODD_ONE, remediesFor, type HowToRun } from "../requester/remedies.ts";
import type { Paint } from "../terminal.ts";
import type { OthersResult } from "./others.ts";
import { nameOf, table } from "./table.ts";

/*
 * Every sentence of `--others`, except two kinds: the remedies, which `--test` prints too (requester/remedies.ts), and the kinds of
 * difference (differences.ts). Rules: first the table, then a paragraph for each peer that needs attention, then one line that sums up.
 * A paragraph has `peer: outcome: reason: detail`, then the files after four blanks, then what to do after an arrow. All text from a
 * peer goes through quotable(): only csync2rev itself may print the arrow.
 */

/**
 * What `--others` prints at the end: a table, then what needs attention, with what to do about it.
 * @param options this run's options: the commands that the text names need them too
 * @param width of the terminal, in columns; Infinity if there is none
 */
export function describeResult(
  result: OthersResult,
  options: HowToRun,
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
    ...(isOddOne(peers.map(({ outcome }) => outcome)) ? [`${ODD_ONE}\n`] : []),
    ...(result.newMember ? [NEW_MEMBER] : []),
    ...(result.rounds > 1 ? [NEW_CONFIGURATION] : []),
    summary(result, dryRun),
  ].join("\n");
}

const NEW_MEMBER =
  "csync2's database here knew no file, so the peers compared theirs with it, as with --reconcile. Files that were here before are pushed to nobody; csync2rev --others --verify lists what differs\n";

const NEW_CONFIGURATION =
  "another csync2.cfg came from a peer: it was read, and all peers were asked again\n";

/** What `--others -q` prints: nothing if nobody must do anything. */
export function describeTroubles(result: OthersResult, options: HowToRun, dryRun: boolean): string {
  return result.peers
    .filter(({ outcome, optional }) => outcome !== "caught-up" && !(optional && isAway(outcome)))
    .map((peer) => describeTrouble(peer, result.host, options, dryRun))
    .join("\n");
}

/** A file that is being pushed to this host, and for how many seconds. */
export interface PushedFile extends IncomingFile {
  readonly seconds: number;
}

/** The first line of a run without a terminal: how many peers are asked, and until when. */
export function describeStart(peers: number, until: Date): string {
  return `asking ${peers === 1 ? "1 peer" : `${peers} peers`}, until ${clock(until)} at the latest`;
}

/** The line that shows how many peers are done. @param waitedFor a text for each peer that has no result yet */
export function describeProgress(done: number, peers: number, waitedFor: readonly string[]): string {
  const [first, ...others] = waitedFor;
  const more = others.length > 0 ? ` (and ${others.length} more)` : "";
  return `${done} of ${peers} ${peers === 1 ? "peer" : "peers"} done${first === undefined ? "" : `; ${first}${more}`}`;
}

/** One line for the terminal: what happens with a peer while it is asked. */
export function describeStage(
  verb: Verb | null,
  stage: Stage,
  files: number,
  file: PushedFile | null,
  until: Date,
): string {
  if (stage.at === "waiting")
    return stage.on === "lock" ? `waiting: ${stage.detail}` : `will be tried again: ${stage.detail}`;
  if (verb === null) return "comparing databases";
  switch (stage.at) {
    case "queued":
      return verb === "check" ? "waiting to check its files" : "waiting for its turn";
    case "connecting":
      return "connecting";
    case "asked":
      return `asked to ${verb}`;
    case "paused": {
      const again = `asked again in ${Math.ceil(stage.seconds)} s, until ${clock(until)} (Ctrl-C shows the result)`;
      return `${whyPaused(stage.answer)}; ${again}`;
    }
    case "running":
      return describeRun(VERBS[verb].doing, stage.idle ?? 0, files, file);
  }
}

/** Why a peer is asked again, in a few words. The report has the rest. */
function whyPaused(answer: Answer): string {
  if (answer.kind === "done") return "";
  if (answer.kind !== "unreachable" || answer.reason === null) return answer.detail;
  const words: Readonly<Record<UnreachableReason, string>> = {
    "no-greeting": "what listens there does not greet",
    "not-listening": "nothing listens there",
    "no-answer": "no answer",
    "no-route": "no route to it",
    "no-name": "its name does not resolve",
  };
  return words[answer.reason];
}

/**
 * Local time. If no time zone is set, that is UTC, and both runtimes would find it out by opening every file of /usr/share/zoneinfo: 90 ms.
 */
function clock(time: Date): string {
  const isUtc = process.env["TZ"] === undefined && !existsSync("/etc/localtime");
  return (isUtc ? [time.getUTCHours(), time.getUTCMinutes()] : [time.getHours(), time.getMinutes()])
    .map((part) => String(part).padStart(2, "0"))
    .join(":");
}

function size(bytes: number): string {
  return bytes < 1_000_000 ? `${Math.ceil(bytes / 1_000)} kB` : `${Math.floor(bytes / 1_000_000)} MB`;
}

function describeRun(doing: string, idle: number, files: number, file: PushedFile | null): string {
  if (file !== null)
    return `${doing}: ${files > 0 ? `file ${files}, ` : ""}${file.name}, ${size(file.bytes)}, ${file.seconds} s`;
  if (idle >= 30) return `${doing}; no sign of life for ${idle} s`;
  return files > 0 ? `${doing}: file ${files}` : doing;
}

function describeTrouble(result: PeerResult, host: string, options: HowToRun, dryRun: boolean): string {
  const { outcome, reason, detail, pending, files } = result;
  const said = detail === null ? null : quotable(detail);
  const what = [nameOf(outcome, dryRun), reason === outcome ? null : reason, said].filter(
    (word) => word !== null,
  );
  const unnamed = (pending ?? 0) - files.length;
  return [
    `${labelOf(result)}: ${what.join(": ")}`,
    ...files.map((file) => `    ${/^[/%]/.test(file) ? quotable(file) : JSON.stringify(quotable(file))}`),
    ...(files.length > 0 && unnamed > 0 ? [`    and ${unnamed} more`] : []),
    ...advice(result, host, options, dryRun).map((line) => `  → ${line}`),
  ]
    .map((line) => `${printable(line)}\n`)
    .join("");
}

/** What to do about a result of `--others`, one line each. If something must be done first, "run again" comes after it or is left out. */
function advice(result: PeerResult, host: string, options: HowToRun, dryRun: boolean): string[] {
  const { peer, outcome, optional, reason } = result;
  if ((dryRun && outcome === "pending") || (optional && isAway(outcome))) return [];
  const remedies = remediesFor({ ...result, host, options });
  const again = "run csync2rev --others again";
  switch (outcome) {
    case "caught-up":
    case "pending":
    case "refused":
    case "unanswered":
      return [...remedies];
    case "failed":
      return reason === null
        ? [`on ${peer}, read csync2rev's log  ${options.readLog}`, `then ${again}`]
        : [...remedies];
    case "lost":
      return [`${again}: the push may have gone on`];
    case "busy":
      return [`${again} later`];
    case "unreachable":
      return [...remedies, `then ${again}`];
  }
}

function summary({ peers, seconds, exit }: OthersResult, dryRun: boolean): string {
  const counted = peers.filter(({ outcome }) => outcome === (dryRun ? "pending" : "caught-up")).length;
  const of = `${counted} of ${peers.length} ${peers.length === 1 ? "peer" : "peers"}`;
  const inTime = `in ${seconds.toFixed(1)} s`;
  return dryRun
    ? `${of} would change something here; asked ${inTime}, nothing was changed\n`
    : `caught up with ${of} ${inTime}${
        exit === 0 && counted < peers.length ? "; the others are optional, and nobody waits for them" : ""
      }\n`;
}
