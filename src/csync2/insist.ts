import { setTimeout as sleep } from "node:timers/promises";
import { backoffAfter } from "../backoff.ts";
import { Csync2revError } from "../errors.ts";
import type { ThisHost } from "../host.ts";
import { OutputReader, type Report } from "./output.ts";
import { runCsync2, type RunEnd, type RunOptions, type RunWatcher } from "./run.ts";
import type { Command } from "./verbs.ts";

/** Is told about a run and its repetitions. */
export interface InsistWatcher extends RunWatcher {
  /** csync2 failed in a way that may pass. It is tried again after a pause. */
  retrying?(why: string): void;
}

export interface Ended {
  readonly kind: "ended";
  /** 0 for success, also if the command counts another exit status of csync2 as success. */
  readonly exit: number;
  readonly report: Report;
  /** How often csync2 was started. */
  readonly attempts: number;
  /** Whether csync2 made no progress with its peer, so that its connection was closed. */
  readonly stalled: boolean;
}

export type Busy = Extract<RunEnd, { kind: "busy" }>;
export type Insisted = Ended | Busy;

/** The result of a run that was not needed. */
export function nothingRun(): Ended {
  return { kind: "ended", exit: 0, report: new OutputReader().report, attempts: 0, stalled: false };
}

/** The status if csync2rev gave up waiting for csync2. timeout(1) uses it too. */
export const GIVEN_UP = 124;

/** The status if csync2's own status says success but its output does not. csync2 uses it for an unspecified error. */
const UNSPECIFIED = 1;

/** Starts one csync2: {@link runCsync2}, or a function with the same parameters. */
export type Start = (host: ThisHost, command: Command, watcher: RunWatcher) => Promise<RunEnd>;

/**
 * Runs one csync2 under the lock. While it fails in a way that may pass, runs it again, with growing pauses, at most `retries` times.
 * A conflict does not pass.
 * Throws `system` if a program is missing, and `gone` if the requester no longer waits.
 */
export async function insist(
  host: ThisHost,
  command: Command,
  watcher: InsistWatcher,
  options: RunOptions = {},
): Promise<Insisted> {
  const start: Start = (...run) => runCsync2(...run, options);
  return await repeat(host, watcher, () => attempt(host, command, watcher, start));
}

/** Calls `once`. While it fails in a way that may pass, calls it again, with growing pauses, at most `retries` times. */
export async function repeat<T extends Ended>(
  host: ThisHost,
  watcher: Pick<InsistWatcher, "retrying" | "gone">,
  once: () => Promise<T | Busy>,
): Promise<T | Busy> {
  for (let attempts = 1; ; attempts++) {
    demandWanted(watcher);
    const end = await once();
    if (end.kind === "busy") return end;
    const { passing } = end.report;
    if (end.exit === 0 || passing === undefined || attempts > host.settings.retries)
      return { ...end, attempts };
    watcher.retrying?.(passing);
    await sleep(backoffAfter(attempts));
  }
}

/** Throws `gone` if the requester no longer waits, so that the run is not started. */
export function demandWanted({ gone }: Pick<InsistWatcher, "gone">): void {
  if (gone?.() === true) throw new Csync2revError("gone", "the requester hung up before csync2 was started");
}

/**
 * Runs csync2 once, and judges the result. If the watcher throws an error with the code `output`, the run counts as failed. Other errors
 * are thrown on.
 */
export async function attempt(
  host: ThisHost,
  command: Command,
  watcher: RunWatcher,
  start: Start = runCsync2,
): Promise<Insisted> {
  const reader = new OutputReader();
  let said = command.says === undefined;
  try {
    const end = await start(host, command, {
      ...watcher,
      stdout: (line) => {
        reader.stdout(line);
        watcher.stdout?.(line);
      },
      stderr: (line) => {
        reader.stderr(line);
        said ||= command.says !== undefined && line.startsWith(command.says);
        watcher.stderr?.(line);
      },
    });
    if (end.kind === "busy") return end;
    const { exit, ...why } = judge(end, command, said, reader.report, host.settings.idleTimeout);
    const stalled = end.kind === "stalled";
    return { kind: "ended", exit, report: { ...reader.report, ...why }, attempts: 1, stalled };
  } catch (error) {
    if (!(error instanceof Csync2revError) || error.code !== "output") throw error;
    const complaint = await notUnderstood(host, error.message);
    const report = { ...reader.report, complaint, passing: undefined, databaseAway: false };
    return { kind: "ended", exit: UNSPECIFIED, report, attempts: 1, stalled: false };
  }
}

/** The message for an administrator if csync2's output has an unknown form. */
export async function notUnderstood(host: ThisHost, what: string): Promise<string> {
  const { describeProgram } = await import("./version.ts");
  return `csync2 printed something that csync2rev does not understand: ${what}; ${await describeProgram(host)}`;
}

/** What an end means. `exit` 0 is success. Otherwise it says why csync2 failed, and whether another try can help. */
type Judgement = { readonly exit: number } & Pick<Report, "complaint" | "passing">;

/** Throws if a run failed: `busy` if it may succeed later, else `system`. `what` names the run. */
export function demand<T extends Ended>(end: T | Busy, what: string): asserts end is T {
  if (end.kind === "busy") throw new Csync2revError("busy", `csync2 on this host is busy: ${end.holder}`);
  if (end.exit === 0) return;
  const { complaint = "it gave no reason", databaseAway } = end.report;
  const message = `csync2 on this host: ${what} ended with ${end.exit}: ${complaint}`;
  throw new Csync2revError(databaseAway ? "busy" : "system", message);
}

function judge(
  end: Exclude<RunEnd, { kind: "busy" }>,
  command: Command,
  said: boolean,
  { complaint, passing, last, finished }: Report,
  idleTimeout: number,
): Judgement {
  if (end.kind !== "exited")
    return { exit: GIVEN_UP, complaint: describeStandstill(end, idleTimeout), passing: undefined };
  const { exit } = end;
  // csync2 -v always ends with "Finished with N errors.". If that line is missing, csync2 died before it was done.
  if (command.good.includes(exit) && finished) {
    if (said) return { exit: 0, complaint, passing };
    const brokenOff = complaint ?? "the other host's csync2 broke off its list of files";
    return { exit: UNSPECIFIED, complaint: brokenOff, passing: passing ?? brokenOff };
  }
  if (exit > 128) {
    const killed = [`csync2 was killed by signal ${exit - 128}`, command.killed];
    return { exit, complaint: killed.filter((words) => words !== undefined).join("; "), passing };
  }
  return {
    exit: exit === 0 ? UNSPECIFIED : exit,
    complaint: complaint ?? last ?? `csync2 ended with status ${exit} and gave no reason`,
    passing,
  };
}

/** The message for an administrator about a csync2 that made no progress. */
function describeStandstill(
  end: Extract<RunEnd, { kind: "stuck" | "stalled" }>,
  idleTimeout: number,
): string {
  const who = `csync2 (pid ${end.pid ?? "unknown"})`;
  if (end.kind === "stuck") {
    const why = end.why === null ? "" : `, as its connection could not be closed: ${end.why}`;
    return `${who} has done nothing for ${idleTimeout} s; it was left alone and keeps the lock${why}`;
  }
  return end.gone
    ? `the host that asked has gone, and ${who} got no further: its connection was closed, and it has ended`
    : `${who} got no further for ${idleTimeout} s, as csync2 of the host that asked did nothing: its connection was closed, and it has ended`;
}
