import yargs from "yargs";
import packageJson from "../package.json" with { type: "json" };
import { checkUp } from "./checkup/checkup.ts";
import { describeCheckup } from "./checkup/report.ts";
import { describeWarning } from "./csync2cfg/model.ts";
import { Csync2revError, type ErrorCode } from "./errors.ts";
import { openHost, type ConfiguredHost, type HostOptions } from "./host.ts";
import { writeMetrics } from "./others/metrics.ts";
import { askOthers, type Audience, type OthersOptions, type OthersResult } from "./others/others.ts";
import { EXIT } from "./requester/outcome.ts";
import { plan, type PlannedPeer, type Selection } from "./requester/plan.ts";
import { describeResult, describeStage, describeTroubles } from "./others/report.ts";
import { Screen } from "./others/screen.ts";
import { printable, printableJson } from "./printable.ts";
import { OTHERS_RULES, PORT_RULE, type Rule } from "./settings.ts";
import { showConfig } from "./show-config.ts";
import { columnsOf, isScreen, painter } from "./terminal.ts";

/**
 * Every mode but the handler.
 * @param argv the command line behind the program's name
 * @returns the exit status
 */
export async function runCommandLine(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  process.stdout.on("error", () => undefined);
  try {
    const line = await parseCommandLine(argv);
    if (typeof line === "string") {
      if (line !== "") process.stdout.write(`${line}\n`);
      return EXIT.caughtUp;
    }
    switch (line.mode) {
      case "others": {
        const exit = await catchUp(line, env);
        // A csync2 on this host that nobody waits for any more goes on without us.
        if (exit === EXIT.interrupted) process.exit(exit);
        return exit;
      }
      case "test":
        return await test(line, env);
      case "show-config":
        return show(line, env);
    }
  } catch (error) {
    if (!(error instanceof Csync2revError)) throw error;
    complain(error.message);
    return EXIT_OF[error.code];
  }
}

/** The exit status for an error that ended everything. */
const EXIT_OF: Readonly<Record<ErrorCode, number>> = {
  usage: EXIT.usage,
  "config-missing": EXIT.configuration,
  "config-ambiguous": EXIT.configuration,
  "config-unreadable": EXIT.configuration,
  "config-syntax": EXIT.configuration,
  key: EXIT.configuration,
  directive: EXIT.configuration,
  settings: EXIT.configuration,
  "no-group": EXIT.configuration,
  frame: EXIT.incomplete,
  unauthenticated: EXIT.incomplete,
  message: EXIT.incomplete,
  gone: EXIT.incomplete,
  system: EXIT.incomplete,
};

const MODES = ["others", "test", "show-config"] as const;

/** A command line that has been understood. */
interface CommandLine {
  readonly mode: (typeof MODES)[number];
  readonly host: HostOptions;
  readonly selection: Selection;
  readonly dryRun: boolean;
  readonly reconcile: boolean;
  readonly verify: boolean;
  readonly verbose: boolean;
  readonly quiet: boolean;
  readonly json: boolean;
  /** The file for Prometheus. */
  readonly metrics: string | undefined;
  /** Where not given, the settings say. */
  readonly port: number | undefined;
  readonly deadline: number | undefined;
  readonly connectTimeout: number | undefined;
  readonly jobs: number | undefined;
}

/** Reads the command line; text is what is left to print, for --help and the like. Throws `usage`. */
async function parseCommandLine(argv: readonly string[]): Promise<CommandLine | string> {
  let print = "";
  const parser = yargs()
    .scriptName("csync2rev")
    .usage("$0 --others [options]     ask every peer to push what this host has missed")
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
      verify: { type: "boolean", describe: "Compare with each peer afterwards" },
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
      others: ["test", "show-config", "completion", "inetd"],
      test: ["show-config", "completion", "inetd", "dry-run", "reconcile", "verify", "metrics"],
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
    verify: options.verify === true,
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

function number(option: string, value: string | undefined, rule: Rule<number>): number | undefined {
  if (value === undefined) return undefined;
  const read = rule.read(value);
  if (read === undefined)
    throw new Csync2revError("usage", `--${option} ${JSON.stringify(value)} is not allowed: ${rule.allowed}`);
  return read;
}

/** What every mode but `--test` needs: a configuration without a fault. */
function configured(line: CommandLine, env: NodeJS.ProcessEnv): ConfiguredHost {
  const opened = openHost(line.host, env);
  if (opened.settingsFault !== null) throw opened.settingsFault;
  if (opened.configuration === null) throw opened.configurationFault;
  if (opened.configurationFault !== null) throw opened.configurationFault;
  return opened;
}

/** `--show-config`. */
function show(line: CommandLine, env: NodeJS.ProcessEnv): number {
  const { host, configuration } = configured(line, env);
  for (const warning of configuration.warnings) complain(`warning: ${describeWarning(warning)}`);
  process.stdout.write(`${printableJson(showConfig(host, configuration), 2)}\n`);
  return EXIT.caughtUp;
}

/** `--test`. */
async function test(line: CommandLine, env: NodeJS.ProcessEnv): Promise<number> {
  const checkup = await checkUp(line.host, line.selection, line, env);
  process.stdout.write(
    line.json
      ? `${printableJson(checkup)}\n`
      : describeCheckup(checkup, line.quiet, painter(process.stdout, env)),
  );
  return checkup.exit;
}

/** `--others`, with its progress and its result on the terminal. */
async function catchUp(line: CommandLine, env: NodeJS.ProcessEnv): Promise<number> {
  const { host, configuration } = configured(line, env);
  const peers = plan(configuration.groups, line.selection, host.hostname);
  const { others, port } = host.settings;
  const live = isScreen(process.stdout, env) && isScreen(process.stderr, env) && !line.quiet;
  const options: OthersOptions = {
    jobs: line.jobs ?? others.jobs,
    connectTimeout: line.connectTimeout ?? others.connectTimeout,
    deadline: line.deadline ?? others.deadline,
    readyTimeout: others.readyTimeout,
    port: line.port ?? port,
    dryRun: line.dryRun,
    reconcile: line.reconcile,
    verify: line.verify,
    output: line.verbose || live,
  };
  const interrupt = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => {
      interrupt.abort();
    });
  const screen = live
    ? new Screen(
        process.stderr,
        peers.map(({ name }) => name),
      )
    : null;
  const result = await askOthers(
    host,
    peers,
    options,
    watchOn(screen, peers, line.verbose),
    interrupt.signal,
  );
  screen?.close();

  process.stdout.write(textOf(result, line, env));
  if (line.metrics === undefined) return result.exit;
  try {
    writeMetrics(line.metrics, result, host.config, Math.round(Date.now() / 1000));
    return result.exit;
  } catch (error) {
    if (!(error instanceof Csync2revError)) throw error;
    complain(error.message);
    return result.exit === EXIT.caughtUp ? EXIT.incomplete : result.exit;
  }
}

function textOf(result: OthersResult, line: CommandLine, env: NodeJS.ProcessEnv): string {
  if (line.json) return `${printableJson(result)}\n`;
  if (line.quiet) return describeTroubles(result, line.host, line.dryRun);
  const width = columnsOf(process.stdout);
  return describeResult(result, line.host, line.dryRun, width, painter(process.stdout, env));
}

/** How many bytes of peers' lines may wait for whoever reads them, before further ones are left out. */
const BACKLOG_LIMIT = 1 << 20;

function watchOn(screen: Screen | null, peers: readonly PlannedPeer[], verbose: boolean): Audience {
  const files = new Map<PlannedPeer, number>();
  let leftOut = 0;
  return {
    stage(peer, verb, stage) {
      const line = stage.at === "running" ? stage.line : null;
      if (line?.startsWith("Updating ") === true || line?.startsWith("Deleting ") === true)
        files.set(peer, (files.get(peer) ?? 0) + 1);
      if (line !== null && verbose) {
        if (process.stderr.writableLength > BACKLOG_LIMIT) {
          leftOut++;
          return;
        }
        const before =
          leftOut > 0 ? `(${leftOut} lines left out: they came faster than they were read)\n` : "";
        leftOut = 0;
        const text = `${before}${printable(peer.name)}: ${printable(line)}\n`;
        if (screen === null) process.stderr.write(text);
        else screen.print(text);
      }
      screen?.set(peers.indexOf(peer), describeStage(verb, stage, files.get(peer) ?? 0), false);
    },
    result(peer, { outcome }) {
      screen?.set(peers.indexOf(peer), outcome, true);
    },
  };
}

/** A message may span lines: csync2.cfg's errors show the line and a caret. */
function complain(message: string): void {
  process.stderr.write(`csync2rev: ${message.split("\n").map(printable).join("\n")}\n`);
}
