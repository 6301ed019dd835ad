import type { Counter } from "../csync2/list.ts";
import { Csync2revError, type ErrorCode } from "../errors.ts";
import type { Answer } from "../requester/ask.ts";
import {
  NOTHING_KNOWN,
  readAnswer,
  type Outcome,
  type PeerResult,
  type Reason,
  type WhatWasSaid,
} from "../requester/outcome.ts";
import { secondsSince } from "../requester/limits.ts";
import { groupsOf, type PlannedPeer, type Route } from "../requester/plan.ts";
import { describeRefusals, leftOut } from "../requester/scope.ts";
import type { GroupRefusal } from "../wire/messages.ts";

/** At most this many unsent deletions are named. All are counted. */
const UNSENT_NAMED = 1_000;

/** The outcome and reason of a peer's result for an error on this host. Any other error is `failed`, without a reason. */
const HOW: Partial<Record<ErrorCode, { readonly outcome: Outcome; readonly reason: Reason }>> = {
  busy: { outcome: "busy", reason: "busy" },
  "tree-gone": { outcome: "failed", reason: "own-tree-gone" },
};

/** What one peer has been asked so far, and in which group (its route). */
export class Turn {
  readonly peer: PlannedPeer;
  attempts = 0;
  readonly #began = performance.now();
  #routeNumber = 0;
  #refused: readonly GroupRefusal[] = [];
  #unanswered: Route | undefined;

  constructor(peer: PlannedPeer) {
    this.peer = peer;
  }

  get route(): Route {
    return this.peer.routes[this.#routeNumber] ?? this.peer.routes[0];
  }

  /** A handler on a slow or flooded host can lose a valid request. So only the second silence on the same route counts. */
  isUnansweredTwice(): boolean {
    if (this.#unanswered === this.route) return true;
    this.#unanswered = this.route;
    return false;
  }

  /** Keeps what an answer says about groups that are not served. */
  hear(answer: Answer): void {
    if (answer.kind === "done" && answer.served !== null) this.#refused = leftOut(this.peer, answer.served);
    else if (answer.kind === "refused" && answer.ofOneGroup) {
      const { reason, detail } = answer;
      this.#refused = [...this.#refused, { group: this.route.group.name, reason, detail }];
    }
  }

  /** Adds the refused groups to a result, whatever the outcome of the other groups. */
  withRefused(result: PeerResult): PeerResult {
    const [first] = this.#refused;
    if (first === undefined || result.exit === null) return result;
    const refusals = describeRefusals(this.#refused);
    if (result.outcome === "caught-up")
      return { ...result, outcome: "refused", reason: first.reason, detail: refusals };
    return { ...result, detail: [result.detail, refusals].filter((part) => part !== null).join("; ") };
  }

  /** Moves on to the next group of the set. False if there is none. */
  takeNextRoute(): boolean {
    if (this.#routeNumber + 1 >= this.peer.routes.length) return false;
    this.#routeNumber++;
    return true;
  }

  result(answer: Answer): PeerResult {
    return this.#row(readAnswer(answer));
  }

  failed(error: unknown): PeerResult {
    if (!(error instanceof Csync2revError)) throw error;
    const how = HOW[error.code] ?? { outcome: "failed" as const };
    return this.#row({ ...NOTHING_KNOWN, ...how, detail: error.message });
  }

  /** It was not seen through in time: asking later helps, as with a peer that is busy. */
  cutShort(detail: string): PeerResult {
    return this.#row({ ...NOTHING_KNOWN, outcome: "busy", reason: "busy", detail });
  }

  notReady(detail: string): PeerResult {
    return this.#row({ ...NOTHING_KNOWN, outcome: "failed", reason: "not-ready", detail });
  }

  #row(said: WhatWasSaid): PeerResult {
    const { route, attempts } = this;
    const groups = groupsOf(this.peer);
    const { outcome, reason, detail, exit, updated, deleted, pending, files } = said;
    const result = { outcome, reason, detail, exit, updated, deleted, pending, files };
    return {
      peer: route.peer.peername,
      myname: route.group.me.peername,
      optional: this.peer.optional,
      group: groups.join(","),
      groups,
      ...result,
      attempts,
      seconds: secondsSince(this.#began),
    };
  }
}

/** Whether a push succeeded, and files are still dirty. Files that a reconcile left undecided do not count. */
export function hasNewlyDirty(answer: Answer): boolean {
  if (answer.kind !== "done") return false;
  const { exit, pending = 0, undecided = 0 } = answer.done;
  return exit === 0 && pending > 0 && undecided === 0;
}

/** Whether a push failed, and no file is dirty any more: another csync2 there may have sent the file. One more push shows it. */
export function wasSettledMeanwhile(answer: Answer): boolean {
  return (
    answer.kind === "done" &&
    answer.done.exit !== 0 &&
    answer.done.pending === 0 &&
    answer.done.reason === undefined
  );
}

/** The result of a further push, with what the ones before it have brought. */
export function withEarlier({ updated, deleted }: PeerResult, last: PeerResult): PeerResult {
  return { ...last, updated: updated + last.updated, deleted: deleted + last.deleted };
}

/** What to change in a result if unsent deletions on this host prevented the reconcile. */
export function notReconciled(unsent: Counter, { pending, files }: PeerResult): Partial<PeerResult> {
  return {
    outcome: "pending",
    reason: "unsent",
    detail:
      "not reconciled: that would bring back files that were deleted here, because the peer has not been told yet",
    pending: (pending ?? 0) + unsent.count,
    files: [...unsent.names(UNSENT_NAMED), ...files],
  };
}
