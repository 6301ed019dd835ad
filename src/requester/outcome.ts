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

/** What is known of one peer in the end: a row of the table, an object of the JSON. */
export interface PeerResult {
  readonly peer: string;
  /** What this host is to the peer: its own peername. */
  readonly myname: string;
  readonly group: string;
  readonly outcome: Outcome;
  /** The reason of a refusal, or a word of our own. */
  readonly reason: string | null;
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

/** The exit status for all peers together: the first that applies of 1, 77, 75, 0. */
export function exitStatus(outcomes: readonly Outcome[]): number {
  const any = (...these: readonly Outcome[]): boolean => outcomes.some((outcome) => these.includes(outcome));
  if (any("pending", "failed", "lost")) return EXIT.incomplete;
  if (any("refused", "unanswered")) return EXIT.turnedAway;
  if (any("unreachable", "busy")) return EXIT.tryAgain;
  return EXIT.caughtUp;
}

/** What a peer's answer says of its result; the rest is how it was asked. */
export type WhatWasSaid = Omit<PeerResult, "peer" | "myname" | "group" | "attempts" | "seconds">;

/** Of a peer that has not said how it went. */
export const NOTHING_KNOWN = { reason: null, exit: null, updated: 0, deleted: 0, pending: null, files: [] };

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
    case "done": {
      const {
        exit,
        updated,
        deleted,
        pending = null,
        undecided = 0,
        files = [],
        detail = null,
      } = answer.done;
      const outcome =
        pending !== null && pending > 0 ? "pending" : exit === 0 && pending !== null ? "caught-up" : "failed";
      const why = pending === null && exit === 0 ? "the peer could not tell what is still pending" : detail;
      if (exit === 0 && undecided > 0)
        return {
          ...{ reason: "undecided", outcome, exit, updated, deleted, pending, files },
          detail:
            undecided === pending
              ? "both hosts have these files, in different states, and nobody can tell which is newer"
              : `both hosts have the first ${undecided} of these files in different states, and nobody can tell which is newer; the others changed while they were pushed`,
        };
      return {
        reason: answer.done.reason ?? null,
        outcome,
        detail: why,
        exit,
        updated,
        deleted,
        pending,
        files,
      };
    }
  }
}
