import { execFile } from "node:child_process";
import { accessSync, constants, existsSync, lstatSync } from "node:fs";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { checkLockFile, isOwn } from "../csync2/lock-file.ts";
import { Csync2revError } from "../errors.ts";
import { csync2Lock, type ThisHost } from "../host.ts";
import { findProgram } from "../programs.ts";
import type { Settings } from "../settings.ts";
import { failed, ok, warning, type Finding } from "./finding.ts";

const run = promisify(execFile);

/** The programs that the handler starts, and where they are. */
export async function checkPrograms(
  settings: Settings,
): Promise<{ readonly findings: readonly Finding[]; readonly paths: readonly string[] }> {
  const findings: Finding[] = [];
  const paths: string[] = [];
  const look = (name: string, advice: string, missing = failed): string | null => {
    try {
      const path = findProgram(name);
      findings.push(ok(`program ${name}`, path));
      paths.push(path);
      return path;
    } catch (error) {
      if (!(error instanceof Csync2revError)) throw error;
      findings.push(missing(`program ${name}`, error.message, advice));
      return null;
    }
  };
  look(settings.csync2, "install csync2, or write its full path into csync2rev.ini: csync2 = /PATH/csync2");
  look("flock", "install util-linux (FreeBSD: the flock package)");
  look("ss", "install iproute2: without it a push that hangs keeps the lock", warning);
  if (settings.log === "syslog")
    look("logger", "install util-linux, or log to a file: log = /PATH in csync2rev.ini");
  const env = look("env", "install coreutils");
  if (env !== null && !(await succeeds(env, ["--ignore-signal=PIPE", env])))
    findings.push(
      failed("program env", `${env} does not know --ignore-signal`, "install GNU coreutils 8.31 or newer"),
    );
  return { findings, paths };
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
  if (log !== "syslog" && !isWritable(log))
    findings.push(
      failed("log", `${log} cannot be written: its lines go to syslog`, "run as root, or make its folder"),
    );
  const stopped = csync2Lock(host);
  if (stopped !== null)
    findings.push(failed("csync2.lock", `${stopped} exists, so csync2 does nothing here`, `rm ${stopped}`));
  return findings;
}

/** inetd and xinetd look up the port by the service's name. systemd and UNLISTED services of xinetd do not. */
export async function checkServiceName(port: number): Promise<Finding> {
  const item = "service name";
  const line = await run("getent", ["services", "csync2rev/tcp"]).then(
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

async function succeeds(program: string, args: readonly string[]): Promise<boolean> {
  return await run(program, args).then(
    () => true,
    () => false,
  );
}
