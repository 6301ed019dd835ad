import { closeSync, fstatSync, openSync, type Stats } from "node:fs";

/**
 * Points fd 2 at /dev/null where it is the connection, as inetd hands it over, or where it is closed: nothing but frames may
 * reach the wire, not even what the runtime itself prints when it dies. open(2) returns the lowest free descriptor.
 */
export function guardConnection(): void {
  const stderr = statOf(2);
  if (stderr !== undefined) {
    if (![statOf(0), statOf(1)].some((fd) => fd?.dev === stderr.dev && fd.ino === stderr.ino)) return;
    closeSync(2);
  }
  openSync("/dev/null", "w");
}

function statOf(fd: number): Stats | undefined {
  try {
    return fstatSync(fd);
  } catch {
    return undefined;
  }
}
