import { markNewer } from "../csync2/compare.ts";
import { insist, nothingRun, type InsistWatcher } from "../csync2/insist.ts";
import { listDirty } from "../csync2/list.ts";
import { VERBS } from "../csync2/verbs.ts";
import { Csync2revError } from "../errors.ts";
import type { ConfiguredHost } from "../host.ts";
import { FILES_LIMIT, type Done, type FailureReason } from "../wire/messages.ts";
import type { AuthorisedRequest, Refusal } from "./authorise.ts";
import { checkOnce } from "./checks.ts";
import type { Replies } from "./replies.ts";

/** How csync2 went, for the requester and for the log. */
export interface Ending {
  readonly done: Done;
  /** csync2's own words, for this host's log; undefined if it had nothing to complain of. */
  readonly complaint: string | undefined;
}

/** The status of a request that failed for a reason of csync2rev's own: csync2's for an unspecified error. */
const FAILED = 1;

/** What is said in place of the complaint of a check: it may name a file of a group that is not the requester's. */
const CHECK_FAILED = "csync2's check there failed; csync2rev's log there has its words";

/**
 * Runs what an authorised request asks for, and tells how it went. Once csync2 runs, nothing that the requester does stops it.
 * @param connected when the requester connected, on process.hrtime's clock, in nanoseconds
 * @param gone whether the requester is known to have gone
 * @returns how it went, or `busy` where the lock did not come free in time
 * Throws `gone` where the requester went before csync2 was started, `system` where a program is missing.
 */
export async function catchUp(
  request: AuthorisedRequest,
  { host, configuration }: ConfiguredHost,
  replies: Replies,
  connected: bigint,
  gone: () => boolean,
): Promise<Ending | Refusal> {
  const began = process.uptime();
  const { scope } = request;
  const verb = VERBS[request.verb];
  const watcher = tellRequester(replies, request.output, gone);
  // A check looks at all groups of this host.
  const checkWatcher = request.isWhole ? watcher : tellRequester(replies, false, gone);
  if (verb.needsWayBack && scope.me !== scope.peer) {
    const { whyNoWayBack } = await import("./wayback.ts");
    const why = await whyNoWayBack(host, scope);
    if (why !== null) return failure("no-way-back", why, began);
  }
  let last = nothingRun();
  let attempts = 0;
  let undecided: readonly string[] = [];
  if (verb.reconciles) {
    const marked = await markNewer(host, scope, configuration.prefixes, watcher);
    if (marked.kind === "busy") return { reason: "busy", detail: marked.holder };
    last = marked;
    attempts += marked.attempts;
    undecided = marked.undecided;
  }
  let checks = false;
  for (const command of last.exit === 0 ? verb.commands(scope) : []) {
    checks = command.shared === true;
    const insisted = checks
      ? await checkOnce(host, connected, checkWatcher)
      : await insist(host, command, watcher);
    if (insisted.kind === "busy") return { reason: "busy", detail: insisted.holder };
    last = insisted;
    attempts += insisted.attempts;
    if (insisted.exit !== 0) break;
  }

  const { exit, report } = last;
  const complaint = exit === 0 ? undefined : report.complaint;
  const detail = complaint !== undefined && checks && !request.isWhole ? CHECK_FAILED : complaint;
  const done: Done = {
    type: "done",
    exit,
    updated: verb.previews ? report.wouldUpdate.size : report.updated,
    deleted: verb.previews ? report.wouldDelete.size : report.deleted,
    ...(await left()),
    attempts,
    seconds: secondsSince(began),
    ...(detail === undefined ? {} : { detail }),
  };
  return { done, complaint };

  /** What the requester still lacks; after a dry run, what it would be sent. */
  async function left(): Promise<Pick<Done, "pending" | "undecided" | "files">> {
    if (request.verb === "ping") return {};
    if (verb.previews) {
      const files = [...report.wouldUpdate, ...report.wouldDelete];
      return { pending: files.length, files: files.slice(0, FILES_LIMIT) };
    }
    const dirty = await listDirty(host, scope, FILES_LIMIT);
    if (dirty === null) return {};
    const files = [...undecided, ...dirty.files].slice(0, FILES_LIMIT);
    return {
      pending: dirty.pending + undecided.length,
      files,
      ...(undecided.length === 0 ? {} : { undecided: undecided.length }),
    };
  }
}

/** What a request comes to that failed ahead of csync2. */
function failure(reason: FailureReason, detail: string, began: number): Ending {
  const counts = { updated: 0, deleted: 0, attempts: 0, seconds: secondsSince(began) };
  return { done: { type: "done", exit: FAILED, ...counts, detail, reason }, complaint: detail };
}

/** On process.uptime's clock, to a millisecond. */
function secondsSince(began: number): number {
  return Math.round((process.uptime() - began) * 1000) / 1000;
}

function tellRequester(replies: Replies, output: boolean, gone: () => boolean): InsistWatcher {
  const tellLine = (line: string): void => {
    if (output) replies.send({ type: "output", line });
  };
  return {
    stdout: tellLine,
    stderr: tellLine,
    waiting: (holder) => {
      replies.send({ type: "waiting", on: "lock", detail: holder });
    },
    running: (idle) => {
      replies.running(idle);
    },
    retrying: (why) => {
      replies.send({ type: "waiting", on: "retry", detail: why });
    },
    wanted: () => {
      if (gone()) throw new Csync2revError("gone", "the requester hung up before csync2 was started");
    },
  };
}
