import { GIVEN_UP, insist, nothingRun, type Ended, type InsistWatcher } from "../csync2/insist.ts";
import { countDirty, listDirty, type Counter } from "../csync2/list.ts";
import { lookIntoDatabase, type Gone } from "../csync2/look.ts";
import { preview } from "../csync2/preview.ts";
import { pushNewer } from "../csync2/reconcile.ts";
import { describeGone } from "../csync2/trees.ts";
import { VERBS } from "../csync2/verbs.ts";
import { decode } from "../csync2cfg/source.ts";
import { Csync2revError } from "../errors.ts";
import type { ConfiguredHost } from "../host.ts";
import { FILES_LIMIT, type Done } from "../wire/messages.ts";
import type { AuthorisedRequest, Refusal } from "./authorise.ts";
import { checkOnce } from "./checks.ts";
import { failure, secondsSince, type Ending, type Held } from "./ending.ts";
import type { Replies } from "./replies.ts";

/** At most this many names of dirty files are kept, to tell them apart from files that a reconcile leaves. */
const PENDING_KEPT = 100_000;

/** Replaces a check's complaint, which may name a file of a group that is not the requester's. */
const CHECK_FAILED = "csync2's check there failed; csync2rev's log there says why";

/**
 * Runs csync2 for what an authorised request asks for, and returns the result. Once csync2 runs, it goes on even if the requester hangs
 * up, as long as it makes progress.
 * @param began when the request was accepted, on process.uptime's clock
 * @param gone whether the requester is known to have hung up
 * @returns the result, or `busy` if csync2's lock or database did not come free in time
 * Throws `gone` if the requester hung up before csync2 was started, and `system` if a program is missing.
 */
export async function catchUp(
  request: AuthorisedRequest,
  site: ConfiguredHost,
  replies: Replies,
  began: number,
  gone: () => boolean,
): Promise<Ending | Held> {
  const { host, configuration } = site;
  const { scope } = request;
  const verb = VERBS[request.verb];
  const watcher = tellRequester(replies, request.output, gone);
  // A check looks at all groups of this host.
  const checkWatcher = request.isWhole ? watcher : tellRequester(replies, false, gone);
  let last = nothingRun();
  let attempts = 0;
  let [updated, deleted] = [0, 0];
  let checks = false;
  const busy = (holder: string): Refusal => ({ reason: "busy", detail: holder });
  const count = (end: Ended): void => {
    last = end.exit !== 0 || last.exit === 0 ? end : last;
    attempts += end.attempts;
    updated += end.report.updated;
    deleted += end.report.deleted;
  };
  const ending = (rest: Pick<Done, "pending" | "undecided" | "files" | "holds">): Ending | Held => {
    const { exit, report } = last;
    const complaint = exit === 0 ? undefined : report.complaint;
    const detail = complaint !== undefined && checks && !request.isWhole ? CHECK_FAILED : complaint;
    if (exit !== 0 && report.databaseAway) return { ...busy(detail ?? CHECK_FAILED), complaint };
    const done: Done = {
      type: "done",
      exit,
      updated,
      deleted,
      ...rest,
      attempts,
      seconds: secondsSince(began),
      ...(detail === undefined ? {} : { detail }),
      ...(last.stalled ? { reason: "stalled" } : {}),
    };
    return { done, complaint };
  };

  const look = verb.looks ? await lookIntoDatabase(site, watcher) : undefined;
  if (look?.kind === "unreadable") {
    if (look.end.kind === "busy") return busy(look.end.holder);
    count(look.end);
    return ending({});
  }
  if (look?.kind === "gone" && !verb.counts) return treeGone(look, request, began);
  for (const command of verb.commands(scope)) {
    checks = command.shared === true;
    const end = checks ? await checkOnce(site, checkWatcher) : await insist(host, command, watcher);
    if (end.kind === "gone") return treeGone(end, request, began);
    if (end.kind === "busy") return busy(end.holder);
    count(end);
    if (end.exit !== 0) break;
  }
  if (verb.previews && last.exit === 0) {
    checks = false;
    const end = await preview(host, scope, FILES_LIMIT, watcher);
    if (end.kind === "busy") return busy(end.holder);
    count(end);
    [updated, deleted] = [end.written.count, end.deleted.count];
    const files = [...end.written.names(), ...end.deleted.names()].slice(0, FILES_LIMIT);
    return ending(end.exit === 0 ? { pending: updated + deleted, files } : {});
  }
  let left: Counter | undefined;
  // A conflict in a dirty file does not prevent the reconcile of the other files. A failure that may pass does, such as a broken
  // connection: a reconcile would fail too. So does a csync2 that hangs: it keeps the lock.
  if (verb.reconciles !== null && last.report.passing === undefined && last.exit !== GIVEN_UP) {
    const end = await pushNewer(host, scope, configuration.prefixes, verb.reconciles, watcher);
    if (end.kind === "busy") return busy(end.holder);
    count(end);
    ({ left } = end);
  }
  try {
    if (verb.counts) {
      // Names all groups of the scope, so that files for members of other groups do not count.
      const counts = await countDirty(host, request.groups);
      // A file can also be in another group, and wait for a host that is in that group alone.
      const members = new Set(
        configuration.groups
          .filter(({ name }) => request.groups.includes(name))
          .flatMap(({ hosts }) => hosts.map(({ peername }) => peername)),
      );
      const holds = Object.fromEntries([...counts].filter(([peer]) => members.has(peer)));
      const held = { pending: counts.get(scope.peer) ?? 0, holds };
      return look?.kind === "gone" ? treeGone(look, request, began, held) : ending(held);
    }
    const dirty = await listDirty(host, scope, PENDING_KEPT);
    // A file that the reconcile left can also be dirty: it counts once.
    const undecided = left?.without(dirty);
    const files = [...(undecided?.names(FILES_LIMIT) ?? []), ...dirty.names(FILES_LIMIT)];
    return ending({
      pending: dirty.count + (undecided?.count ?? 0),
      files: files.slice(0, FILES_LIMIT),
      ...(undecided === undefined || undecided.count === 0 ? {} : { undecided: undecided.count }),
    });
  } catch (error) {
    if (!(error instanceof Csync2revError) || error.code === "busy") throw error;
    if (last.exit === 0) last = { ...last, exit: 1, report: { ...last.report, complaint: error.message } };
    return ending({});
  }
}

/** The ending if a push or a check would delete files on the requester. The requester hears only of trees with files of its own groups. */
function treeGone(
  { trees }: Gone,
  { scope: { me }, groups }: AuthorisedRequest,
  began: number,
  held?: Pick<Done, "pending" | "holds">,
): Ending {
  const told = trees.filter((tree) => [...tree.groups].every((group) => groups.includes(group)));
  const ending = failure("tree-gone", told.length > 0 ? describeGone(told, me) : elsewhere(me), began, held);
  return { ...ending, complaint: describeGone(trees, me) };
}

function elsewhere(host: string): string {
  return `recorded files of other groups are gone on ${host}: csync2rev's log there names them. Is everything mounted there?`;
}

function tellRequester(replies: Replies, output: boolean, gone: () => boolean): InsistWatcher {
  const tellLine = (line: string): void => {
    if (output) replies.send({ type: "output", line: decode(line) });
  };
  return {
    stdout: tellLine,
    stderr: tellLine,
    started: () => {
      replies.started();
    },
    waiting: (holder) => {
      replies.send({ type: "waiting", on: "lock", detail: holder });
    },
    running: (idle) => {
      replies.running(idle);
    },
    retrying: (why) => {
      replies.send({ type: "waiting", on: "retry", detail: why });
    },
    gone,
  };
}
