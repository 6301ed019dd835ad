import type { Checkup } from "./checkup.ts";
import type { Finding, Status } from "./finding.ts";
import { printable, quotable } from "../printable.ts";
import type { Paint } from "../terminal.ts";

const COLOURS = { ok: "green", warning: "yellow", failed: "red" } as const;
/** As wide as the longest status. */
const STATUS_WIDTH = "warning".length;

/** What `--test` prints: one line for each item and peer, with what to do below it, then a sum. */
export function describeCheckup({ items, peers }: Checkup, quiet: boolean, paint: Paint): string {
  // A detail of several lines is this host's own: what peers say is one line.
  const answers = peers.map((finding) => ({ ...finding, detail: quotable(finding.detail) }));
  const findings: readonly Finding[] = [...items, ...answers];
  const told = quiet ? findings.filter(({ status }) => status !== "ok") : findings;
  const text = told.map((finding) => describeFinding(finding, paint)).join("");
  if (quiet) return text;
  const count = (wanted: Status): number => findings.filter(({ status }) => status === wanted).length;
  const [warnings, failures] = [count("warning"), count("failed")];
  if (warnings + failures === 0) return `${text}all is well\n`;
  return `${text}${failures} failed, ${plural(warnings, "warning")}, ${count("ok")} ok\n`;
}

function describeFinding({ item, status, detail, advice }: Finding, paint: Paint): string {
  const [first = "", ...rest] = detail.split("\n");
  const indent = " ".repeat(STATUS_WIDTH + 2);
  return [
    `${paint(COLOURS[status], status.padEnd(STATUS_WIDTH))}  ${quotable(`${item}: ${first}`)}`,
    ...rest.map((line) => indent + quotable(line)),
    ...(advice === null ? [] : [`${indent}→ ${printable(advice)}`]),
  ]
    .map((line) => `${line}\n`)
    .join("");
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
