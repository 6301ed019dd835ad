import { setTimeout as sleep } from "node:timers/promises";
import type { ThisHost } from "../host.ts";
import { backoffAfter } from "../backoff.ts";
import { OutputReader, type Report } from "./output.ts";
import { runCsync2, type RunEnd, type RunWatcher } from "./run.ts";
import type { Command } from "./verbs.ts";

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
export function nothingRun(): Ended {
  return { kind: "ended", exit: 0, report: new OutputReader().report, attempts: 0 };
}

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
    const { exit, ...why } = judge(end, command, said, reader.report, host.settings.idleTimeout);
    const report = { ...reader.report, ...why };
    if (exit === 0 || report.passing === undefined || attempts > host.settings.retries)
      return { kind: "ended", exit, report, attempts };
    watcher.retrying?.(report.passing);
    await sleep(backoffAfter(attempts));
  }
}

/** What an end means: `exit` 0 is success; else why, and whether it is worth trying again. */
type Judgement = { readonly exit: number } & Pick<Report, "complaint" | "passing">;

function judge(
  end: Exclude<RunEnd, { kind: "busy" }>,
  command: Command,
  said: boolean,
  { complaint, passing }: Report,
  idleTimeout: number,
): Judgement {
  if (end.kind === "stuck")
    return {
      exit: GIVEN_UP,
      complaint: `csync2 (pid ${end.pid ?? "unknown"}) has done nothing for ${idleTimeout} s; it was left alone and keeps the lock`,
      passing: undefined,
    };
  const { exit } = end;
  if (command.good.includes(exit)) {
    if (said) return { exit: 0, complaint, passing };
    const brokenOff = complaint ?? "the other host's csync2 broke off its list of files";
    return { exit: CUT_SHORT, complaint: brokenOff, passing: passing ?? brokenOff };
  }
  if (command.dry === true && exit === 1 && complaint === undefined) return { exit: 0, complaint, passing };
  if (exit <= 128) return { exit, complaint, passing };
  const killed = [`csync2 was killed by signal ${exit - 128}`, command.killed];
  return { exit, complaint: killed.filter((words) => words !== undefined).join("; "), passing };
}
