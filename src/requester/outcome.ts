import { FAILURE_REASONS, REFUSAL_REASONS, type Done } from "../wire/messages.ts";
import type { Answer } from "./ask.ts";
import { UNREACHABLE_REASONS } from "./connect.ts";

/** How the catch-up from one peer went. */
export const OUTCOMES = [
  "caught-up",
  "pending",
  "failed",
  "refused",
  "unanswered",
  "unreachable",
  "busy",
  "lost",
] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** The reason, if the outcome alone does not say it: a peer's reasons, and our own. Each has a remedy (remedies.ts). */
export const REASONS = [
  ...REFUSAL_REASONS,
  ...FAILURE_REASONS,
  /** csync2 on this host does not accept files. */
  "not-ready",
  /** Files that csync2 on this host knows of are not on its disk. */
  "own-tree-gone",
  /** Why there is no connection to the peer, or no greeting. */
  ...UNREACHABLE_REASONS,
  /** Files were deleted here, and the peer has not been told yet. */
  "unsent",
  /** Both hosts have different versions of files, and csync2rev cannot tell which is newer. */
  "undecided",
  /** Files that differ although everything has come: found by a comparison. */
  "differs",
  /** The file is dirty on both hosts. */
  "conflict",
  /** csync2 has seen another certificate of a host. */
  "certificate",
  /** What keeps files from this host, as it sees for itself. */
  "not-included",
  "no-directory",
  "not-writable",
  "immutable",
  "backup-directory",
  "disk-full",
  "not-empty",
  "socket",
] as const;
export type Reason = (typeof REASONS)[number];

/** The result for one peer: a row of the table, an object of the JSON (csync2rev(8), JSON OUTPUT). */
export interface PeerResult {
  readonly peer: string;
  /** This host's peername in these groups. */
  readonly myname: string;
  /** It is usually off, so that the exit status does not depend on it. */
  readonly optional: boolean;
  /** The groups of the request, with commas between them. */
  readonly group: string;
  readonly groups: readonly string[];
  readonly outcome: Outcome;
  readonly reason: Reason | null;
  readonly detail: string | null;
  /** csync2's exit status on the peer; null if the peer has not said. */
  readonly exit: number | null;
  readonly updated: number;
  readonly deleted: number;
  readonly pending: number | null;
  readonly files: readonly string[];
  /** How often the peer was asked. */
  readonly attempts: number;
  readonly seconds: number;
}

/** Exit statuses. Some are those of sysexits(3): 64 EX_USAGE, 78 EX_CONFIG, 77 EX_NOPERM, 75 EX_TEMPFAIL. */
export const EXIT = {
  caughtUp: 0,
  incomplete: 1,
  usage: 64,
  tryAgain: 75,
  turnedAway: 77,
  configuration: 78,
  interrupted: 130,
};

/** What each outcome means for the exit status of the whole run. */
const EXIT_OF: Readonly<Record<Outcome, number>> = {
  "caught-up": EXIT.caughtUp,
  pending: EXIT.incomplete,
  failed: EXIT.incomplete,
  lost: EXIT.incomplete,
  refused: EXIT.turnedAway,
  unanswered: EXIT.turnedAway,
  unreachable: EXIT.tryAgain,
  busy: EXIT.tryAgain,
};

/** What a peer is called in a report. */
export function labelOf({ peer, optional }: Pick<PeerResult, "peer" | "optional">): string {
  return optional ? `${peer} (optional)` : peer;
}

/** Whether a peer is only not there for now: it may come back by itself. */
export function isAway(outcome: Outcome): boolean {
  return EXIT_OF[outcome] === EXIT.tryAgain;
}

/** The exit status for all peers together: the first of 1, 77, 75 and 0 that applies. Optional peers do not count. */
export function exitStatus(peers: readonly Pick<PeerResult, "outcome" | "optional">[]): number {
  const statuses = peers.filter(({ optional }) => !optional).map(({ outcome }) => EXIT_OF[outcome]);
  const order = [EXIT.incomplete, EXIT.turnedAway, EXIT.tryAgain];
  return order.find((status) => statuses.includes(status)) ?? EXIT.caughtUp;
}

/** The part of a result that comes from the peer's answer; the rest is about how the peer was asked. */
export type WhatWasSaid = Omit<
  PeerResult,
  "peer" | "myname" | "optional" | "group" | "groups" | "attempts" | "seconds"
>;

/** The result of a peer that has not said how it went. */
export const NOTHING_KNOWN: Omit<WhatWasSaid, "outcome" | "detail"> = {
  reason: null,
  exit: null,
  updated: 0,
  deleted: 0,
  pending: null,
  files: [],
};

/** What an answer means for the peer that gave it, without attempts and times. */
export function readAnswer(answer: Answer): WhatWasSaid {
  switch (answer.kind) {
    case "refused":
      return {
        ...NOTHING_KNOWN,
        outcome: answer.reason === "busy" ? "busy" : "refused",
        reason: answer.reason,
        detail: answer.detail,
      };
    case "unreachable":
      return { ...NOTHING_KNOWN, outcome: answer.kind, reason: answer.reason, detail: answer.detail };
    case "unanswered":
    case "lost":
      return { ...NOTHING_KNOWN, outcome: answer.kind, detail: answer.detail };
    case "done":
      return readDone(answer.done);
  }
}

function readDone(done: Done): WhatWasSaid {
  const { exit, updated, deleted, files = [], undecided = 0 } = done;
  const pending = done.pending ?? null;
  const reason = done.reason ?? null;
  const detail = done.detail ?? null;
  const counts = { exit, updated, deleted, pending, files };
  if (reason !== null) return { ...counts, outcome: "failed", reason, detail };
  const outcome =
    pending !== null && pending > 0 ? "pending" : exit === 0 && pending !== null ? "caught-up" : "failed";
  if (exit !== 0) return { ...counts, outcome, reason, detail };
  if (undecided === 0)
    return {
      ...counts,
      ...{ outcome, reason },
      detail: pending === null ? "the peer could not say what is still pending" : detail,
    };
  return {
    ...counts,
    ...{ outcome, reason: "undecided" },
    detail:
      undecided === pending
        ? "both hosts have different versions of these files, and csync2rev cannot tell which is newer"
        : `both hosts have different versions of the first ${undecided} of these files, and csync2rev cannot tell which is newer; the others changed while they were pushed`,
  };
}
