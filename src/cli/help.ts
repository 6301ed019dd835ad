import { SECTIONS, type Option } from "./options.ts";

/** The width of what is explained, and that of a status. */
const LEFT = 31;
const LEFT_OF_STATUS = 5;
/** On a terminal that is narrower than this, words stand below what they explain. */
const SIDE_BY_SIDE = 72;
/** Lines are no longer than this, however wide the terminal is. */
const LONGEST = 100;
const INDENT = 8;

const USAGE: readonly (readonly [command: string, does: string])[] = [
  ["csync2rev --others [options]", "ask every peer to push what this host has missed"],
  ["csync2rev --status [options]", "who holds files for whom, as far as csync2 has checked"],
  ["csync2rev --test [options]", "test this host's set-up, and ping every peer"],
  ["csync2rev --show-config", "what csync2rev reads out of csync2.cfg, as JSON"],
  ["csync2rev --inetd", "answer one request on stdin, for inetd, xinetd or systemd"],
];

const EXIT_STATUSES: readonly (readonly [status: string, means: string])[] = [
  ["0", "Caught up with all peers; --test: nothing failed; --status: nobody waits for anything"],
  ["1", "A peer is pending, failed or lost; or something on this host failed"],
  ["64", "The command line is wrong"],
  ["75", "Only unreachable or busy peers are left: ask again later"],
  ["77", "A peer is refused or unanswered"],
  ["78", "The configuration is wrong"],
  ["130", "Interrupted"],
];

const END = "csync2rev.ini can set other defaults. csync2rev(8) is the manual: man 8 csync2rev";

/** What --help prints. @param columns of the terminal; Infinity if there is none */
export function describeHelp(columns: number): string {
  const width = Math.min(columns, LONGEST);
  const section = (heading: string, rows: readonly (readonly [string, string])[], leftWidth = LEFT): string =>
    `${heading}:\n${rows.map(([left, right]) => describe(left, right, leftWidth, width)).join("")}`;
  return [
    section("Usage", USAGE),
    ...SECTIONS.map(([heading, options]) =>
      section(
        heading,
        options.map(([name, option]) => [nameOf(name, option), wordsOf(option)]),
      ),
    ),
    section("Exit status", EXIT_STATUSES, LEFT_OF_STATUS),
    wrapped(END, width)
      .map((line) => `${line}\n`)
      .join(""),
  ].join("\n");
}

function nameOf(name: string, { short, argument, optional }: Option): string {
  const letter = short === undefined ? "    " : `-${short}, `;
  const value = argument === undefined ? "" : optional ? `[=${argument}]` : ` ${argument}`;
  return `${letter}--${name}${value}`;
}

function wordsOf({ does, byDefault }: Option): string {
  return byDefault === undefined ? does : `${does} (default ${byDefault})`;
}

function describe(left: string, right: string, leftWidth: number, width: number): string {
  if (width >= SIDE_BY_SIDE) {
    const [first = "", ...rest] = wrapped(right, width - leftWidth - 2);
    return [
      `  ${left.padEnd(leftWidth)}${first}`,
      ...rest.map((line) => `${" ".repeat(leftWidth + 2)}${line}`),
    ]
      .map((line) => `${line}\n`)
      .join("");
  }
  const below = wrapped(right, width - INDENT).map((line) => `${" ".repeat(INDENT)}${line}\n`);
  return `  ${left}\n${below.join("")}`;
}

/** A text in lines of at most this many characters, broken at blanks. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
