import { readdirSync, type Dirent } from "node:fs";
import { dirname, join } from "node:path";
import { type Csync2Cfg, type Group } from "../csync2cfg/model.ts";
import { takes } from "../csync2cfg/patterns.ts";
import { sizeOf, typeOf } from "../csync2/rows.ts";
import { directoryAbove, lookAt, obstacleAt, roomAt } from "../csync2/places.ts";
import type { Reason } from "../requester/outcome.ts";

/** Why a file that a peer holds for this host does not come. */
export interface Cause {
  readonly reason: Reason;
  /** What is wrong, and where. What to do is in remedies.ts. */
  readonly what: string;
  /** Both csync2s would wait for each other if the peer pushed. */
  readonly hangs?: true;
}

/** A file that waits on a peer, as this host sees it. */
export interface Waiting {
  readonly peer: string;
  /** Its name in csync2's database. */
  readonly file: string;
  /** Its path here; null if csync2.cfg here has none for its prefix. */
  readonly path: string | null;
  /** The groups that the peer was asked for. */
  readonly groups: readonly Group[];
  readonly configuration: Pick<Csync2Cfg, "prefixes" | "tempdir">;
  /** Whether it is dirty here too. */
  readonly isDirtyHere: boolean;
  /** All files that are known to wait. */
  readonly waiting: ReadonlySet<string>;
  /** What the peer's csync2 has recorded of it: null if nothing, undefined if the peer has not been asked. */
  readonly record: string | null | undefined;
}

type WithPath = Waiting & { readonly path: string };

type Find = (file: WithPath) => string | Cause | null;

/** So many entries of a directory are looked at. */
const ENTRIES_LIMIT = 10_000;

/**
 * Every cause that this host can see, in the order in which they are looked for: the first that is found is told. What certainly keeps
 * a file away comes ahead of a conflict, what is likely to comes behind it.
 */
const CAUSES: readonly (readonly [reason: Reason, find: Find])[] = [
  [
    "not-included",
    ({ file, peer, groups }) =>
      groups.some((group) => takes(group, file))
        ? null
        : `csync2.cfg here does not include ${file}, or excludes it, and that of ${peer} takes it`,
  ],
  ["no-directory", missingDirectory],
  ["backup-directory", troubleOfBackup],
  ["not-writable", ({ path }) => obstacleAt(path)],
  [
    "not-writable",
    ({ configuration: { tempdir } }) =>
      tempdir === null || !isDirectory(tempdir) ? null : obstacleAt(tempdir),
  ],
  ["conflict", ({ isDirtyHere }) => (isDirtyHere ? "both hosts changed the same files" : null)],
  ["not-empty", heldEntry],
  [
    "socket",
    ({ record, file, peer }) =>
      hasType(record, "sock") ? `${file} is a UNIX socket on ${peer}, and csync2 brings no sockets` : null,
  ],
  ["disk-full", tooLarge],
];

/** Why one file does not come; null if this host sees nothing that keeps it away. */
export function causeOf(file: Waiting): Cause | null {
  const { path, file: name } = file;
  if (path === null) {
    const prefix = /^%([^%]*)%/.exec(name)?.[1] ?? "";
    return {
      reason: "not-included",
      what: `csync2.cfg here has no path on this host for the prefix "${prefix}"`,
    };
  }
  for (const [reason, find] of CAUSES) {
    const found = find({ ...file, path });
    if (found !== null) return typeof found === "string" ? { reason, what: found } : found;
  }
  return null;
}

/** csync2 makes a directory that is missing only if a group includes it. */
function missingDirectory({ file, path, groups }: WithPath): string | null {
  const above = directoryAbove(path);
  let [missing, name] = [dirname(path), dirname(file)];
  while (missing !== above && dirname(missing) !== above) [missing, name] = [dirname(missing), dirname(name)];
  if (missing === above || lookAt(missing) !== undefined || groups.some((group) => takes(group, name)))
    return null;
  return `the directory ${missing} is missing here, and no include of csync2.cfg has csync2 make it`;
}

/** csync2 copies a file there ahead of overwriting or deleting it. If it cannot make the directory, it never answers. */
function troubleOfBackup({ file, path, groups }: WithPath): Cause | null {
  for (const { name, backupDirectory: directory, ...group } of groups) {
    if (directory === null || !takes(group, file)) continue;
    const there = lookAt(directory);
    const isCopied = there === undefined || lookAt(path)?.isFile() === true;
    const trouble =
      there !== undefined && !there.isDirectory()
        ? `${directory} is not a directory`
        : isCopied
          ? obstacleAt(directory)?.what
          : undefined;
    if (trouble === undefined) continue;
    const what = `csync2 cannot write into the backup-directory of group ${name}: ${trouble}`;
    return { reason: "backup-directory", what, ...(there?.isDirectory() === true ? {} : { hangs: true }) };
  }
  return null;
}

/** What keeps a directory from being deleted, or replaced: csync2 deletes what is empty, and never answers if it cannot replace it. */
function heldEntry({ path, peer, record, waiting, file }: WithPath): Cause | null {
  if (record === undefined || hasType(record, "dir")) return null;
  const held = entryWithin(path, file, (name) => !waiting.has(name));
  if (held === null) return null;
  const what = `${peer} has no directory ${path} any more, and on this host it still holds ${held}`;
  return { reason: "not-empty", what, ...(record === null ? {} : { hangs: true }) };
}

/**
 * Whether a directory waits that will not be empty when its turn comes: if the peer has put a file in its place, a push hangs.
 * @param isComplete whether all files that wait are known; if not, only what csync2 leaves alone here is sure to stay
 */
export function isHeld({ path, file, groups, waiting }: Waiting, isComplete: boolean): boolean {
  const stays = (name: string): boolean =>
    isComplete ? !waiting.has(name) : !groups.some((group) => takes(group, name));
  return path !== null && entryWithin(path, file, stays) !== null;
}

/** The first file below a directory that is wanted by its name in the database; null if there is none, or it is not a directory. */
function entryWithin(path: string, file: string, isWanted: (name: string) => boolean): string | null {
  let left = ENTRIES_LIMIT;
  const look = (directory: string, name: string): string | null => {
    for (const entry of entriesOf(directory)) {
      if (--left < 0) return null;
      const [place, inDatabase] = [join(directory, entry.name), `${name}/${entry.name}`];
      const found = entry.isDirectory() ? look(place, inDatabase) : isWanted(inDatabase) ? place : null;
      if (found !== null) return found;
    }
    return null;
  };
  return isDirectory(path) ? look(path, file) : null;
}

function entriesOf(directory: string): readonly Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch {
    return [];
  }
}

/** csync2 holds what it receives, and beside it the file that it makes of that. */
function tooLarge({ record, path, file, configuration: { tempdir } }: WithPath): string | null {
  const size = typeof record === "string" ? sizeOf(record) : null;
  if (size === null || size === 0) return null;
  const directory = tempdir !== null && isDirectory(tempdir) ? tempdir : directoryAbove(path);
  const room = roomAt(directory);
  if (room === null || room.bytes >= 2 * size) return null;
  return `${file} has ${size} bytes, csync2 needs room for it twice, and the file system of ${directory} has ${room.bytes} bytes left on this host`;
}

function hasType(record: string | null | undefined, type: string): boolean {
  return typeof record === "string" && typeOf(record) === type;
}

function isDirectory(path: string): boolean {
  return lookAt(path)?.isDirectory() === true;
}
