// What Bun's program obeys that ours must not. Bun has no flags for it, so the names of these variables are taken out of its program.
import type { Platform } from "./bun.ts";

/**
 * The variables that have a compiled program run other code, open a port or write a file, and what each does. SECURITY.md has the rest.
 * A name that begins with NUL is in no environment.
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
  BUN_ENABLE_CRASH_REPORTING: "after a crash, the program runs curl with a report",
  BUN_CRASH_REPORT_URL: "where that report goes",
};

/** Their names. */
export const CLOSED_VARIABLES = Object.keys(VARIABLES);

/**
 * BUN_JSC_ and the name of one of the engine's options: they write profiles, print to stderr, or name a file with other code for a function
 * (functionOverrides), and an unknown one ends the program. The prefix is not a text in the program: its code compares letter by letter. This
 * is the code that does so with the first letters, and how it is changed so that no variable ever has the first one.
 */
const PREFIX: Readonly<Record<Platform, { readonly code: string; readonly closed: string }>> = {
  // cmpb $'B',(%r14); jne …; cmpb $'U',0x1(%r14); jne …: the first jump is made always.
  x64: { code: "41803e4275e541807e015575de", closed: "41803e42ebe541807e015575de" },
  // cmp w10,#'B'; b.ne …; ldrb w10,[x9,#1]; cmp w10,#'U': the first letter is compared with more than a byte can be.
  arm64: { code: "5f09017101ffff542a0540395f550171", closed: "5f09057101ffff542a0540395f550171" },
};

/**
 * Bun's program for a platform without these variables.
 * @param bun the program, which is left as it is
 * Throws, with what to do, if one of them is not in it exactly once: it is another Bun than the one that was looked at.
 */
export function closeDoors(bun: Buffer, platform: Platform): Buffer {
  const closed = Buffer.from(bun);
  const { code, closed: changed } = PREFIX[platform];
  replaceOnce(closed, "BUN_JSC_", Buffer.from(code, "hex"), Buffer.from(changed, "hex"));
  for (const name of CLOSED_VARIABLES)
    replaceOnce(closed, name, Buffer.from(`\0${name}\0`), Buffer.from(`\0\0${name.slice(1)}\0`));
  return closed;
}

function replaceOnce(program: Buffer, name: string, before: Buffer, after: Buffer): void {
  const place = program.indexOf(before);
  if (place === -1 || program.includes(before, place + 1))
    throw new Error(
      `this Bun has ${name} ${place === -1 ? "nowhere" : "more than once"}: look through the variables that it takes, and put packaging/doors.ts right`,
    );
  after.copy(program, place);
}
