import { greet } from "./handler/greet.ts";
import { guardConnection } from "./handler/guard.ts";

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
    const { runCommandLine } = await import("./cli.ts");
    process.exitCode = await runCommandLine(argv, process.env);
  }
}

/** -i says so; else the handler is what runs where no other mode is asked for and nobody sits at a terminal. */
async function isHandler(args: readonly string[]): Promise<boolean> {
  if (args.some((arg) => /^(-i|--inetd)$/.test(arg))) return true;
  const otherMode =
    /^(-[vdq]*[oTh]|--(others|test|show-config|completion|get-yargs-completions|help|version)$)/;
  if (args.some((arg) => otherMode.test(arg))) return false;
  const { isatty } = await import("node:tty");
  return !isatty(0);
}
