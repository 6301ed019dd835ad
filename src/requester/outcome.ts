import { FAILURE_REASONS, REFUSAL_REASONS, type Done } from "../wire/messages.ts";
import type { Answer } from "./ask.ts";

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

/** Why, if an outcome alone does not say it: a peer's reasons, and words of our own. Each has a remedy (remedies.ts). */
export const REASONS = [
  ...REFUSAL_REASONS,
  ...FAILURE_REASONS,
  /** csync2 on this host takes no files. */
  "not-ready",
  /** What listens on the peer greets nobody. */
  "no-greeting",
  /** Deletions here of which the peer has not been told. */
  "unsent",
  /** Files in different states, and it cannot be told which is newer. */
  "undecided",
  /** What a comparison found after everything had come. */
  "differs",
] as const;
export type Reason = (typeof REASONS)[number];

/** What is known of one peer in the end: a row of the table, an object of the JSON. */
export interface PeerResult {
  readonly peer: string;
  /** What this host is to the peer: its own peername. */
  readonly myname: string;
  /** The groups that were asked for at once, with commas between them. */
  readonly group: string;
  readonly groups: readonly string[];
  readonly outcome: Outcome;
  readonly reason: Reason | null;
  readonly detail: string | null;
  /** csync2's exit status on the peer. */
  readonly exit: number | null;
  readonly updated: number;
  readonly deleted: number;
  readonly pending: number | null;
  readonly files: readonly string[];
  /** How often the peer was asked. */
  readonly attempts: number;
  readonly seconds: number;
}

/** Exit statuses, some of them sysexits(3)'s: 64 EX_USAGE, 78 EX_CONFIG, 77 EX_NOPERM, 75 EX_TEMPFAIL. */
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

/** The exit status for all peers together: the first that applies of 1, 77, 75, 0. */
export function exitStatus(outcomes: readonly Outcome[]): number {
  const statuses = outcomes.map((outcome) => EXIT_OF[outcome]);
  const order = [EXIT.incomplete, EXIT.turnedAway, EXIT.tryAgain];
  return order.find((status) => statuses.includes(status)) ?? EXIT.caughtUp;
}

/** What a peer's answer says of its result; the rest is how it was asked. */
export type WhatWasSaid = Omit<PeerResult, "peer" | "myname" | "group" | "groups" | "attempts" | "seconds">;

/** Of a peer that has not said how it went. */
export const NOTHING_KNOWN: Omit<WhatWasSaid, "outcome" | "detail"> = {
  reason: null,
  exit: null,
  updated: 0,
  deleted: 0,
  pending: null,
  files: [],
};

/** What an answer means for the peer that gave it, the counts and times aside. */
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
      detail: pending === null ? "the peer could not tell what is still pending" : detail,
    };
  return {
    ...counts,
    ...{ outcome, reason: "undecided" },
    detail:
      undecided === pending
        ? "both hosts have these files, in different states, and nobody can tell which is newer"
        : `both hosts have the first ${undecided} of these files in different states, and nobody can tell which is newer; the others changed while they were pushed`,
  };
}
