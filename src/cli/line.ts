// Only its parser: yargs itself takes 8 ms, for a help and for languages that are not wanted.
import { Parser } from "yargs/helpers";
import { Csync2revError } from "../errors.ts";
import type { HostOptions } from "../host.ts";
import type { AskOverrides } from "../requester/options.ts";
import type { Selection } from "../requester/plan.ts";
import { VERIFY, type Verify } from "../others/run.ts";
import { MAX_DELETED_RULE, OTHERS_RULES, PORT_RULE, type Rule } from "../settings.ts";
import { nearestOption } from "./nearest.ts";
import { MODES, OPTIONS, type Mode, type Switch, type Valued } from "./options.ts";

/** A run that the command line asks for. */
export interface CommandLine extends AskOverrides {
  readonly mode: Mode;
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

/** Something that is only printed. `shell` is empty if the environment decides which. */
export type Printed =
  | { readonly mode: "help" }
  | { readonly mode: "version" }
  | { readonly mode: "completion"; readonly shell: string };

/** Options that exclude each other. */
const CONFLICTS: readonly (readonly [Switch | Valued, readonly (Switch | Valued)[]])[] = [
  ["quiet", ["verbose", "json"]],
  ["others", ["status", "all", "test", "show-config", "completion", "inetd"]],
  [
    "status",
    ["test", "show-config", "completion", "inetd", "dry-run", "reconcile", "verify", "quiet", "verbose"],
  ],
  ["test", ["all", "show-config", "completion", "inetd", "dry-run", "reconcile", "verify", "metrics"]],
  ["dry-run", ["reconcile", "verify", "metrics"]],
];

/** Reads the command line behind the program's name. Throws `usage`. */
export function parseCommandLine(argv: readonly string[]): CommandLine | Printed {
  const options = parse(argv);
  const has = (name: Switch): boolean => options[name] === true;
  if (has("help")) return { mode: "help" };
  if (has("version")) return { mode: "version" };
  demandKnown(options["_"] as readonly string[], options);
  lastCounts(options);
  demandTogether(options);
  const text = (name: Valued): string | undefined => options[name] as string | undefined;
  const shell = text("completion");
  if (shell !== undefined) return { mode: "completion", shell };
  const given = (name: Valued): string | undefined => {
    const value = text(name);
    if (value === "")
      throw usage(`--${name} needs an argument: write --${name} ${OPTIONS[name].argument ?? ""}`);
    return value;
  };
  const ruled = <T>(name: Valued, rule: Rule<T>): T | undefined => {
    const value = given(name);
    if (value === undefined) return undefined;
    const read = rule.read(value);
    if (read === undefined) throw usage(`--${name} ${JSON.stringify(value)} is not allowed: ${rule.allowed}`);
    return read;
  };
  const names = (name: Valued): string[] | undefined => {
    const found = given(name)
      ?.split(",")
      .filter((one) => one !== "");
    if (found?.length === 0) throw usage(`--${name} has no name: write --${name} A,B`);
    return found;
  };
  const line = {
    host: {
      config: given("config"),
      hostname: given("hostname"),
      database: given("database"),
      settings: given("settings"),
      maxDeleted: ruled("max-deleted", MAX_DELETED_RULE),
    },
    selection: { groups: names("group"), peers: names("peer")?.map((name) => name.toLowerCase()) },
    dryRun: has("dry-run"),
    reconcile: has("reconcile"),
    verify: verify(text("verify")),
    all: has("all"),
    verbose: has("verbose"),
    quiet: has("quiet"),
    json: has("json"),
    metrics: given("metrics"),
    port: ruled("port", PORT_RULE),
    deadline: ruled("deadline", OTHERS_RULES.deadline),
    connectTimeout: ruled("connect-timeout", OTHERS_RULES["connect-timeout"]),
    jobs: ruled("jobs", OTHERS_RULES.jobs),
  };
  const mode = MODES.find(has);
  if (mode === undefined)
    throw usage(
      "a mode is missing: write --others, --status, --test or --show-config, or --inetd to answer a request; csync2rev --help shows every option",
    );
  return { mode, ...line };
}

type Parsed = Record<string, unknown>;

/** Words and options that are not known are in `_`, as they were written. */
function parse(argv: readonly string[]): Parsed {
  // As letters they could be options by chance: -others holds -h.
  const long = argv.find((word) => /^-[a-z-]+$/.test(word) && Object.hasOwn(OPTIONS, word.slice(1)));
  if (long !== undefined) throw usage(`unknown option "${long}": did you mean -${long}?`);
  const options = Object.entries(OPTIONS);
  const named = (isSwitch: boolean): string[] =>
    options.filter(([, { argument }]) => (argument === undefined) === isSwitch).map(([name]) => name);
  const { argv: parsed, error } = Parser.detailed([...argv], {
    boolean: named(true),
    string: named(false),
    alias: Object.fromEntries(
      options.flatMap(([name, { short }]) => (short === undefined ? [] : [[name, [short]]])),
    ),
    configuration: {
      "boolean-negation": false,
      "camel-case-expansion": false,
      "dot-notation": false,
      "parse-numbers": false,
      "parse-positional-numbers": false,
      "unknown-options-as-args": true,
    },
  });
  if (error !== null) throw usage(error.message);
  return parsed;
}

function demandKnown(unknown: readonly string[], options: Parsed): void {
  const [first] = unknown;
  if (first === undefined) return;
  const nearest = nearestOption(first);
  const then =
    nearest !== null
      ? `did you mean ${nearest}?`
      : !first.startsWith("-") && MODES.some((mode) => options[mode] === true)
        ? `if it is a peer, write -P ${first}`
        : "csync2rev --help shows every option";
  throw usage(`${first.startsWith("-") ? "unknown option" : "unknown argument"} "${first}": ${then}`);
}

function demandTogether(options: Parsed): void {
  const isThere = (name: string): boolean => options[name] !== undefined && options[name] !== false;
  for (const [one, others] of CONFLICTS) {
    const other = isThere(one) ? others.find(isThere) : undefined;
    if (other !== undefined) throw usage(`--${one} does not go with --${other}`);
  }
}

/** If an option is given twice, the last value wins, as in csync2. But not for a list: half of the peers would be left out. */
function lastCounts(options: Parsed): void {
  for (const [name, value] of Object.entries(options)) {
    if (name === "_" || !Array.isArray(value)) continue;
    if (["group", "peer"].includes(name)) throw usage(`--${name} is given twice: write --${name} A,B`);
    options[name] = value.at(-1);
  }
}

function verify(value: string | undefined): Verify | null {
  if (value === undefined) return null;
  const found = VERIFY.find((how) => how === (value === "" ? "records" : value));
  if (found === undefined)
    throw usage(`--verify ${JSON.stringify(value)} is not allowed: write --verify or --verify=content`);
  return found;
}

function usage(message: string): Csync2revError {
  return new Csync2revError("usage", message);
}
