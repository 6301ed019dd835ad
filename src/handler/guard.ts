import { closeSync, openSync } from "node:fs";
import { isJournal } from "../journal.ts";
import { isSameFile, statOf } from "../runtime/descriptors.ts";

/** Whether fds 0 and 2 are one socket: so inetd and xinetd start a program, and hardly anybody else does. */
export function isConnection(): boolean {
  return statOf(0)?.isSocket() === true && isSameFile(0, 2);
}

/**
 * Points fd 2 at /dev/null where it is the connection, as inetd hands it over, or where it is closed: nothing but frames may
 * reach the wire, not even what the runtime itself prints when it dies. A program between inetd and us may have put pipes in the
 * place of fds 0 and 1 alone; the only other socket on fd 2 is the journal's (systemd.exec(5)). open(2) returns the lowest free
 * descriptor.
 */
export function guardConnection(): void {
  const stderr = statOf(2);
  const isForeignSocket = stderr?.isSocket() === true && !isJournal();
  if (isForeignSocket || isSameFile(0, 2) || isSameFile(1, 2)) closeSync(2);
  else if (stderr !== undefined) return;
  openSync("/dev/null", "w");
}
