import type { ChildProcess } from "node:child_process";
import { closeSync } from "node:fs";
import { constants } from "node:os";
import type { Readable } from "node:stream";
import { keepHeapSmall } from "#runtime";
import type { ThisHost } from "../host.ts";
import { childPath, findProgram } from "../programs.ts";
import { disconnect } from "./disconnect.ts";
import { csync2Line, hidden } from "./command-line.ts";
import { LineSplitter } from "./lines.ts";
import { openLockFile } from "./lock-file.ts";
import { childOf, describeHolder } from "./processes.ts";
import { Progress } from "./progress.ts";
import type { Command } from "./verbs.ts";
import { CONFLICT, underLock } from "./wrappers.ts";

/** Holds up a csync2 that only reads. */
export interface Flow {
  /** Leaves its output unread until resume(). csync2 waits meanwhile. */
  pause(): void;
  resume(): void;
}

/** Is told about a run while it goes on. Lines are byte strings: decode() makes text of them. */
export interface RunWatcher {
  /** If stdout or stderr throws, a csync2 that only reads is ended, and the run throws the same error. */
  stdout?(line: string): void;
  stderr?(line: string): void;
  /** A csync2 has been started. */
  started?(flow: Flow): void;
  /** Another csync2 holds the lock; `holder` says which. */
  waiting?(holder: string): void;
  /** csync2 runs. `idle` is how long it has made no progress, in seconds ({@link Progress}). */
  running?(idle: number): void;
  /** Whether the requester no longer waits for this run. */
  gone?(): boolean;
}

export type RunEnd =
  /** csync2 ended. A signal counts as 128 plus its number, as in a shell. */
  | { readonly kind: "exited"; readonly exit: number }
  /** The lock did not come free in time. csync2 was not started. */
  | { readonly kind: "busy"; readonly holder: string }
  /** csync2 hangs. It was left alone and keeps the lock. `why`: the reason why its connection could not be closed, or null. */
  | { readonly kind: "stuck"; readonly pid: number | undefined; readonly why: string | null }
  /** csync2 made no progress with its peer: its connection was closed, and it ended. `gone`: the requester no longer waited. */
  | { readonly kind: "stalled"; readonly pid: number | undefined; readonly gone: boolean };

/** How to run csync2, in addition to the command. */
export interface RunOptions {
  /** Ends a csync2 that only reads. */
  readonly stop?: AbortSignal | undefined;
}

/** The longest time between two looks for signs of life, in milliseconds. */
const LOOK_EVERY = 1_000;
/** If the requester has gone, csync2 may make no progress for this long, in milliseconds. */
const GONE_PATIENCE = 10_000;
/** A csync2 that has lost its connection must end within this time, in milliseconds. */
const END_WITHIN = 10_000;
/** The time between two reports of who holds the lock, in milliseconds. The holder may change meanwhile. */
const TELL_EVERY = 5_000;
/** How long to wait for more output after csync2's end, in milliseconds. One of its actions may have left a daemon on the pipe. */
const DRAIN = 500;
/** How often the heap is kept small, in bytes of csync2's output: the rows of 100,000 files are 30 MB. */
const TIDY_EVERY = 500_000;

/**
 * Runs one csync2 under the lock, in a session of its own: if this process or its terminal ends, csync2 goes on.
 * Throws `system`, before anything is started, if flock, sh or csync2 is missing or the lock file cannot be opened.
 */
export async function runCsync2(
  host: ThisHost,
  command: Command,
  watcher: RunWatcher = {},
  options: RunOptions = {},
): Promise<RunEnd> {
  const { lockFile, lockTimeout } = host.settings;
  const { line, env } = hidden(host, csync2Line(host, command));
  const [now, later] = [0, lockTimeout].map((wait) => underLock(lockFile, wait, line)) as [
    string[],
    string[],
  ];
  const csync2Pid = (child: ChildProcess): number | undefined =>
    child.pid === undefined ? undefined : childOf(child.pid);
  closeSync(openLockFile(lockFile));
  const how = { ...options, command, env, csync2Pid };
  const atOnce = await run(host, now, watcher, how);
  if (!isConflict(atOnce)) return atOnce;
  const holder = describeHolder(lockFile);
  if (lockTimeout === 0) return { kind: "busy", holder };
  watcher.waiting?.(holder);
  const telling = setInterval(() => watcher.waiting?.(describeHolder(lockFile)), TELL_EVERY);
  let runs = false;
  const running = (idle: number): void => {
    runs = true;
    clearInterval(telling);
    watcher.running?.(idle);
  };
  const hears = (stream: "stdout" | "stderr") => (line: string) => {
    if (!runs) running(0);
    watcher[stream]?.(line);
  };
  const begun = { ...watcher, stdout: hears("stdout"), stderr: hears("stderr"), running };
  const inTime = await run(host, later, begun, how).finally(() => {
    clearInterval(telling);
  });
  return isConflict(inTime) ? { kind: "busy", holder: describeHolder(lockFile) } : inTime;
}

/** Runs a csync2 that only reads its database, without the lock: so it does not wait for a push to another host. */
export async function readCsync2(
  host: ThisHost,
  command: Command,
  watcher: RunWatcher,
  options: RunOptions = {},
): Promise<RunEnd> {
  return await run(host, csync2Line(host, command), watcher, {
    ...options,
    command,
    csync2Pid: (child) => child.pid,
  });
}

/**
 * Runs csync2 on names of files. xargs(1) reads the names from stdin, each with a NUL after it, and passes them as arguments. So they
 * can have any bytes, and there can be any number: xargs(1) runs csync2 as often as needed. Without the lock: this is for a database
 * that only csync2rev uses.
 */
export async function runOnNames(
  host: ThisHost,
  command: Command,
  names: Buffer,
  watcher: RunWatcher,
): Promise<RunEnd> {
  const line = [findProgram("xargs"), "-0", ...csync2Line(host, command)];
  return await run(host, line, watcher, { input: names, command, csync2Pid: (child) => child.pid });
}

function isConflict(end: RunEnd): boolean {
  return end.kind === "exited" && end.exit === CONFLICT;
}

interface Manner extends RunOptions {
  readonly command: Command;
  /** In addition to the environment that every csync2 gets. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** What it reads on stdin. */
  readonly input?: Buffer;
  /** csync2 itself, once it runs. */
  readonly csync2Pid: (child: ChildProcess) => number | undefined;
}

async function run(
  host: ThisHost,
  line: readonly string[],
  watcher: RunWatcher,
  { command, env, stop, input, csync2Pid }: Manner,
): Promise<RunEnd> {
  const { spawn } = await import("node:child_process");
  const [program = "", ...args] = line;
  const child = spawn(program, args, {
    detached: true,
    env: { ...process.env, PATH: childPath(), LC_ALL: "C", CSYNC2_SYSTEM_DIR: host.systemDirectory, ...env },
    stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
  });
  const { stdout, stderr } = child as ChildProcess & { readonly stdout: Readable; readonly stderr: Readable };
  child.stdin?.on("error", () => undefined);
  child.stdin?.end(input);
  const idleTimeout = host.settings.idleTimeout * 1000;
  return await new Promise<RunEnd>((resolve, reject) => {
    const progress = new Progress(command);
    let lastOutput = performance.now();
    let untidied = 0;
    const end = (): void => {
      // The child leads its own process group. flock(1) and csync2 are in that group too.
      if (
        command.reads !== true ||
        child.pid === undefined ||
        child.exitCode !== null ||
        child.signalCode !== null
      )
        return;
      try {
        process.kill(-child.pid, "SIGTERM");
      } catch (error) {
        // It has ended, but Node.js has not reported it yet.
        if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
      }
    };
    const quit = (): void => {
      clearInterval(look);
      stop?.removeEventListener("abort", end);
      stdout.destroy();
      stderr.destroy();
      child.unref();
    };
    const leave = (how: RunEnd): void => {
      quit();
      resolve(how);
    };
    const fail = (error: Error): void => {
      end();
      quit();
      reject(error);
    };
    const flow: Flow = {
      pause: () => {
        stdout.pause();
        stderr.pause();
      },
      resume: () => {
        stdout.resume();
        stderr.resume();
      },
    };
    for (const [stream, hear] of [
      [stdout, watcher.stdout?.bind(watcher)],
      [stderr, watcher.stderr?.bind(watcher)],
    ] as const) {
      const lines = new LineSplitter((text) => {
        progress.line(text);
        hear?.(text);
      });
      const attempt = (work: () => void): void => {
        try {
          work();
        } catch (error) {
          fail(error as Error);
        }
      };
      stream.on("data", (chunk: Buffer) => {
        lastOutput = performance.now();
        untidied += chunk.length;
        if (untidied >= TIDY_EVERY) {
          keepHeapSmall(untidied);
          untidied = 0;
        }
        attempt(() => {
          lines.push(chunk);
        });
      });
      stream.on("end", () => {
        attempt(() => {
          lines.end();
        });
      });
    }
    /** Set once csync2 makes no progress for too long: since when, and how the run will end. */
    let still: { readonly since: number; readonly end: RunEnd } | undefined;
    /** Why its connection could not be closed. */
    let why: string | null = null;
    const look = setInterval(
      () => {
        const pid = csync2Pid(child);
        const idle = progress.look(pid, stdout.isPaused());
        if (pid !== undefined) watcher.running?.(Math.floor(idle / 1000));
        const tooLong = idle >= idleTimeout;
        if (tooLong && command.talks !== true) leave({ kind: "stuck", pid, why });
        if (command.talks !== true || pid === undefined) return;
        if (still === undefined) {
          if (!tooLong && !(idle >= GONE_PATIENCE && watcher.gone?.() === true)) return;
          still = { since: performance.now(), end: { kind: "stalled", pid, gone: !tooLong } };
        }
        if (performance.now() - still.since >= END_WITHIN) leave({ kind: "stuck", pid, why });
        else if (command.reads === true) end();
        else
          disconnect(pid, host.settings.csync2Port).catch((error: unknown) => {
            why = (error as Error).message;
          });
      },
      Math.min(LOOK_EVERY, idleTimeout / 2),
    );
    if (stop?.aborted === true) end();
    stop?.addEventListener("abort", end);
    child.on("spawn", () => watcher.started?.(flow));
    child.on("error", fail);
    child.on("exit", (code, signal) => {
      const how: RunEnd = still?.end ?? {
        kind: "exited",
        exit: code ?? 128 + (signal === null ? 0 : constants.signals[signal]),
      };
      const drain = (): void => {
        // There is more to read.
        if (stdout.isPaused() || performance.now() - lastOutput < DRAIN) drained.refresh();
        else leave(how);
      };
      const drained = setTimeout(drain, DRAIN);
      child.on("close", () => {
        clearTimeout(drained);
        leave(how);
      });
    });
  });
}
