import { closeSync, constants, fchmodSync, openSync } from "node:fs";
import { Csync2revError } from "../errors.ts";

/**
 * Makes the lock file for its owner alone, and where it is there, makes it so: flock(1) would let every user open it, and who can
 * open it can lock it, and keep csync2 from running. Throws `system` where it cannot be had.
 */
export function ownLockFile(file: string): void {
  try {
    const fd = openSync(file, constants.O_RDONLY | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
    fchmodSync(fd, 0o600);
    closeSync(fd);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new Csync2revError("system", `cannot open the lock file ${file}: ${code ?? String(cause)}`, {
      cause,
    });
  }
}
