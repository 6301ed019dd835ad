import { OTHERS_RULES, PORT_RULE } from "../settings.ts";

/** One option of the command line. */
export interface Option {
  readonly short?: string;
  /** What its argument is called; an option without one is a switch. */
  readonly argument?: string;
  /** Whether the argument may be missing; it then stands behind "=". */
  readonly optional?: true;
  /** What its argument is, for the shell to complete. */
  readonly completes?: "peer" | "group" | "file" | "directory" | "shell";
  /** For people; one line. */
  readonly does: string;
  /** The value if neither the command line nor csync2rev.ini gives one. */
  readonly byDefault?: number;
}

/** The shells that `--completion` knows. */
export const SHELLS = ["bash", "zsh", "fish"] as const;

const OF_MODES = {
  inetd: { short: "i", does: "Answer one request; the default if stdin is a socket" },
  others: { short: "o", does: "Ask every peer in turn to push what this host has missed" },
  status: { does: "Show how many files each peer holds for this host, and this host for each peer" },
  test: {
    short: "T",
    does: "Test this host's set-up and ping every peer: what is wrong, and what to do",
  },
  "show-config": { does: "Print what csync2rev reads out of csync2.cfg, as JSON" },
  completion: {
    argument: "SHELL",
    completes: "shell",
    does: `Print a script that completes options, peers and groups in ${SHELLS.join(", ")}`,
  },
  help: { short: "h", does: "Show this help" },
  version: { short: "V", does: "Show the version" },
} as const satisfies Record<string, Option>;

const AS_IN_CSYNC2 = {
  config: { short: "C", argument: "NAME", does: "Use csync2_NAME.cfg" },
  hostname: { short: "N", argument: "NAME", does: "This host's name in csync2.cfg" },
  database: {
    short: "D",
    argument: "DATABASE",
    completes: "directory",
    does: "csync2's database, a directory or URL",
  },
  group: { short: "G", argument: "A,B", completes: "group", does: "Ask only for these groups" },
  peer: { short: "P", argument: "A,B", completes: "peer", does: "Ask only these peers" },
} as const satisfies Record<string, Option>;

const FURTHER = {
  "dry-run": { short: "d", does: "Show what the peers would push; change nothing here" },
  reconcile: { does: "Also compare databases: bring files whose origin is gone" },
  verify: {
    argument: "content",
    optional: true,
    does: "Compare with each peer afterwards; --verify=content also compares the content",
  },
  all: { does: "With --status: who holds files for whom in the whole cluster" },
  "max-deleted": {
    argument: "LIMIT",
    does: "How many recorded files may be gone from this host: a share, or a number",
  },
  port: { short: "p", argument: "PORT", does: "csync2rev's TCP port", byDefault: PORT_RULE.byDefault },
  deadline: {
    argument: "SECONDS",
    does: "Give up after this time; a running push may finish",
    byDefault: OTHERS_RULES.deadline.byDefault,
  },
  "connect-timeout": {
    argument: "SECONDS",
    does: "How long a peer may take to accept and greet",
    byDefault: OTHERS_RULES["connect-timeout"].byDefault,
  },
  jobs: {
    argument: "NUMBER",
    does: "How many peers may check at the same time",
    byDefault: OTHERS_RULES.jobs.byDefault,
  },
  settings: { argument: "FILE", completes: "file", does: "Read this file instead of csync2rev.ini" },
  verbose: { short: "v", does: "Show csync2's lines, each with its peer" },
  quiet: { short: "q", does: "Print only what needs attention" },
  json: { does: "Print the result as JSON" },
  metrics: {
    argument: "FILE",
    completes: "file",
    does: "Also write the result to this file, for Prometheus's node_exporter",
  },
} as const satisfies Record<string, Option>;

const ALL = { ...OF_MODES, ...AS_IN_CSYNC2, ...FURTHER };

/** The options without an argument, and those with one. */
export type Switch = {
  [Name in keyof typeof ALL]: (typeof ALL)[Name] extends { argument: string } ? never : Name;
}[keyof typeof ALL];
export type Valued = Exclude<keyof typeof ALL, Switch>;

/** All options, by their long names: what is read, what --help shows and what the shell completes. */
export const OPTIONS: Readonly<Record<Switch | Valued, Option>> = ALL;

/** All options in the order and under the headings of --help. */
export const SECTIONS: readonly (readonly [
  heading: string,
  options: readonly (readonly [string, Option])[],
])[] = [
  ["Modes", Object.entries(OF_MODES)],
  ["As in csync2", Object.entries(AS_IN_CSYNC2)],
  ["Options", Object.entries(FURTHER)],
];

/** The options that say what to do. */
export const MODES = ["others", "status", "test", "show-config"] as const;
export type Mode = (typeof MODES)[number];
