import { closeSync, constants, fchmodSync, fstatSync, openSync, type Stats } from "node:fs";
import { Csync2revError } from "../errors.ts";
import { findProgram } from "../programs.ts";

/** The second lock file, beside the one for csync2: with it, several requests share one check, and a host that takes files in has none. */
export function checkLockFile(lockFile: string): string {
  return `${lockFile}.check`;
}

/**
 * Whether it is a file, belongs to this user, and has no second name. An existing lock file must be like that: with a hard link, the file
 * of the other name would be written and get another mode.
 */
export function isOwn(stat: Stats): boolean {
  return stat.isFile() && stat.nlink === 1 && stat.uid === process.geteuid?.();
}

/** For reading and writing; made if it is missing. No link is followed, and a FIFO does not block. */
const FLAGS = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Opens a lock file, makes it if it is missing, and lets only its owner use it. With flock(1) alone, every user could open it, lock it, and so
 * keep csync2 from running. Throws `system` if it cannot be opened, or belongs to another user.
 * @returns its descriptor, to read, write and close
 */
export function openLockFile(file: string): number {
  let fd: number | undefined;
  try {
    fd = openSync(file, FLAGS, 0o600);
    if (!isOwn(fstatSync(fd)))
      throw new Csync2revError(
        "system",
        `the lock file ${file} is not a file of this user, or has a second name: remove it`,
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

/**
 * Locks an open file by way of flock(1): the lock belongs to the open file, which this process holds.
 * @param timeout in seconds
 * @returns whether it is locked
 */
export async function lock(fd: number, timeout: number): Promise<boolean> {
  const program = findProgram("flock");
  const { spawn } = await import("node:child_process");
  return await new Promise((resolve, reject) => {
    const wait = timeout === 0 ? ["--nonblock"] : ["--timeout", String(timeout)];
    spawn(program, [...wait, "3"], { stdio: ["ignore", "ignore", "ignore", fd] })
      .on("error", reject)
      .on("exit", (code) => {
        resolve(code === 0);
      });
  });
}
