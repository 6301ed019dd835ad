import { lstatSync, type Stats } from "node:fs";
import { basename, dirname, join } from "node:path";

/** As csync2 names what it makes of a file that it receives (rsync.c): a dot, the name without one, and what mkstemp(3) adds. */
const TEMPORARY = /^\.(.+)\.(?=[a-z]*[A-Z0-9])[A-Za-z0-9]{6}$/s;

/**
 * Whether a file looks like what a csync2 leaves behind that is ended while it receives: by its name, by its mode, and because the
 * file that it was to become is there. One name in 200 of that kind has small letters only, and could be anybody's (`.rc.backup`).
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
