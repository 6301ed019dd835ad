import { closeSync, constants, fstatSync, openSync, writeSync, type Stats } from "node:fs";
import type { Writable } from "node:stream";
import { isJournal } from "./journal.ts";
import { printable } from "./printable.ts";
import { childPath, findProgram } from "./programs.ts";
import type { Settings } from "./settings.ts";

/** The kinds of events in the log. Each event is one line. */
export type LogEvent = "accepted" | "refused" | "unauthenticated" | "done" | "error" | "others";

/** The fields of a line. A field that is undefined is left out. */
export type LogFields = Readonly<Record<string, string | number | undefined>>;

/** Writes one line. Resolves once this process has handed the line over; never rejects. */
export type Log = (event: LogEvent, fields: LogFields) => Promise<void>;

/**
 * The longest line, in characters, and logger(1)'s own limit, in bytes. logger(1) must never cut a line in two: the second line would
 * begin with text from a stranger.
 */
const LINE_LIMIT = 8_000;
const LOGGER_LIMIT = 4 * LINE_LIMIT;

/** Priorities of syslog (RFC 5424), without the facility. */
const PRIORITY: Readonly<Record<LogEvent, number>> = {
  accepted: 6,
  refused: 4,
  unauthenticated: 4,
  done: 6,
  error: 3,
  others: 6,
};

/**
 * Opens the log. If fd 2 is the journal, the log is the journal (systemd.exec(5), JOURNAL_STREAM). Otherwise the settings decide: syslog,
 * through logger(1), or a file. If the file cannot be written, the line goes to syslog. A request never fails because of the log: a line
 * that cannot be written anywhere goes to fd 2. (If fd 2 was the connection, it is /dev/null by then.)
 */
export function openLog(settings: Pick<Settings, "log" | "ident" | "facility">): Log {
  const write = writer(settings);
  return async (event, fields) => {
    const line = logLine(event, fields);
    try {
      await write(PRIORITY[event], line);
    } catch {
      toStderr(line);
    }
  };
}

type Write = (priority: number, line: string) => Promise<void> | void;

function writer({ log, ident, facility }: Pick<Settings, "log" | "ident" | "facility">): Write {
  if (isJournal())
    return (priority, line) => {
      toStderr(`<${priority}>${line}`);
    };
  const syslog = toSyslog(ident, facility);
  if (log === "syslog") return syslog;
  return async (priority, line) => {
    const stamp = `${new Date().toISOString()} ${ident}[${process.pid}]`;
    try {
      appendTo(log, `${stamp}: ${line}\n`);
    } catch {
      await syslog(priority, line);
    }
  };
}

const { O_WRONLY, O_APPEND, O_CREAT, O_NONBLOCK, O_NOFOLLOW } = constants;

/**
 * Appends to a file, and makes it if it is missing. Throws if it is not a regular file with one name: a FIFO could block the handler for
 * ever, and with a link, whoever can write the folder would have root write strangers' words into another file.
 */
function appendTo(file: string, text: string): void {
  const fd = openSync(file, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOFOLLOW, 0o640);
  try {
    if (!isOneFile(fstatSync(fd))) throw new Error(`${file} is not a file, or has a second name`);
    writeSync(fd, text);
  } finally {
    closeSync(fd);
  }
}

/** Whether it is a regular file, and has no second name. */
export function isOneFile(stat: Stats): boolean {
  return stat.isFile() && stat.nlink === 1;
}

function toSyslog(ident: string, facility: string): Write {
  let logger: Promise<Writable> | undefined;
  return async (priority, line) => {
    const stdin = await (logger ??= startLogger(ident, facility));
    await new Promise<void>((resolve, reject) => {
      stdin.write(`<${priority}>${line}\n`, (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
  };
}

/** `event=NAME key=value …`. It is always one line, whatever is in the values. */
export function logLine(event: LogEvent, fields: LogFields): string {
  const pairs = Object.entries(fields).filter(([, value]) => value !== undefined);
  return [["event", event] as const, ...pairs]
    .map(([key, value]) => `${key}=${quoted(String(value))}`)
    .join(" ")
    .slice(0, LINE_LIMIT);
}

function quoted(value: string): string {
  const text = printable(value.replaceAll(/[\\"]/g, "\\$&"));
  return /^[\w@%+:,./*-]+$/.test(text) ? text : `"${text}"`;
}

/**
 * Starts the only logger(1) of this process. It ends by itself when our end of the pipe closes. The pid is in the tag, not in --id: with
 * --id, util-linux's logger sends credentials, and in some user namespaces it then loses every line. Replies that are being sent go out
 * first: starting a process delays everything else.
 */
async function startLogger(ident: string, facility: string): Promise<Writable> {
  await new Promise(setImmediate);
  const program = findProgram("logger");
  const { spawn } = await import("node:child_process");
  const child = spawn(program, loggerOptions(ident, facility), {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
    env: { ...process.env, PATH: childPath() },
  });
  child.on("error", () => undefined);
  child.stdin.on("error", () => undefined);
  child.unref();
  const stdin = child.stdin as Writable & { unref?: () => void };
  stdin.unref?.();
  return stdin;
}

/** The options for logger(1). `--test` tries the same ones. */
export function loggerOptions(ident: string, facility: string): readonly string[] {
  return [
    ...["--tag", `${ident}[${process.pid}]`, "--priority", `${facility}.info`],
    ...["--prio-prefix", "--size", String(LOGGER_LIMIT)],
  ];
}

function toStderr(line: string): void {
  try {
    writeSync(2, `${line}\n`);
  } catch {
    // There is no other place to report it.
  }
}
