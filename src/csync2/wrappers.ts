import { findProgram } from "../programs.ts";

/*
 * What csync2 is started under. Every word that is not csync2's own command line stands here, and `--test` tries these very words on
 * this host: util-linux of 2018 and any sh(1) will do.
 */

/** What flock(1) exits with if the lock is held; not one of csync2's statuses. */
export const CONFLICT = 199;

/**
 * A command under flock(1). It keeps the lock to itself (--close), so that no daemon which one of csync2's actions starts can hold it on.
 * @param wait seconds; 0: not at all
 * Throws `system` if there is no flock.
 */
export function underLock(lockFile: string, wait: number, line: readonly string[]): readonly string[] {
  return [
    findProgram("flock"),
    ...(wait === 0 ? ["--nonblock"] : ["--timeout", String(wait)]),
    ...["--close", "--conflict-exit-code", String(CONFLICT), lockFile, ...line],
  ];
}

/** The words that lock an open file, which the flock(1) that is started has as descriptor 3. */
export function lockingDescriptor(wait: number): readonly string[] {
  return [findProgram("flock"), ...(wait === 0 ? ["--nonblock"] : ["--timeout", String(wait)]), "3"];
}

/**
 * A command that ignores SIGPIPE: csync2 does not by itself, and would die half-way if its reader is gone. Node.js and Bun reset signals
 * in what they start, and env(1) knows how only since coreutils 8.31. The script is fixed, and its arguments are no part of it.
 * @param hides whether csync2's database comes by the environment, as DATABASE
 * Throws `system` if there is no sh.
 */
export function ignoringSigpipe(line: readonly string[], hides = false): readonly string[] {
  return [findProgram("sh"), "-c", hides ? WITH_DATABASE : `trap '' PIPE; exec "$@"`, "sh", ...line];
}

/** Where csync2's database is taken from if it is not to be seen in ps(1). */
export const DATABASE = "CSYNC2REV_DATABASE";
const WITH_DATABASE = `trap '' PIPE; program=$1 database=$${DATABASE}; shift; unset ${DATABASE}; exec "$program" -D "$database" "$@"`;
