import type { Done, FailureReason } from "../wire/messages.ts";
import type { Refusal } from "./authorise.ts";

/** How an accepted request ended, for the requester and for the log. */
export interface Ending {
  readonly done: Done;
  /** csync2's own words, for this host's log. Undefined if csync2 reported no error. */
  readonly complaint: string | undefined;
}

/** csync2 could not be run, or could not open its database. */
export interface Held extends Refusal {
  /** csync2's own words, for this host's log. */
  readonly complaint?: string | undefined;
}

/** The status of a request that fails for a reason of csync2rev's own. csync2 uses it for an unspecified error. */
const FAILED = 1;

/** The ending of a request for which csync2 had nothing to do. */
export function answered(began: number): Ending {
  return { done: { ...nothingDone(began), exit: 0 }, complaint: undefined };
}

/**
 * The ending of a request that fails before csync2 does its work.
 * @param began when the request was accepted, on process.uptime's clock
 */
export function failure(
  reason: FailureReason,
  detail: string,
  began: number,
  held: Pick<Done, "pending" | "holds"> = {},
): Ending {
  return { done: { ...nothingDone(began), exit: FAILED, ...held, detail, reason }, complaint: detail };
}

function nothingDone(began: number): Omit<Done, "exit"> {
  return { type: "done", updated: 0, deleted: 0, attempts: 0, seconds: secondsSince(began) };
}

/** Seconds since `began`, rounded to a millisecond. `began` is on process.uptime's clock. */
export function secondsSince(began: number): number {
  return Math.round((process.uptime() - began) * 1000) / 1000;
}
