import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { Csync2revError } from "./errors.ts";

/** inetd and cron may start programs without the sbin folders in PATH, and csync2 is there. */
const USUAL_PLACES = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/** The PATH for programs that we start: our own, then the usual places. */
export function childPath(): string {
  return [process.env["PATH"], ...USUAL_PLACES].filter((part) => part !== undefined && part !== "").join(":");
}

/** The full path of a program, found as execvp(3) would with childPath(). A full path is only checked. Throws `system`. */
export function findProgram(name: string): string {
  const candidates = name.includes("/")
    ? [name]
    : childPath()
        .split(":")
        .filter((directory) => directory.startsWith("/"))
        .map((directory) => join(directory, name));
  const found = candidates.find(isExecutable);
  if (found === undefined)
    throw new Csync2revError(
      "system",
      `there is no program ${name}${name.includes("/") ? "" : ` in ${childPath()}`}`,
    );
  return found;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
