import type { ChildProcess } from "node:child_process";
import { closeSync } from "node:fs";
import { constants } from "node:os";
import type { ThisHost } from "../host.ts";
import { childPath, findProgram } from "../programs.ts";
import { LineSplitter } from "./lines.ts";
import { openLockFile } from "./lock-file.ts";
import { childOf, describeHolder, processorTicks } from "./processes.ts";
import type { Command } from "./verbs.ts";

/** Who is told of a run while it goes on. */
export interface RunWatcher {
  stdout?(line: string): void;
  stderr?(line: string): void;
  /** Another csync2 holds the lock; `holder` says which. */
  waiting?(holder: string): void;
  /** csync2 runs; `idle` is for how many seconds it has printed nothing and used no processor. */
  running?(idle: number): void;
}

export type RunEnd =
  /** csync2 ended; a signal counts as 128 and its number, as in a shell. */
  | { readonly kind: "exited"; readonly exit: number }
  /** The lock did not come free in time; csync2 was not started. */
  | { readonly kind: "busy"; readonly holder: string }
  /** csync2 hangs: it has been left alone, and goes on holding the lock. */
  | { readonly kind: "stuck"; readonly pid: number | undefined };

/** What flock(1) exits with when the lock is held; no status of csync2's. */
const CONFLICT = 199;
/** How often a run is looked at for signs of life, in milliseconds. */
const LOOK_EVERY = 1_000;
/** How often it is told who holds the lock, in milliseconds: it may be another by then. */
const TELL_EVERY = 5_000;
/** How long output may come in after csync2's end, in milliseconds: an action of its may have left a daemon on the pipe. */
const DRAIN = 500;

/**
 * Runs one csync2 under the lock, in a session of its own: neither the end of this process nor that of its terminal stops it.
 * flock -o keeps the lock to itself, so that no daemon started by one of csync2's actions can hold it on. SIGPIPE is ignored,
 * since csync2 does not, and would die half-way where its reader is gone.
 * Throws `system` where flock, env, csync2 or the lock file cannot be had, before anything is started.
 */
export async function runCsync2(host: ThisHost, command: Command, watcher: RunWatcher = {}): Promise<RunEnd> {
  const { lockFile, lockTimeout } = host.settings;
  const flock = findProgram("flock");
  const csync2 = [findProgram("env"), "--ignore-signal=PIPE", ...csync2Line(host, command)];
  const underLock = (wait: readonly string[]): readonly string[] => [
    flock,
    ...wait,
    ...["--close", "--conflict-exit-code", String(CONFLICT), lockFile, ...csync2],
  ];
  const csync2Pid = (child: ChildProcess): number | undefined =>
    child.pid === undefined ? undefined : childOf(child.pid);
  closeSync(openLockFile(lockFile));
  const atOnce = await run(host, underLock(["--nonblock"]), watcher, csync2Pid);
  if (!isConflict(atOnce)) return atOnce;
  const holder = describeHolder(lockFile);
  if (lockTimeout === 0) return { kind: "busy", holder };
  watcher.waiting?.(holder);
  const telling = setInterval(() => watcher.waiting?.(describeHolder(lockFile)), TELL_EVERY);
  const begun: RunWatcher = {
    stdout: (line) => {
      clearInterval(telling);
      watcher.stdout?.(line);
    },
    stderr: (line) => {
      clearInterval(telling);
      watcher.stderr?.(line);
    },
    running: (idle) => {
      clearInterval(telling);
      watcher.running?.(idle);
    },
  };
  const wait = underLock(["--timeout", String(lockTimeout)]);
  const inTime = await run(host, wait, begun, csync2Pid).finally(() => {
    clearInterval(telling);
  });
  return isConflict(inTime) ? { kind: "busy", holder: describeHolder(lockFile) } : inTime;
}

/** Runs a csync2 that only reads its database, without the lock: it need not wait for a push to another host. */
export async function readCsync2(host: ThisHost, command: Command, watcher: RunWatcher): Promise<RunEnd> {
  return await run(host, csync2Line(host, command), watcher, (child) => child.pid);
}

function isConflict(end: RunEnd): boolean {
  return end.kind === "exited" && end.exit === CONFLICT;
}

function csync2Line(host: ThisHost, command: Command): readonly string[] {
  return [
    findProgram(host.settings.csync2),
    ...(host.config === "" ? [] : ["-C", host.config]),
    ...(host.givenHostname === undefined ? [] : ["-N", host.givenHostname]),
    ...(host.database === undefined ? [] : ["-D", host.database]),
    ...host.settings.csync2Options,
    "-v",
    ...command.args,
  ];
}

/** @param csync2Pid csync2 itself, once it runs */
async function run(
  host: ThisHost,
  line: readonly string[],
  watcher: RunWatcher,
  csync2Pid: (child: ChildProcess) => number | undefined,
): Promise<RunEnd> {
  const { spawn } = await import("node:child_process");
  const [program = "", ...args] = line;
  const child = spawn(program, args, {
    detached: true,
    env: { ...process.env, PATH: childPath(), LC_ALL: "C", CSYNC2_SYSTEM_DIR: host.systemDirectory },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const idleTimeout = host.settings.idleTimeout * 1000;
  return await new Promise<RunEnd>((resolve, reject) => {
    let lastSign = performance.now();
    let lastTicks: number | undefined;
    for (const name of ["stdout", "stderr"] as const) {
      const lines = new LineSplitter((text) => watcher[name]?.(text));
      child[name].on("data", (chunk: Buffer) => {
        lastSign = performance.now();
        lines.push(chunk);
      });
      child[name].on("end", () => {
        lines.end();
      });
    }
    const leave = (end: RunEnd): void => {
      clearInterval(look);
      child.stdout.destroy();
      child.stderr.destroy();
      child.unref();
      resolve(end);
    };
    const look = setInterval(
      () => {
        const pid = csync2Pid(child);
        const ticks = pid === undefined ? undefined : processorTicks(pid);
        if (ticks === undefined || ticks !== lastTicks) lastSign = performance.now();
        lastTicks = ticks;
        const idle = performance.now() - lastSign;
        if (pid !== undefined) watcher.running?.(Math.floor(idle / 1000));
        if (idle >= idleTimeout) leave({ kind: "stuck", pid });
      },
      Math.min(LOOK_EVERY, idleTimeout / 2),
    );
    child.on("error", (error) => {
      clearInterval(look);
      reject(error);
    });
    child.on("exit", (code, signal) => {
      const end: RunEnd = {
        kind: "exited",
        exit: code ?? 128 + (signal === null ? 0 : constants.signals[signal]),
      };
      const drained = setTimeout(leave, DRAIN, end);
      child.on("close", () => {
        clearTimeout(drained);
        leave(end);
      });
    });
  });
}
