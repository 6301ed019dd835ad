import { fstatSync, type Stats } from "node:fs";

/** What a descriptor is of; undefined where it is closed. */
export function statOf(fd: number): Stats | undefined {
  try {
    return fstatSync(fd);
  } catch {
    return undefined;
  }
}

/** Whether two descriptors are of one file, pipe or socket. */
export function isSameFile(one: number, other: number): boolean {
  const [a, b] = [statOf(one), statOf(other)];
  return a !== undefined && a.dev === b?.dev && a.ino === b.ino;
}
