import { printable, quotable } from "../printable.ts";
import { labelOf } from "../requester/outcome.ts";
import { ownTreeRemedies, remediesFor, type HowToRun } from "../requester/remedies.ts";
import { cells, padded, type Paint } from "../terminal.ts";
import type { StatusResult } from "./status.ts";

const GAP = "  ";

/** What `--status` prints: one line for each peer, then the peers that gave no answer, then one line that sums up. */
export function describeStatus(result: StatusResult, options: HowToRun, paint: Paint): string {
  const { peers } = result;
  if (peers.length === 0) return NOBODY;
  const host = printable(result.host);
  const [heading = "", ...lines] = columns(
    [
      ["PEER", "STATUS", `HOLDS FOR ${host}`, `${host} HOLDS FOR IT`],
      ...peers.map((peer) => [
        printable(labelOf(peer)),
        peer.outcome === "pending" ? "behind" : peer.outcome,
        figure(peer.pending),
        figure(peer.held),
      ]),
    ],
    2,
  );
  const painted = lines.map((line, i) => paint(peers[i]?.outcome === "in-sync" ? "green" : "yellow", line));
  return [[heading, ...painted].map((line) => `${line}\n`).join(""), ...troubles(result, options)].join("\n");
}

/**
 * What `--status --all` prints: which host holds how many files for which other host. It is a matrix. If that is wider than the terminal,
 * it is a list of the pairs with at least one file.
 */
export function describeMatrix(result: StatusResult, options: HowToRun, width: number): string {
  const { host, peers } = result;
  if (peers.length === 0) return NOBODY;
  const names = [...new Set([...peers.map(({ myname }) => myname), ...peers.map(({ peer }) => peer)])];
  const count = (from: string, to: string): string => {
    if (from === to) return ".";
    const peer = peers.find((one) => one.peer === from);
    if (peer === undefined) return figure(peers.find((one) => one.peer === to)?.held ?? null);
    return peer.holds === null ? "-" : String(Object.hasOwn(peer.holds, to) ? peer.holds[to] : 0);
  };
  const matrix = columns(
    [
      [`${printable(host)} SEES`, ...names.map(printable)],
      ...names.map((from) => [printable(from), ...names.map((to) => count(from, to))]),
    ],
    1,
  );
  const pairs = names.flatMap((from) =>
    names
      .filter((to) => /^[1-9]/.test(count(from, to)))
      .map((to) => `${printable(from)} holds ${count(from, to)} for ${printable(to)}`),
  );
  const lines = matrix.every((line) => cells(line) <= width) ? matrix : pairs;
  return [lines.map((line) => `${line}\n`).join(""), ...troubles(result, options)].join("\n");
}

const NOBODY = "no other member may push to this host: there is nobody to ask\n";

/** This host's missing files, then the peers that gave no answer, each with what to do. Then one line that sums up. */
function troubles({ peers, host, seconds, treeGone }: StatusResult, options: HowToRun): string[] {
  const troubled = peers.filter(({ outcome }) => outcome !== "in-sync" && outcome !== "pending");
  const inSync = peers.filter(({ outcome }) => outcome === "in-sync").length;
  return [
    ...(treeGone === null ? [] : [paragraph(treeGone, ownTreeRemedies(options))]),
    ...troubled.map((row) => {
      const said = row.detail === null ? null : quotable(row.detail);
      const what = [row.outcome, row.reason === row.outcome ? null : row.reason, said];
      const outcome = row.outcome === "in-sync" ? "caught-up" : row.outcome;
      const remedies = remediesFor({ ...row, outcome, host, exit: null, files: [], options });
      return paragraph(`${labelOf(row)}: ${what.filter((word) => word !== null).join(": ")}`, remedies);
    }),
    `in sync with ${inSync} of ${peers.length} ${peers.length === 1 ? "peer" : "peers"}, as far as csync2 has checked; asked in ${seconds.toFixed(1)} s\n`,
  ];
}

function paragraph(what: string, remedies: readonly string[]): string {
  return [what, ...remedies.map((remedy) => `  → ${remedy}`)].map((line) => `${printable(line)}\n`).join("");
}

function figure(count: number | null): string {
  return count === null ? "-" : String(count);
}

/** Makes lines of rows of cells. The columns from `numericFrom` on are aligned right. */
function columns(rows: readonly (readonly string[])[], numericFrom: number): string[] {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => cells(row[i] ?? ""))));
  return rows.map((row) =>
    row
      .map((text, i) => {
        const width = widths[i] ?? 0;
        return i < numericFrom ? padded(text, width) : " ".repeat(width - cells(text)) + text;
      })
      .join(GAP)
      .trimEnd(),
  );
}
