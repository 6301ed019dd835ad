import { setTimeout as sleep } from "node:timers/promises";
import { DirtyReader, OutputReader, type Report } from "../csync2/output.ts";
import { readCsync2, runCsync2, type RunEnd } from "../csync2/run.ts";
import { CHECK, commandsOf, LIST_DIRTY, type Command } from "../csync2/verbs.ts";
import { Csync2revError } from "../errors.ts";
import type { ThisHost } from "../host.ts";
import { pauseBefore } from "../pause.ts";
import { FILES_LIMIT, type Done } from "../wire/messages.ts";
import type { AuthorisedRequest, Refusal } from "./authorise.ts";
import { checkOnce } from "./checks.ts";
import type { Replies } from "./replies.ts";

/** What a `done` says where csync2 was given up on: the status of timeout(1). */
const GIVEN_UP = 124;

/**
 * Runs what an authorised request asks for, and tells how it went. Failures that pass are tried again, as often as the settings
 * say; a conflict is not. Once csync2 runs, nothing that the requester does stops it.
 * @param arrived when the request was in, on process.hrtime's clock, in nanoseconds
 * @param gone whether the requester is known to have gone
 * @returns how it went, or `busy` where the lock did not come free in time
 * Throws `gone` where the requester went before csync2 was started, `system` where a program is missing.
 */
export async function catchUp(
  request: AuthorisedRequest,
  host: ThisHost,
  replies: Replies,
  arrived: bigint,
  gone: () => boolean,
): Promise<Done | Refusal> {
  const began = performance.now();
  const from = request.from.peername;
  let attempts = 0;
  let last: Attempt = NOTHING_RUN;

  for (const command of commandsOf(request.verb, request.group.me.peername, from)) {
    for (let failures = 1; ; failures++) {
      const attempt = await (command === CHECK ? check() : once(command));
      if ("reason" in attempt) return attempt;
      last = attempt;
      if (!canPass(attempt) || failures > host.settings.retries) break;
      replies.send({ type: "waiting", on: "retry", detail: attempt.report.passing ?? "" });
      await sleep(pauseBefore(failures));
    }
    if (last.exit !== 0) break;
  }

  const { exit, report } = last;
  const left =
    request.verb === "ping"
      ? {}
      : request.verb === "preview"
        ? { pending: report.updated + report.deleted, files: report.wouldChange }
        : await listDirty();
  return {
    type: "done",
    exit,
    updated: report.updated,
    deleted: report.deleted,
    ...left,
    attempts,
    seconds: Math.round(performance.now() - began) / 1000,
    ...(exit === 0 || report.complaint === undefined ? {} : { detail: report.complaint }),
  };

  async function check(): Promise<Attempt | Refusal> {
    let attempt: Attempt | Refusal | undefined;
    const how = await checkOnce(
      host,
      arrived,
      () => {
        replies.send({ type: "waiting", on: "lock", detail: "another request's check runs" });
      },
      async () => {
        attempt = await once(CHECK);
        return !("reason" in attempt) && attempt.exit === 0;
      },
    );
    if (how === "busy") return { reason: "busy", detail: "another request's check still runs" };
    return attempt ?? NOTHING_RUN;
  }

  async function once(command: Command): Promise<Attempt | Refusal> {
    if (gone()) throw new Csync2revError("gone", "the requester hung up before csync2 was started");
    const reader = new OutputReader();
    const hear = (stream: "stdout" | "stderr") => (line: string) => {
      reader[stream](line);
      if (request.output) replies.send({ type: "output", line });
    };
    const end = await runCsync2(host, command, {
      stdout: hear("stdout"),
      stderr: hear("stderr"),
      waiting: (holder) => {
        replies.send({ type: "waiting", on: "lock", detail: holder });
      },
    });
    if (end.kind === "busy") return { reason: "busy", detail: end.holder };
    attempts++;
    return judge(end, command, reader.report, host.settings.idleTimeout);
  }

  async function listDirty(): Promise<{ pending?: number; files?: readonly string[] }> {
    for (let failures = 1; ; failures++) {
      const dirty = new DirtyReader(from, FILES_LIMIT);
      const end = await readCsync2(host, LIST_DIRTY, {
        stdout: (line) => {
          dirty.line(line);
        },
      });
      if (end.kind === "exited" && LIST_DIRTY.good.includes(end.exit))
        return { pending: dirty.pending, ...(dirty.pending === 0 ? {} : { files: dirty.files }) };
      if (failures > host.settings.retries) return {};
      await sleep(pauseBefore(failures));
    }
  }
}

/** One run of csync2, read: `exit` is 0 where it is one of the command's good ones. */
interface Attempt {
  readonly exit: number;
  readonly report: Report;
}

const NOTHING_RUN: Attempt = { exit: 0, report: new OutputReader().report };

function judge(end: Exclude<RunEnd, { kind: "busy" }>, command: Command, report: Report, idleTimeout: number): Attempt {
  if (end.kind === "stuck") {
    report.complaint = `csync2 (pid ${end.pid ?? "unknown"}) has done nothing for ${idleTimeout} s; it was left alone and keeps the lock`;
    report.passing = undefined;
    return { exit: GIVEN_UP, report };
  }
  if (command.good.includes(end.exit)) return { exit: 0, report };
  if (end.exit > 128) report.complaint ??= `csync2 was killed by signal ${end.exit - 128}`;
  return { exit: end.exit, report };
}

function canPass(attempt: Attempt): boolean {
  return attempt.exit !== 0 && attempt.report.passing !== undefined;
}
