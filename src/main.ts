import { isatty } from "node:tty";
import { guardConnection } from "./handler/guard.ts";

const argv = process.argv.slice(2);
if (isHandler(argv)) guardConnection();
void main();

/** Either side is loaded only when it is wanted: inetd starts a process for every connection. */
async function main(): Promise<void> {
  if (isHandler(argv)) {
    const { serve } = await import("./handler/serve.ts");
    await serve(argv, process.env);
    process.exit();
  } else {
    const { runCommandLine } = await import("./cli.ts");
    process.exitCode = await runCommandLine(argv, process.env);
  }
}

/** -i says so; else the handler is what runs where no other mode is asked for and nobody sits at a terminal. */
function isHandler(args: readonly string[]): boolean {
  if (args.some((arg) => /^(-i|--inetd)$/.test(arg))) return true;
  const otherMode =
    /^(-[vdq]*[oTh]|--(others|test|show-config|completion|get-yargs-completions|help|version)$)/;
  return !args.some((arg) => otherMode.test(arg)) && !isatty(0);
}
