import { closeSync, constants, fchmodSync, fstatSync, openSync, type Stats } from "node:fs";
import { Csync2revError } from "../errors.ts";

/** The second lock, beside the one that csync2 runs under: requests share checks by it. */
export function checkLockFile(lockFile: string): string {
  return `${lockFile}.check`;
}

/**
 * Whether it is a file, this user's, and under no other name: what a lock file that is there must be. A hard link would have its
 * mode changed, and be written to, under the other name.
 */
export function isOwn(stat: Stats): boolean {
  return stat.isFile() && stat.nlink === 1 && stat.uid === process.geteuid?.();
}

/** For reading and writing, made where it is missing. No link is followed, and nobody is waited for, as a FIFO would have it. */
const FLAGS = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Opens a lock file, made where it is not there, and makes it its owner's alone: flock(1) would let every user open it, and who can
 * open it can lock it, and keep csync2 from running. Throws `system` where it cannot be had, or is another user's.
 * @returns its descriptor, to read, write and close
 */
export function openLockFile(file: string): number {
  let fd: number | undefined;
  try {
    fd = openSync(file, FLAGS, 0o600);
    if (!isOwn(fstatSync(fd)))
      throw new Csync2revError(
        "system",
        `the lock file ${file} is not a file of this user's own, or has a second name`,
      );
    fchmodSync(fd, 0o600);
    return fd;
  } catch (cause) {
    if (fd !== undefined) closeSync(fd);
    if (cause instanceof Csync2revError) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    throw new Csync2revError("system", `cannot open the lock file ${file}: ${code ?? String(cause)}`, {
      cause,
    });
  }
}
