import { constants, fchmodSync, openSync } from "node:fs";
import { Csync2revError } from "../errors.ts";

/**
 * Opens a lock file, made where it is not there, and makes it its owner's alone: flock(1) would let every user open it, and who can
 * open it can lock it, and keep csync2 from running. Throws `system` where it cannot be had.
 * @returns its descriptor, to read, write and close
 */
export function openLockFile(file: string): number {
  try {
    const fd = openSync(file, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
    fchmodSync(fd, 0o600);
    return fd;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new Csync2revError("system", `cannot open the lock file ${file}: ${code ?? String(cause)}`, {
      cause,
    });
  }
}
