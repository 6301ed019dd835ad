import { withoutPasswords } from "./printable.ts";
import { greet } from "./handler/greet.ts";
import { guardConnection, isConnection } from "./handler/guard.ts";
import { statOf } from "./runtime/descriptors.ts";

hidePasswords(process.argv.slice(2));
void main(process.argv.slice(2));

/** Every user of the host sees in ps(1) how a process was started: for a password in -D that is as short as can be. */
function hidePasswords(args: readonly string[]): void {
  const shown = args.map(withoutPasswords).join(" ");
  if (shown !== args.join(" ")) process.title = `csync2rev ${shown}`;
}

/** Loads only the side that is needed: inetd starts a process for every connection. */
async function main(argv: readonly string[]): Promise<void> {
  if (await isHandler(argv)) {
    guardConnection();
    const challenge = greet();
    const { serve } = await import("./handler/serve.ts");
    await serve(challenge, argv, process.env);
    process.exit();
  } else {
    const { runCommandLine } = await import("./cli/modes.ts");
    process.exitCode = await runCommandLine(argv, process.env);
  }
}

/**
 * Whether to run the handler: with -i, or if standard error is a connection. Otherwise if standard input is a socket, no other mode is
 * asked for, and all options are the handler's own. Then a typing error in a crontab is reported by the command line, and so is a mode
 * that is missing there.
 */
async function isHandler(args: readonly string[]): Promise<boolean> {
  if (args.some((arg) => /^(-i|--inetd)$/.test(arg)) || isConnection()) return true;
  if (statOf(0)?.isSocket() !== true) return false;
  const { readOptions } = await import("./handler/options.ts");
  try {
    await readOptions(args);
    return true;
  } catch {
    return false;
  }
}
