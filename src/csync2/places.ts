import { accessSync, constants, lstatSync, statfsSync, type Stats } from "node:fs";
import { dirname } from "node:path";

/** What keeps csync2, which runs as root, from writing at a place. */
export interface Obstacle {
  readonly reason: "not-writable" | "immutable" | "disk-full";
  /** In words, with the place. */
  readonly what: string;
}

/** What is at a path, without following links; undefined if nothing is there, or if it is unknown. */
export function lookAt(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** The nearest directory above a path that is there. */
export function directoryAbove(path: string): string {
  const directory = dirname(path);
  return directory === path || lookAt(directory)?.isDirectory() === true
    ? directory
    : directoryAbove(directory);
}

/**
 * What keeps csync2 from writing a file or directory, found without writing: its file system, the flags that chattr(1) sets, or room.
 * Null if nothing does.
 */
export function obstacleAt(path: string): Obstacle | null {
  const there = lookAt(path);
  const directory = there?.isDirectory() === true ? path : directoryAbove(path);
  const candidates = there === undefined || there.isSymbolicLink() ? [directory] : [path, directory];
  for (const place of new Set(candidates)) {
    switch (whyNotWritable(place)) {
      case null:
        continue;
      case "EROFS":
        return { reason: "not-writable", what: `${topOf(place, "EROFS")} is mounted read-only on this host` };
      case "EPERM":
        return { reason: "immutable", what: `${place} is immutable on this host (chattr +i)` };
      default:
        return {
          reason: "not-writable",
          what: `${place} cannot be written on this host (permission denied)`,
        };
    }
  }
  const room = roomAt(directory);
  if (room === null || (room.bytes > 0 && room.inodes > 0)) return null;
  const lacks = room.bytes > 0 ? "has no inode left" : "is full";
  return { reason: "disk-full", what: `the file system of ${directory} ${lacks} on this host` };
}

/** What is left on a file system. */
export interface Room {
  readonly bytes: number;
  /** Infinity if the file system does not count them. */
  readonly inodes: number;
  /** The smaller part that is left, of bytes and of inodes, from 0 to 1. */
  readonly share: number;
}

/** What root can still write there; null if it is unknown. */
export function roomAt(directory: string): Room | null {
  try {
    const { bsize, blocks, bfree, files, ffree } = statfsSync(directory);
    // Some have no blocks (overlays of nothing), or make inodes as they need them.
    if (blocks === 0) return null;
    return {
      bytes: bfree * bsize,
      inodes: files === 0 ? Infinity : ffree,
      share: Math.min(bfree / blocks, files === 0 ? 1 : ffree / files),
    };
  } catch {
    return null;
  }
}

/** The errno that writing would meet; the kernel says EPERM for what is immutable, EACCES if even root may not. */
function whyNotWritable(path: string): string | null {
  try {
    accessSync(path, constants.W_OK);
    return null;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === "EROFS" || code === "EPERM" || code === "EACCES" ? code : null;
  }
}

/** The topmost directory above a place that writing meets the same errno in: a mount point, most often. */
function topOf(place: string, errno: string): string {
  const above = dirname(place);
  return above !== place && whyNotWritable(above) === errno ? topOf(above, errno) : place;
}
