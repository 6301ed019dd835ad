import { closeSync } from "node:fs";
import { checkLockFile, lock, openLockFile } from "../csync2/lock-file.ts";
import { Csync2revError } from "../errors.ts";
import type { ThisHost } from "../host.ts";
import { unless, type Limits } from "../requester/limits.ts";

/** So long nothing may arrive, in milliseconds: then a check may run. */
const IDLE = 10_000;
/** Between two looks at what arrives, in milliseconds. */
const LOOK_EVERY = 1_000;

/**
 * Has no request's check run on this host while a peer pushes: csync2 would take a half-made file for a change of this host's own. Waits
 * for a check that runs, as long as for csync2's lock. Throws `gone` if a limit is reached meanwhile.
 * @param idle for how many milliseconds nothing has arrived
 */
export async function withoutChecks<T>(
  { settings }: ThisHost,
  limits: Limits,
  idle: () => number,
  push: () => Promise<T>,
): Promise<T> {
  let fd = openOrNull(checkLockFile(settings.lockFile));
  if (fd === null) return await push();
  const release = (): void => {
    if (fd !== null) closeSync(fd);
    fd = null;
  };
  let look: NodeJS.Timeout | undefined;
  try {
    await unless(["deadline", "interrupt"], limits, lock(fd, settings.lockTimeout));
    const pushing = push();
    look = setInterval(() => {
      if (idle() >= IDLE) release();
    }, LOOK_EVERY);
    return await pushing;
  } finally {
    clearInterval(look);
    release();
  }
}

/** Null for a user who cannot have it. */
function openOrNull(file: string): number | null {
  try {
    return openLockFile(file);
  } catch (error) {
    if (error instanceof Csync2revError) return null;
    throw error;
  }
}
