const FACILITIES = [
  ...["kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp"],
  ...["ntp", "security", "console", "clock"],
  ...["local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"],
];
const SEVERITIES = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];

export interface LogLine {
  readonly facility: string;
  readonly severity: string;
  readonly ident: string;
  readonly pid: number | undefined;
  readonly message: string;
}

/** Reads what init.pl has written. */
export function parseLog(text: string): LogLine[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const parts = /^<(\d+)>(?:\w{3} [ \d]\d [\d:]{8} )?([^:[\]]*)(?:\[(\d+)\])?: ?(.*)$/s.exec(line);
      const [, priority = "0", ident = "", pid, message = line] = parts ?? [];
      return {
        facility: FACILITIES[Number(priority) >> 3] ?? priority,
        severity: SEVERITIES[Number(priority) & 7] ?? priority,
        ident,
        pid: pid === undefined ? undefined : Number(pid),
        message: message.replace(/\\x([0-9a-f]{2})/g, (_, hex: string) =>
          String.fromCharCode(parseInt(hex, 16)),
        ),
      };
    });
}
