import { sha256 } from "#crypto";
import { closeSync, ftruncateSync, readFileSync, readSync, writeSync } from "node:fs";
import { check } from "../csync2/check.ts";
import { nothingRun, type Insisted, type InsistWatcher } from "../csync2/insist.ts";
import { checkLockFile, lock, openLockFile } from "../csync2/lock-file.ts";
import type { Gone } from "../csync2/look.ts";
import type { ConfiguredHost } from "../host.ts";

/** The last successful check of this host. It is kept in the file that is locked while a check runs. */
interface Stamp {
  /** The boot in which it ran: the clock of `started` begins again at each boot. */
  readonly boot: string;
  /** A hash of the configuration that was checked. It is a hash because the database's URL may have a password. */
  readonly of: string;
  /** When it started, in seconds since boot. */
  readonly started: number;
}

/** The longest stamp that is read, in bytes. */
const STAMP_LIMIT = 4096;
/** The steps of {@link sinceBoot}, in seconds. */
const STEP = 0.01;

/**
 * Runs a check, unless a check that started after this process has succeeded: the requester had connected by then. So forty hosts that
 * boot together cost two checks: the one that runs when they connect, and one more. Meanwhile the other requests wait for a second lock.
 * This process holds that lock, so the lock is free once the process has ended. csync2's own lock is held by csync2.
 */
export async function checkOnce(site: ConfiguredHost, watcher: InsistWatcher): Promise<Insisted | Gone> {
  const { host } = site;
  // Forty handlers that start at once need seconds to get here.
  const connected = sinceBoot() + STEP - process.uptime();
  const { lockFile, lockTimeout } = host.settings;
  const fd = openLockFile(checkLockFile(lockFile));
  try {
    if (!(await lock(fd, 0))) {
      watcher.waiting?.("another request's check runs");
      if (!(await lock(fd, lockTimeout)))
        return { kind: "busy", holder: "another request's check still runs" };
    }
    const boot = bootId();
    const { config, hostname, database, systemDirectory, settings } = host;
    const of = sha256(JSON.stringify([config, hostname, database, systemDirectory, settings.csync2Options]));
    const last = readStamp(fd);
    const started = sinceBoot();
    const isNewEnough = last !== null && last.started > connected && last.started <= started;
    if (isNewEnough && last.boot === boot && last.of === of) return nothingRun();
    const checked = await check(site, watcher);
    if (checked.kind === "ended" && checked.exit === 0) writeStamp(fd, { boot, of, started });
    return checked;
  } finally {
    closeSync(fd);
  }
}

/** This boot's id. Empty if the system has none: then the lock file's folder is emptied at boot. */
function bootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
  } catch {
    return "";
  }
}

/**
 * Seconds since this boot, on a clock that all processes share: with Bun, process.hrtime begins at 0 in each process. NaN if the system does
 * not tell: then no check is shared.
 */
function sinceBoot(): number {
  try {
    return Number.parseFloat(readFileSync("/proc/uptime", "latin1"));
  } catch {
    return NaN;
  }
}

function readStamp(fd: number): Stamp | null {
  const bytes = Buffer.alloc(STAMP_LIMIT);
  const length = readSync(fd, bytes, 0, STAMP_LIMIT, 0);
  try {
    const { boot, of, started } = JSON.parse(bytes.toString("utf8", 0, length)) as Partial<Stamp>;
    if (typeof boot !== "string" || typeof of !== "string" || typeof started !== "number") return null;
    return { boot, of, started };
  } catch {
    return null;
  }
}

function writeStamp(fd: number, stamp: Stamp): void {
  try {
    ftruncateSync(fd);
    writeSync(fd, JSON.stringify(stamp), 0);
  } catch {
    // The disk is full: the next request runs its own check.
  }
}
