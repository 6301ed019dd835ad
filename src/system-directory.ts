import { readFileSync, statSync } from "node:fs";
import { configFileName } from "./csync2cfg/load.ts";
import { Csync2revError } from "./errors.ts";
import { findProgram } from "./programs.ts";

/** The directories where packages of csync2 have their configuration. */
const USUAL_DIRECTORIES = ["/etc/csync2", "/etc", "/usr/local/etc/csync2", "/usr/local/etc"];

/** What csync2's help says about CSYNC2_SYSTEM_DIR (csync2.c), as it is in the program's file: this, then its default. */
const BEFORE_DEFAULT = "csync2 system files.\n\t\tDefaults to ";
const DEFAULT_DIRECTORY = /^(\/[ -~]*)\.\n/;
/** The longest path, in bytes (limits.h). */
const PATH_MAX = 4096;

/**
 * The one directory of csync2.cfg, every csync2_NAME.cfg, csync2rev.ini and csync2.lock: CSYNC2_SYSTEM_DIR if that is set, as in csync2.c,
 * otherwise the directory that the installed csync2 reads. Files of these names anywhere else are not used.
 *
 * If csync2 is not found, or does not say which directory it reads, it is the usual directory that has a csync2.cfg.
 * Throws config-missing if the config name has no file there, config-ambiguous if two usual directories have different ones.
 * @param csync2 the program's name or full path
 * @param usual the usual directories
 */
export function findSystemDirectory(
  configName: string,
  env: NodeJS.ProcessEnv,
  csync2 = "csync2",
  usual: readonly string[] = USUAL_DIRECTORIES,
): string {
  const fileName = configFileName(configName);
  const chosen = env["CSYNC2_SYSTEM_DIR"];
  const own = chosen === undefined ? directoryOf(csync2) : null;
  const directory = chosen ?? own ?? usualDirectory(usual);
  if (isThere(`${directory}/${fileName}`)) return directory;
  if (chosen !== undefined)
    throw new Csync2revError(
      "config-missing",
      `found no "${chosen}/${fileName}", where CSYNC2_SYSTEM_DIR points: correct the variable or create the file`,
    );
  const elsewhere = usual.filter((other) => other !== directory && isThere(`${other}/${fileName}`));
  const unread = elsewhere.map((other) => `csync2 does not read "${other}/${fileName}". `);
  throw new Csync2revError(
    "config-missing",
    `found no "${directory}/${fileName}". ${unread.join("")}Create it, or set CSYNC2_SYSTEM_DIR to its directory, also for csync2`,
  );
}

/** The directory that this csync2 was built to read; null if there is no such program, or if it is something else, such as a script. */
function directoryOf(csync2: string): string | null {
  try {
    const program = readFileSync(findProgram(csync2));
    const at = program.indexOf(BEFORE_DEFAULT);
    if (at === -1) return null;
    const begin = at + BEFORE_DEFAULT.length;
    return DEFAULT_DIRECTORY.exec(program.toString("latin1", begin, begin + PATH_MAX))?.[1] ?? null;
  } catch {
    return null;
  }
}

function usualDirectory(usual: readonly string[]): string {
  const found = usual.filter((directory) => isThere(`${directory}/csync2.cfg`));
  const [first, ...others] = found;
  if (first === undefined)
    throw new Csync2revError(
      "config-missing",
      `found no "csync2.cfg" in ${usual.join(", ")}: create it, or set CSYNC2_SYSTEM_DIR to its directory`,
    );
  const other = others.find((directory) => !isSameFile(`${first}/csync2.cfg`, `${directory}/csync2.cfg`));
  if (other !== undefined)
    throw new Csync2revError(
      "config-ambiguous",
      `found both "${first}/csync2.cfg" and "${other}/csync2.cfg": remove the one that csync2 does not read, or set CSYNC2_SYSTEM_DIR to the directory of the other`,
    );
  return first;
}

/** Also true if the file cannot be looked at: reading it then says why. */
function isThere(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return true;
  }
}

function isSameFile(one: string, other: string): boolean {
  try {
    const a = statSync(one, { bigint: true });
    const b = statSync(other, { bigint: true });
    return a.dev === b.dev && a.ino === b.ino;
  } catch {
    return false;
  }
}
