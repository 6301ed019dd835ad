import { greet } from "./handler/greet.ts";
import { guardConnection, isConnection } from "./handler/guard.ts";

void main(process.argv.slice(2));

/** Either side is loaded only when it is wanted: inetd starts a process for every connection. */
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
 * -i says so, or a connection where messages would go. Else the handler is what runs where no other mode is asked for, nobody sits
 * at a terminal, and the options are its own: a typing error in a crontab is for the command line to complain about.
 */
async function isHandler(args: readonly string[]): Promise<boolean> {
  if (args.some((arg) => /^(-i|--inetd)$/.test(arg)) || isConnection()) return true;
  const { isatty } = await import("node:tty");
  if (isatty(0)) return false;
  const { readOptions } = await import("./handler/options.ts");
  try {
    readOptions(args);
    return true;
  } catch {
    return false;
  }
}
