import { closeSync, constants, fchmodSync, fstatSync, openSync, type Stats } from "node:fs";
import { Csync2revError } from "../errors.ts";
import { isOneFile } from "../log.ts";
import { lockingDescriptor } from "./wrappers.ts";

/** The second lock file, beside the one for csync2: with it, several requests share one check, and a host that takes files in has none. */
export function checkLockFile(lockFile: string): string {
  return `${lockFile}.check`;
}

/**
 * Whether it is a file, belongs to this user, and has no second name. An existing lock file must be like that: with a hard link, the file
 * of the other name would be written and get another mode.
 */
export function isOwn(stat: Stats): boolean {
  return isOneFile(stat) && stat.uid === process.geteuid?.();
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

/** So much is taken of what flock(1) says of its options, in characters. */
const SAID_LIMIT = 500;

/**
 * Locks an open file by way of flock(1): the lock belongs to the open file, which this process holds.
 * @param timeout in seconds
 * @returns whether it is locked. Throws `system` for a flock that does not know its options, as busybox's does not.
 */
export async function lock(fd: number, timeout: number): Promise<boolean> {
  const [program = "", ...args] = lockingDescriptor(timeout);
  const { spawn } = await import("node:child_process");
  return await new Promise((resolve, reject) => {
    let said = "";
    const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe", fd] });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      said ||= text.slice(0, SAID_LIMIT);
    });
    child.on("error", reject).on("close", (code) => {
      const [complaint] = said.split("\n");
      if (code === 0 || complaint === undefined || complaint === "") resolve(code === 0);
      else
        reject(
          new Csync2revError(
            "system",
            `${program} cannot lock: ${complaint}: install util-linux of 2018 or newer`,
          ),
        );
    });
  });
}
