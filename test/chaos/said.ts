import type { OthersResult } from "../../src/others/others.ts";
import type { RunResult } from "../cluster/cluster.ts";
import { type Violation, violation } from "./claims.ts";
import { type ByteString, bytesOf, shown } from "./names.ts";
import { realDirectory } from "./plan.ts";

/** What could act on a terminal or break a line, and what stands for bytes that are no UTF-8. */
const UNESCAPED = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\ufeff\ufffd]/u;

/** All that csync2rev prints or logs is fit for a terminal. */
export function escaped(host: string, where: string, text: string): Violation[] {
  const [found] = UNESCAPED.exec(text) ?? [];
  return found === undefined
    ? []
    : [violation("everything is escaped", host, null, `${where}: ${shown(bytesOf(text.slice(0, 2000)))}`)];
}

/** Reads the JSON of `--others`, and compares it with the exit status; undefined if it is not JSON. */
export function readResult(
  host: string,
  { code, stdout, stderr }: RunResult,
): { result: OthersResult | undefined; violations: Violation[] } {
  try {
    const result = JSON.parse(stdout) as OthersResult;
    const same = result.exit === code;
    return {
      result,
      violations: same
        ? []
        : [
            violation(
              "the exit status is the JSON's",
              host,
              null,
              `${String(code)}, JSON says ${result.exit}`,
            ),
          ],
    };
  } catch {
    return {
      result: undefined,
      violations: [violation("the JSON parses", host, null, `exit ${String(code)}: ${stdout}${stderr}`)],
    };
  }
}

/** Whether one of these names, as csync2rev has them, is that of a host's path. */
export function isNamed(files: readonly string[], host: string, path: ByteString): boolean {
  const ways = path.startsWith("p/")
    ? [`%p%${path.slice(1)}`, realDirectory(host, "p") + path.slice(1)]
    : [`/srv/data/${path}`];
  return ways.some((way) => files.includes(spelling(way)));
}

/** A name that is not UTF-8 has each byte above 0x7f as an unpaired surrogate. */
function spelling(name: ByteString): string {
  const text = Buffer.from(name, "latin1").toString("utf8");
  if (!text.includes("\ufffd")) return text;
  return name.replace(/[\x80-\xff]/g, (byte) => String.fromCharCode(0xdc00 + byte.charCodeAt(0)));
}
