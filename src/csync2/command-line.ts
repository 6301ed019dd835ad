import type { ThisHost } from "../host.ts";
import { withoutPasswords } from "../printable.ts";
import { findProgram } from "../programs.ts";
import type { Command } from "./verbs.ts";
import { DATABASE, ignoringSigpipe } from "./wrappers.ts";

/** The program and its arguments for a command. Throws `system` if there is no csync2. */
export function csync2Line(host: ThisHost, command: Command): readonly string[] {
  return [
    findProgram(host.settings.csync2),
    ...(host.database === undefined ? [] : ["-D", host.database]),
    ...(host.config === "" ? [] : ["-C", host.config]),
    ...(host.givenHostname === undefined ? [] : ["-N", host.givenHostname]),
    ...host.settings.csync2Options,
    "-v",
    ...command.args,
  ];
}

/**
 * A command line that ignores SIGPIPE. flock(1) may wait for long, with csync2's -D in ps(1): if that has a password, it comes by the
 * environment. csync2 itself shows its -D.
 */
export function hidden(
  { database = "" }: ThisHost,
  line: readonly string[],
): { readonly line: readonly string[]; readonly env?: Readonly<Record<string, string>> } {
  if (withoutPasswords(database) === database) return { line: ignoringSigpipe(line) };
  const [program = "", , , ...rest] = line;
  return { line: ignoringSigpipe([program, ...rest], true), env: { [DATABASE]: database } };
}
