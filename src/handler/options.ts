import { Csync2revError } from "../errors.ts";
import type { HostOptions } from "../host.ts";

/**
 * The handler's own options: those it shares with csync2, and --settings.
 * @param argv the command line behind the program's name
 * Throws `usage`.
 */
export async function readOptions(argv: readonly string[]): Promise<HostOptions> {
  if (argv.every((arg) => arg === "-i")) return {};
  const { parseArgs } = await import("node:util");
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        inetd: { type: "boolean", short: "i" },
        config: { type: "string", short: "C" },
        hostname: { type: "string", short: "N" },
        database: { type: "string", short: "D" },
        settings: { type: "string" },
      },
    });
    return values;
  } catch (cause) {
    throw new Csync2revError("usage", `the handler's command line: ${(cause as Error).message}`, { cause });
  }
}
