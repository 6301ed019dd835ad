import packageJson from "../../package.json" with { type: "json" };
import { checkUp } from "../checkup/checkup.ts";
import { describeCheckup } from "../checkup/report.ts";
import { describeWarning } from "../csync2cfg/model.ts";
import { Csync2revError, type ErrorCode } from "../errors.ts";
import { openHost, optionsFor, type ConfiguredHost, type ThisHost } from "../host.ts";
import { logCommand } from "../log-command.ts";
import { openLog } from "../log.ts";
import { writeMetrics, type Metric } from "../metrics.ts";
import { logOthers } from "../others/log.ts";
import { metricsOfOthers } from "../others/metrics.ts";
import { askOthers, type OthersResult } from "../others/others.ts";
import { askInRounds } from "../others/rounds.ts";
import { Screen } from "../others/screen.ts";
import { describeResult, describeTroubles } from "../others/words.ts";
import { printable, printableJson } from "../printable.ts";
import { EXIT } from "../requester/outcome.ts";
import { plan } from "../requester/plan.ts";
import type { HowToRun } from "../requester/remedies.ts";
import { metricsOfStatus } from "../status/metrics.ts";
import { describeMatrix, describeStatus } from "../status/report.ts";
import { statusOf } from "../status/status.ts";
import { showConfig } from "../show-config.ts";
import { columnsOf, isScreen, painter } from "../terminal.ts";
import { COMPLETE, completeNames, completionScript } from "./completion.ts";
import { describeHelp } from "./help.ts";
import { parseCommandLine, type CommandLine } from "./line.ts";
import { print } from "./print.ts";
import { Progress } from "./progress.ts";

/**
 * Every mode but the handler.
 * @param argv the command line behind the program's name
 * @returns the exit status
 */
export async function runCommandLine(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  // Nowhere left to say it.
  process.stderr.on("error", () => undefined);
  try {
    if (argv[0] === COMPLETE) {
      await print(completeNames(argv.slice(1), env));
      return EXIT.caughtUp;
    }
    const line = parseCommandLine(argv);
    switch (line.mode) {
      case "help":
        await print(describeHelp(columnsOf(process.stdout)));
        return EXIT.caughtUp;
      case "version":
        await print(`csync2rev ${packageJson.version}\n`);
        return EXIT.caughtUp;
      case "completion":
        await print(completionScript(line.shell, env));
        return EXIT.caughtUp;
      case "others":
        // A csync2 on this host that nobody waits for any more goes on without us.
        return process.exit(await runOthers(line, env));
      case "status":
        return process.exit(await status(line, env));
      case "test":
        return process.exit(await test(line, env));
      case "show-config":
        return await show(line, env);
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
  "tree-gone": EXIT.incomplete,
  output: EXIT.incomplete,
  busy: EXIT.tryAgain,
  system: EXIT.incomplete,
};

/** What every mode but `--test` needs: a configuration without a fault. */
function configured(line: CommandLine, env: NodeJS.ProcessEnv): ConfiguredHost {
  const opened = openHost(line.host, env);
  if (opened.settingsFault !== null) throw opened.settingsFault;
  if (opened.configuration === null) throw opened.configurationFault;
  if (opened.configurationFault !== null) throw opened.configurationFault;
  return opened;
}

/** `--show-config`. */
async function show(line: CommandLine, env: NodeJS.ProcessEnv): Promise<number> {
  const { host, configuration } = configured(line, env);
  for (const warning of configuration.warnings) complain(`warning: ${describeWarning(warning)}`);
  await print(`${printableJson(showConfig(host, configuration), 2)}\n`);
  return EXIT.caughtUp;
}

/** `--test`. */
async function test(line: CommandLine, env: NodeJS.ProcessEnv): Promise<number> {
  const checkup = await checkUp(line.host, line.selection, line, env);
  const text = line.json
    ? `${printableJson(checkup)}\n`
    : describeCheckup(checkup, line.quiet, painter(process.stdout, env));
  return await hand(checkup.exit, text, line.metrics, () => []);
}

/** `--status`. */
async function status(line: CommandLine, env: NodeJS.ProcessEnv): Promise<number> {
  const { host, configuration } = configured(line, env);
  const peers = plan(configuration.groups, line.selection, host);
  const result = await statusOf({ host, configuration }, peers, line, interruptOfSignals());
  const how = howToRun(host);
  const text = line.json
    ? `${printableJson(result)}\n`
    : line.all
      ? describeMatrix(result, how, columnsOf(process.stdout))
      : describeStatus(result, how, painter(process.stdout, env));
  return await hand(result.exit, text, line.metrics, () => metricsOfStatus(result, host.config));
}

function howToRun(host: ThisHost): HowToRun {
  return { ...optionsFor(host), readLog: logCommand(host.settings) };
}

/** Ctrl-C and the like end everything at once; what is known so far is the result. */
function interruptOfSignals(): AbortSignal {
  const interrupt = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => {
      interrupt.abort();
    });
  return interrupt.signal;
}

/** `--others`, with its progress and its result on the terminal. */
async function runOthers(line: CommandLine, env: NodeJS.ProcessEnv): Promise<number> {
  const interrupt = interruptOfSignals();
  const { result, host, fault } = await askInRounds(
    () => configured(line, env),
    line.deadline,
    (site, deadline, isOutdated) => askOnce(site, { ...line, deadline }, env, isOutdated, interrupt),
  );
  const told = fault === null ? result : { ...result, exit: EXIT_OF[fault.code] };
  await logOthers(openLog(host.settings), told, host, line.dryRun);
  const text = textOf(told, line, howToRun(host), env);
  const exit = await hand(told.exit, text, line.metrics, (before) =>
    metricsOfOthers(told, host.config, Math.round(Date.now() / 1000), before),
  );
  if (fault !== null) complain(`another csync2.cfg came from a peer: ${fault.message}`);
  return exit;
}

/** Asks every peer once, and shows how it goes. */
async function askOnce(
  site: ConfiguredHost,
  line: CommandLine & { readonly deadline: number },
  env: NodeJS.ProcessEnv,
  isOutdated: () => boolean,
  interrupt: AbortSignal,
): Promise<OthersResult> {
  const peers = plan(site.configuration.groups, line.selection, site.host);
  const live = isScreen(process.stdout, env) && isScreen(process.stderr, env) && !line.quiet;
  const names = peers.map(({ name }) => name);
  const progress = new Progress(peers, {
    screen: live ? new Screen(process.stderr, names) : null,
    verbose: line.verbose,
    // Who reads JSON is a program.
    periodic: !line.quiet && !line.json,
    until: new Date(Date.now() + line.deadline * 1000),
  });
  const options = { ...line, output: line.verbose || live, isOutdated };
  const result = await askOthers(site, peers, options, progress, interrupt);
  progress.close();
  return result;
}

/**
 * Hands over what came of a run: the text, and the metrics if a file is given for them.
 * @returns the exit status, which is not 0 if either cannot be written
 */
async function hand(
  exit: number,
  text: string,
  metrics: string | undefined,
  metricsOf: (before: (sample: string) => number) => Metric[],
): Promise<number> {
  let status = exit;
  const steps = [
    async () => {
      await print(text);
    },
    // eslint-disable-next-line @typescript-eslint/require-await
    async () => {
      if (metrics !== undefined) writeMetrics(metrics, metricsOf);
    },
  ];
  for (const step of steps)
    try {
      await step();
    } catch (error) {
      if (!(error instanceof Csync2revError)) throw error;
      complain(error.message);
      if (status === EXIT.caughtUp) status = EXIT.incomplete;
    }
  return status;
}

function textOf(result: OthersResult, line: CommandLine, how: HowToRun, env: NodeJS.ProcessEnv): string {
  if (line.json) return `${printableJson(result)}\n`;
  if (line.quiet) return describeTroubles(result, how, line.dryRun);
  const width = columnsOf(process.stdout);
  return describeResult(result, how, line.dryRun, width, painter(process.stdout, env));
}

/** A message may span lines: csync2.cfg's errors show the line and a caret. */
function complain(message: string): void {
  process.stderr.write(`csync2rev: ${message.split("\n").map(printable).join("\n")}\n`);
}
