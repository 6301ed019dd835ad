import { lstatSync, type Stats } from "node:fs";
import { basename, dirname, join } from "node:path";
import { permissionsOf, sizeOf } from "./rows.ts";

/** How csync2 names a temporary file while it receives (rsync.c): a dot, the name without its own dot, and what mkstemp(3) adds. */
const TEMPORARY = /^\.(.+)\.(?=[a-z]*[A-Z0-9])[A-Za-z0-9]{6}$/s;

/** What mkstemp(3) gives a file. csync2 sets the mode that the peer has only when the file has come and is renamed. */
const FIRST_MODE = 0o600;

/**
 * Whether a file looks like the rest of a csync2 that was ended while it received: by its name, by its mode, and because the finished
 * file is beside it. One in 200 of such names has only small letters, and could be any file (`.rc.backup`): those do not count.
 * @param path a byte string
 */
export function isLeftover(path: string): boolean {
  const [, name] = TEMPORARY.exec(basename(path)) ?? [];
  if (name === undefined) return false;
  const stat = look(path);
  if (stat === undefined || !hasFirstMode(stat)) return false;
  return [name, `.${name}`].some((whole) => look(join(dirname(path), whole)) !== undefined);
}

/**
 * Whether a file may have come without what csync2 sets last: mode, owner and time. csync2 leaves it so if it is ended in between.
 * @param file what is here, which {@link hasFirstMode}
 * @param record what the peer that pushed it has recorded of it
 */
export function isCutOff(file: Stats, record: string): boolean {
  return file.uid === 0 && file.size === sizeOf(record) && permissionsOf(record) !== FIRST_MODE;
}

/** Whether a file has the mode of one that csync2 has just received. */
export function hasFirstMode(file: Stats): boolean {
  return file.isFile() && (file.mode & 0o7777) === FIRST_MODE;
}

function look(path: string): Stats | undefined {
  try {
    return lstatSync(Buffer.from(path, "latin1"), { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
