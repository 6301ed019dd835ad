// What Bun's program obeys that ours must not. Bun has no flags for it, so the names of these variables are taken out of its program:
// a name that begins with NUL is in no environment.

/**
 * The variables that have a compiled program run other code, open a port or write a file, and what each does. Of the rest, BUN_JSC_*
 * and mimalloc_* tune and trace the engine, and what else there is concerns parts of Bun that csync2rev does not use (SECURITY.md).
 */
const VARIABLES: Readonly<Record<string, string>> = {
  BUN_BE_BUN: "the program is a bare Bun, which runs whatever its arguments name",
  BUN_OPTIONS: "arguments for Bun, --preload and --eval among them",
  BUN_INSPECT: "a port for a debugger, which evaluates code",
  BUN_INSPECT_CONNECT_TO: "a debugger to connect to",
  BUN_INSPECT_PRELOAD: "a file to run first",
  BUN_BYTECODE_ORDER_OUT: "a file to write at the end",
  BUN_BYTECODE_ORDER_NAMES_OUT: "a file to write at the end",
  BUN_BYTECODE_DIGEST_OUT: "a file to write at the end",
};

/** Their names. */
export const CLOSED_VARIABLES = Object.keys(VARIABLES);

/**
 * Bun's program without these variables.
 * @param bun the program, which is left as it is
 * Throws, with what to do, if one of the names is not in it exactly once: it is another Bun than the one that was looked at.
 */
export function closeDoors(bun: Buffer): Buffer {
  const closed = Buffer.from(bun);
  for (const name of CLOSED_VARIABLES) {
    const text = Buffer.from(`\0${name}\0`);
    const place = bun.indexOf(text);
    if (place === -1 || bun.includes(text, place + 1))
      throw new Error(
        `this Bun has ${name} ${place === -1 ? "nowhere" : "more than once"}: look through the variables that it takes, and put packaging/doors.ts right`,
      );
    closed[place + 1] = 0;
  }
  return closed;
}
