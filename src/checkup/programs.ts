import { execFile } from "node:child_process";
import { accessSync, constants, existsSync, lstatSync } from "node:fs";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { checkLockFile, isOwn } from "../csync2/lock-file.ts";
import { Csync2revError } from "../errors.ts";
import { csync2Lock, type ThisHost } from "../host.ts";
import { ignoringSigpipe, underLock } from "../csync2/wrappers.ts";
import { isOneFile, loggerOptions } from "../log.ts";
import { findProgram } from "../programs.ts";
import type { Settings } from "../settings.ts";
import { failed, ok, warning, type Finding } from "./finding.ts";

const run = promisify(execFile);
/** How long a program may take that is tried, in milliseconds. */
const TRY_TIMEOUT = 5_000;

const UTIL_LINUX = "install util-linux of 2018 or newer; busybox's does not do";

/**
 * The programs that csync2rev starts, and where they are. Each but csync2 is tried with the very words that it is started with, to do
 * nothing.
 */
export async function checkPrograms(
  settings: Settings,
): Promise<{ readonly findings: readonly Finding[]; readonly paths: readonly string[] }> {
  const { csync2, log, ident, facility } = settings;
  const tries: Try[] = [
    {
      name: csync2,
      advice: "install csync2, or write its full path into csync2rev.ini: csync2 = /PATH/csync2",
    },
    { name: "sh", advice: "install dash or bash", words: () => ignoringSigpipe(nothing()) },
    {
      name: "flock",
      advice: `${UTIL_LINUX} (FreeBSD: the flock package)`,
      // The lock is that of the program's own file.
      words: (path) => underLock(path, 1, nothing()),
    },
    { name: "xargs", advice: "install findutils", words: (path) => [path, "-0", ...nothing()] },
    {
      name: "ss",
      advice: "install iproute2: without it a push that hangs keeps the lock",
      isOptional: true,
    },
  ];
  if (log === "syslog")
    tries.push({
      name: "logger",
      advice: `${UTIL_LINUX}, or log to a file: log = /PATH in csync2rev.ini`,
      words: (path) => [path, ...loggerOptions(ident, facility)],
    });
  const tried = await Promise.all(tries.map(tryProgram));
  return {
    findings: tried.map(({ finding }) => finding),
    paths: tried.flatMap(({ path }) => path ?? []),
  };
}

/** A program, and how it is found out that it will do. */
interface Try {
  readonly name: string;
  readonly advice: string;
  /** What it is started with; it is only looked for without. */
  readonly words?: (path: string) => readonly string[];
  readonly isOptional?: true;
}

/** A command that does nothing. */
function nothing(): readonly string[] {
  return [findProgram("sh"), "-c", ":"];
}

async function tryProgram({
  name,
  advice,
  words,
  isOptional,
}: Try): Promise<{ readonly finding: Finding; readonly path: string | null }> {
  const item = `program ${name}`;
  const bad = isOptional === true ? warning : failed;
  try {
    const path = findProgram(name);
    const complaint = words === undefined ? null : await complaintOf(words(path));
    const finding =
      complaint === null
        ? ok(item, path)
        : bad(item, `${path} does not take the options that it is started with: ${complaint}`, advice);
    return { finding, path };
  } catch (error) {
    if (!(error instanceof Csync2revError)) throw error;
    return { finding: bad(item, error.message, advice), path: null };
  }
}

/** What a command says that fails, on an empty standard input; null if it succeeds. */
async function complaintOf([program = "", ...args]: readonly string[]): Promise<string | null> {
  const running = run(program, args, { timeout: TRY_TIMEOUT });
  // It may have ended already.
  running.child.stdin?.on("error", () => undefined).end();
  try {
    await running;
    return null;
  } catch (error) {
    const { stderr = "", message } = error as Error & { readonly stderr?: string };
    return /.+/.exec(stderr)?.[0] ?? message;
  }
}

/** The files that csync2rev writes on this host: the lock around csync2, and the log. Also csync2's own lock. */
export function checkWrittenFiles(host: ThisHost): readonly Finding[] {
  const { lockFile, log } = host.settings;
  const findings: Finding[] = [];
  for (const file of [lockFile, checkLockFile(lockFile)]) {
    const stat = lstatSync(file, { throwIfNoEntry: false });
    if (stat !== undefined && !isOwn(stat))
      findings.push(
        failed("lock file", `${file} is not a file of this user, so csync2rev does not use it`, `rm ${file}`),
      );
    else if (!isWritable(file))
      findings.push(
        failed("lock file", `${file} cannot be written`, "run as root, or set lock-file in csync2rev.ini"),
      );
  }
  if (findings.length === 0) findings.push(ok("lock file", lockFile));
  if (log !== "syslog") {
    const stat = lstatSync(log, { throwIfNoEntry: false });
    if (stat !== undefined && !isOneFile(stat))
      findings.push(
        failed(
          "log",
          `${log} is a link, or has a second name: its lines go to syslog`,
          "log to another file",
        ),
      );
    else if (!isWritable(log))
      findings.push(
        failed("log", `${log} cannot be written: its lines go to syslog`, "run as root, or make its folder"),
      );
  }
  const stopped = csync2Lock(host);
  if (stopped !== null)
    findings.push(failed("csync2.lock", `${stopped} exists, so csync2 does nothing here`, `rm ${stopped}`));
  return findings;
}

/** inetd and xinetd look up the port by the service's name. systemd and UNLISTED services of xinetd do not. */
export async function checkServiceName(port: number): Promise<Finding> {
  const item = "service name";
  const line = await run("getent", ["services", "csync2rev/tcp"], { timeout: TRY_TIMEOUT }).then(
    ({ stdout }) => stdout,
    () => null,
  );
  if (line === null)
    return warning(
      item,
      "csync2rev is not in /etc/services; inetd needs it",
      `add to /etc/services: csync2rev ${port}/tcp`,
    );
  const known = /\s(\d+)\//.exec(line)?.[1];
  if (known === String(port)) return ok(item, `csync2rev ${port}/tcp`);
  return failed(
    item,
    `csync2rev has port ${known ?? "?"} in /etc/services, but ${port} in the settings`,
    `change the line in /etc/services to: csync2rev ${port}/tcp`,
  );
}

/** Whether a file can be written, or made if it does not exist. */
function isWritable(file: string): boolean {
  try {
    accessSync(existsSync(file) ? file : dirname(file), constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
