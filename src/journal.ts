import { fstatSync } from "node:fs";

/** Whether fd 2 is the journal (systemd.exec(5), JOURNAL_STREAM). inetd passes that variable on even if fd 2 is something else. */
export function isJournal(): boolean {
  const stream = process.env["JOURNAL_STREAM"];
  if (stream === undefined) return false;
  try {
    const { dev, ino } = fstatSync(2);
    return stream === `${dev}:${ino}`;
  } catch {
    return false;
  }
}
