import { existsSync } from "node:fs";
import type { Settings } from "./settings.ts";

/** Where syslog writes on Debian, and elsewhere. */
const SYSLOG_FILES = ["/var/log/syslog", "/var/log/messages"] as const;

/** The command that shows csync2rev's log on this host. A peer is taken to log in the same way. */
export function logCommand({ log, ident }: Pick<Settings, "log" | "ident">): string {
  if (log !== "syslog") return `tail ${inShell(log)}`;
  // systemd names the lines of its own handlers by their program, whatever `ident` is.
  if (existsSync("/run/systemd/system"))
    return ["journalctl", ...[...new Set(["csync2rev", ident])].map((one) => `-t ${one}`)].join(" ");
  return `grep ${ident} ${SYSLOG_FILES.find((file) => existsSync(file)) ?? SYSLOG_FILES[0]}`;
}

function inShell(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
