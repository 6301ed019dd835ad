import { decode } from "../csync2cfg/source.ts";
import type { ThisHost } from "../host.ts";
import { findProgram } from "../programs.ts";
import { printable } from "../printable.ts";

/** How long csync2 may take to print its help, in milliseconds. */
const TIMEOUT = 5_000;

/**
 * The csync2 that is run, in words: its path and the version in its help, such as `/usr/sbin/csync2, version 2.0`. No csync2 knows the
 * option `--help`, so it prints its help and does nothing.
 */
export async function describeProgram({ settings }: ThisHost): Promise<string> {
  const { execFile } = await import("node:child_process");
  const program = findProgram(settings.csync2);
  const help = await new Promise<string>((resolve) => {
    execFile(program, ["--help"], { encoding: "latin1", timeout: TIMEOUT }, (_error, stdout) => {
      resolve(stdout);
    });
  });
  const version = /^Version: +([!-~]{1,40})/m.exec(help)?.[1] ?? /^csync2 ([\w.-]{1,40}) - /m.exec(help)?.[1];
  return `${program}, version ${version === undefined ? "unknown" : printable(decode(version))}`;
}
