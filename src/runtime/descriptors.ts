import { fstatSync, type Stats } from "node:fs";

/** The status of a descriptor; undefined if it is closed. */
export function statOf(fd: number): Stats | undefined {
  try {
    return fstatSync(fd);
  } catch {
    return undefined;
  }
}

/** Whether two descriptors are the same file, pipe or socket. */
export function isSameFile(one: number, other: number): boolean {
  const [a, b] = [statOf(one), statOf(other)];
  return a !== undefined && a.dev === b?.dev && a.ino === b.ino;
}
