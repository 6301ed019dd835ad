import { setTimeout as sleep } from "node:timers/promises";
import type { ThisHost } from "../host.ts";
import { backoffAfter } from "../backoff.ts";
import { OutputReader, type Report } from "./output.ts";
import { runCsync2, type RunEnd, type RunWatcher } from "./run.ts";
import { CHECK, type Command } from "./verbs.ts";

/** Who is told of a run, and of its repetitions. */
export interface InsistWatcher extends RunWatcher {
  /** csync2 failed in passing, and is to be tried again after a pause. */
  retrying?(why: string): void;
  /** Asked ahead of every start; throws where nobody wants the run any more. */
  wanted?(): void;
}

export interface Ended {
  readonly kind: "ended";
  /** 0 where csync2's exit status is one of the command's good ones. */
  readonly exit: number;
  readonly report: Report;
  /** How often csync2 was started. */
  readonly attempts: number;
}

export type Insisted = Ended | Extract<RunEnd, { kind: "busy" }>;

/** What stands for a run that was not needed. */
export const NOTHING_RUN: Ended = { kind: "ended", exit: 0, report: new OutputReader().report, attempts: 0 };

/** The status for a csync2 that was given up on: timeout(1)'s. */
const GIVEN_UP = 124;

/** The status for a csync2 that was content with half an answer: its own for an unspecified error. */
const CUT_SHORT = 1;

/**
 * Runs one csync2 under the lock, and again with growing pauses while it fails in a way that passes, as often as the settings
 * say. A conflict does not pass.
 * Throws `system` where a program is missing, and what `wanted` throws.
 */
export async function insist(host: ThisHost, command: Command, watcher: InsistWatcher): Promise<Insisted> {
  for (let attempts = 1; ; attempts++) {
    watcher.wanted?.();
    const reader = new OutputReader();
    let said = command.says === undefined;
    const end = await runCsync2(host, command, {
      ...watcher,
      stdout: (line) => {
        reader.stdout(line);
        watcher.stdout?.(line);
      },
      stderr: (line) => {
        reader.stderr(line);
        said ||= command.says?.test(line) === true;
        watcher.stderr?.(line);
      },
    });
    if (end.kind === "busy") return end;
    const { report } = reader;
    const exit = judge(end, command, said, report, host.settings.idleTimeout);
    if (exit === 0 || report.passing === undefined || attempts > host.settings.retries)
      return { kind: "ended", exit, report, attempts };
    watcher.retrying?.(report.passing);
    await sleep(backoffAfter(attempts));
  }
}

function judge(
  end: Exclude<RunEnd, { kind: "busy" }>,
  command: Command,
  said: boolean,
  report: Report,
  idleTimeout: number,
): number {
  if (end.kind === "stuck") {
    report.complaint = `csync2 (pid ${end.pid ?? "unknown"}) has done nothing for ${idleTimeout} s; it was left alone and keeps the lock`;
    report.passing = undefined;
    return GIVEN_UP;
  }
  if (command.good.includes(end.exit)) {
    if (said) return 0;
    report.complaint ??= "the other host's csync2 broke off its list of files";
    report.passing ??= report.complaint;
    return CUT_SHORT;
  }
  if (command.dry === true && end.exit === 1 && report.complaint === undefined) return 0;
  if (end.exit > 128) {
    report.complaint = `csync2 was killed by signal ${end.exit - 128}`;
    // Its first statements are transactions of their own: it may have recorded a file's state and not yet marked it dirty.
    if (command === CHECK) report.complaint += "; --reconcile brings the file that it had in hand";
  }
  return end.exit;
}
