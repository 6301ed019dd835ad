import { closeSync, openSync } from "node:fs";
import { isJournal } from "../journal.ts";
import { isSameFile, statOf } from "../runtime/descriptors.ts";

/** Whether fds 0 and 2 are the same socket. inetd and xinetd start a program like that, and hardly anything else does. */
export function isConnection(): boolean {
  return statOf(0)?.isSocket() === true && isSameFile(0, 2);
}

/**
 * Points fd 2 at /dev/null if it is the connection, as under inetd, or if it is closed. Only frames may reach the wire, not even what the
 * runtime itself prints when it dies. A program between inetd and us may have replaced fds 0 and 1 with pipes. The only other socket
 * on fd 2 is the journal's (systemd.exec(5)). open(2) returns the lowest free descriptor.
 */
export function guardConnection(): void {
  const stderr = statOf(2);
  const isForeignSocket = stderr?.isSocket() === true && !isJournal();
  if (isForeignSocket || isSameFile(0, 2) || isSameFile(1, 2)) closeSync(2);
  else if (stderr !== undefined) return;
  openSync("/dev/null", "w");
}
