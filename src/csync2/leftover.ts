import { lstatSync, type Stats } from "node:fs";
import { basename, dirname, join } from "node:path";

/** How csync2 names a temporary file while it receives (rsync.c): a dot, the name without its own dot, and what mkstemp(3) adds. */
const TEMPORARY = /^\.(.+)\.(?=[a-z]*[A-Z0-9])[A-Za-z0-9]{6}$/s;

/**
 * Whether a file looks like the rest of a csync2 that was ended while it received: by its name, by its mode, and because the finished
 * file is beside it. One in 200 of such names has only small letters, and could be any file (`.rc.backup`): those do not count.
 * @param path a byte string
 */
export function isLeftover(path: string): boolean {
  const [, name] = TEMPORARY.exec(basename(path)) ?? [];
  if (name === undefined) return false;
  const stat = look(path);
  if (stat?.isFile() !== true || (stat.mode & 0o777) !== 0o600) return false;
  return [name, `.${name}`].some((whole) => look(join(dirname(path), whole)) !== undefined);
}

function look(path: string): Stats | undefined {
  try {
    return lstatSync(Buffer.from(path, "latin1"), { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
