import yargs from "yargs";
import packageJson from "../../package.json" with { type: "json" };
import { Csync2revError } from "../errors.ts";
import type { HostOptions } from "../host.ts";
import type { AskOverrides } from "../requester/options.ts";
import type { Selection } from "../requester/plan.ts";
import { OTHERS_RULES, PORT_RULE, type Rule } from "../settings.ts";
import { VERIFY, type Verify } from "../others/run.ts";
import { columnsOf } from "../terminal.ts";

const MODES = ["others", "status", "test", "show-config"] as const;

/** A command line that has been understood. */
export interface CommandLine extends AskOverrides {
  readonly mode: (typeof MODES)[number];
  readonly host: HostOptions;
  readonly selection: Selection;
  readonly dryRun: boolean;
  readonly reconcile: boolean;
  readonly verify: Verify | null;
  /** --status of every host, not of this one alone. */
  readonly all: boolean;
  readonly verbose: boolean;
  readonly quiet: boolean;
  readonly json: boolean;
  /** The file for Prometheus. */
  readonly metrics: string | undefined;
}

/** Reads the command line; text is what is left to print, for --help and the like. Throws `usage`. */
export async function parseCommandLine(argv: readonly string[]): Promise<CommandLine | string> {
  let print = "";
  const parser = yargs()
    .scriptName("csync2rev")
    .usage("$0 --others [options]     ask every peer to push what this host has missed")
    .usage("$0 --status [options]     who holds files for whom, as far as csync2 has checked")
    .usage("$0 --test [options]       test this host's set-up, and ping every peer")
    .usage("$0 --show-config          what csync2rev reads out of csync2.cfg, as JSON")
    .usage("$0 [--inetd]              answer one request on stdin, for inetd, xinetd or systemd")
    .options({
      inetd: {
        alias: "i",
        type: "boolean",
        group: "Modes:",
        describe: "Answer one request; the default where stdin is no terminal",
      },
      others: { alias: "o", type: "boolean", group: "Modes:", describe: "Ask every peer in turn" },
      test: {
        alias: "T",
        type: "boolean",
        group: "Modes:",
        describe: "Test this host's set-up and ping every peer: what is wrong, and how to mend it",
      },
      status: {
        type: "boolean",
        group: "Modes:",
        describe: "Show how many files each peer holds for this host, and this host for each peer",
      },
      "show-config": {
        type: "boolean",
        group: "Modes:",
        describe: "Print what csync2rev reads out of csync2.cfg, as JSON",
      },
      completion: {
        type: "boolean",
        group: "Modes:",
        describe: "Print a script for bash (zsh, where that is the shell) that completes options",
      },
      config: {
        alias: "C",
        type: "string",
        requiresArg: true,
        group: "As in csync2:",
        describe: "Use csync2_NAME.cfg",
      },
      hostname: {
        alias: "N",
        type: "string",
        requiresArg: true,
        group: "As in csync2:",
        describe: "This host's name in csync2.cfg",
      },
      database: {
        alias: "D",
        type: "string",
        requiresArg: true,
        group: "As in csync2:",
        describe: "csync2's database, a directory or URL",
      },
      group: {
        alias: "G",
        type: "string",
        requiresArg: true,
        group: "As in csync2:",
        describe: "Only through these groups, A,B",
      },
      peer: {
        alias: "P",
        type: "string",
        requiresArg: true,
        group: "As in csync2:",
        describe: "Only these peers, A,B",
      },
      "dry-run": {
        alias: "d",
        type: "boolean",
        describe: "Show what the peers would push; change nothing here",
      },
      reconcile: { type: "boolean", describe: "Compare databases too: bring files whose origin is gone" },
      all: { type: "boolean", describe: "With --status: who holds files for whom in the whole cluster" },
      verify: {
        type: "string",
        describe: "Compare with each peer afterwards; --verify=content compares what is in the files too",
      },
      port: { alias: "p", type: "string", requiresArg: true, describe: "csync2rev's TCP port" },
      deadline: {
        type: "string",
        requiresArg: true,
        describe: "Seconds until nothing is waited for any more",
      },
      "connect-timeout": {
        type: "string",
        requiresArg: true,
        describe: "Seconds for a peer to answer a connection",
      },
      jobs: { type: "string", requiresArg: true, describe: "Checks side by side" },
      settings: { type: "string", requiresArg: true, describe: "Read this file in place of csync2rev.ini" },
      verbose: { alias: "v", type: "boolean", describe: "Show csync2's lines, each with its peer" },
      quiet: { alias: "q", type: "boolean", describe: "Print only what needs attention" },
      json: { type: "boolean", describe: "Print the result as JSON" },
      metrics: {
        type: "string",
        requiresArg: true,
        describe: "Write the result to this file for Prometheus's node_exporter too",
      },
    })
    .conflicts({
      quiet: ["verbose", "json"],
      others: ["status", "all", "test", "show-config", "completion", "inetd"],
      status: [
        "test",
        "show-config",
        "completion",
        "inetd",
        "dry-run",
        "reconcile",
        "verify",
        "quiet",
        "verbose",
      ],
      test: ["all", "show-config", "completion", "inetd", "dry-run", "reconcile", "verify", "metrics"],
      "dry-run": ["reconcile", "verify", "metrics"],
    })
    .parserConfiguration({
      "boolean-negation": false,
      "parse-numbers": false,
    })
    .completion("--completion", false, completeLongOptions)
    .version(packageJson.version)
    .alias("help", "h")
    .group(["help", "version"], "Modes:")
    .strict()
    .wrap(Math.min(100, columnsOf(process.stdout)))
    .locale("en")
    .exitProcess(false)
    .fail((message, error) => {
      throw new Csync2revError("usage", `${message || error.message}; csync2rev --help shows every option`);
    });
  const options = await parser.parse([...argv], {}, (_error, _argv, output) => {
    print = output;
  });
  if (print !== "") return print;
  // yargs has printed what completes the line, which must not be run.
  if (argv.includes("--get-yargs-completions")) return "";
  lastCounts(options);
  if (options._.length > 0)
    throw new Csync2revError(
      "usage",
      `"${options._.join(" ")}" is no option: csync2rev takes no arguments without one`,
    );
  if (options.completion === true) {
    parser.showCompletionScript();
    return "";
  }
  const mode = MODES.find((name) => options[name] === true);
  if (mode === undefined)
    throw new Csync2revError("usage", "say what to do: --others, --test, --show-config or --help");
  return {
    mode,
    host: {
      config: options.config,
      hostname: options.hostname,
      database: options.database,
      settings: options.settings,
    },
    selection: {
      groups: names("group", options.group),
      peers: names("peer", options.peer)?.map((name) => name.toLowerCase()),
    },
    dryRun: options["dry-run"] === true,
    reconcile: options.reconcile === true,
    verify: verify(options.verify),
    all: options.all === true,
    verbose: options.verbose === true,
    quiet: options.quiet === true,
    json: options.json === true,
    metrics: options.metrics,
    port: number("port", options.port, PORT_RULE),
    deadline: number("deadline", options.deadline, OTHERS_RULES.deadline),
    connectTimeout: number("connect-timeout", options["connect-timeout"], OTHERS_RULES["connect-timeout"]),
    jobs: number("jobs", options.jobs, OTHERS_RULES.jobs),
  };
}

/** Of an option that is there more than once the last counts, as with csync2; but a list of which half is lost asks half of the peers. */
function lastCounts(options: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(options)) {
    if (name === "_" || !Array.isArray(value)) continue;
    if (["group", "peer"].includes(name))
      throw new Csync2revError("usage", `--${name} is there more than once: write --${name} A,B`);
    options[name] = value.at(-1);
  }
}

/** What yargs finds, without its --o for -o. */
function completeLongOptions(
  _current: string,
  _argv: unknown,
  complete: (onCompleted: (error: Error | null, found: string[] | undefined) => void) => void,
  done: (found: string[]) => void,
): void {
  complete((_error, found) => {
    done((found ?? []).filter((option) => !/^--.$/.test(option)));
  });
}

function names(option: string, list: string | undefined): string[] | undefined {
  const found = list?.split(",").filter((name) => name !== "");
  if (found?.length === 0)
    throw new Csync2revError("usage", `--${option} names nobody: write --${option} A,B`);
  return found;
}

function verify(value: string | undefined): Verify | null {
  if (value === undefined) return null;
  const found = VERIFY.find((how) => how === (value === "" ? "records" : value));
  if (found === undefined)
    throw new Csync2revError(
      "usage",
      `--verify ${JSON.stringify(value)} is not allowed: write --verify or --verify=content`,
    );
  return found;
}

function number(option: string, value: string | undefined, rule: Rule<number>): number | undefined {
  if (value === undefined) return undefined;
  const read = rule.read(value);
  if (read === undefined)
    throw new Csync2revError("usage", `--${option} ${JSON.stringify(value)} is not allowed: ${rule.allowed}`);
  return read;
}
