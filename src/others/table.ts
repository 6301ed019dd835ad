import { printable } from "../printable.ts";
import { labelOf, type Outcome, type PeerResult } from "../requester/outcome.ts";
import { cells, padded, type Paint } from "../terminal.ts";

interface Column {
  readonly heading: string;
  readonly numeric: boolean;
  readonly cell: (peer: PeerResult, dryRun: boolean) => string;
}

const COLUMNS: readonly Column[] = [
  { heading: "PEER", numeric: false, cell: (peer) => printable(labelOf(peer)) },
  { heading: "GROUP", numeric: false, cell: ({ group }) => printable(group) },
  { heading: "OUTCOME", numeric: false, cell: ({ outcome }, dryRun) => nameOf(outcome, dryRun) },
  { heading: "UPDATED", numeric: true, cell: ({ exit, updated }) => (exit === null ? "-" : String(updated)) },
  { heading: "DELETED", numeric: true, cell: ({ exit, deleted }) => (exit === null ? "-" : String(deleted)) },
  { heading: "PENDING", numeric: true, cell: ({ pending }) => (pending === null ? "-" : String(pending)) },
  { heading: "SECONDS", numeric: true, cell: ({ seconds }) => seconds.toFixed(1) },
];
/** The columns that a narrow terminal leaves out, in this order. */
const EXPENDABLE = ["GROUP", "SECONDS", "DELETED", "UPDATED"];
const GAP = "  ";

/** One line for each peer, with headings, and no wider than `width` columns if possible. */
export function table(peers: readonly PeerResult[], dryRun: boolean, width: number, paint: Paint): string {
  let columns = COLUMNS.map((column) => {
    const texts = peers.map((peer) => column.cell(peer, dryRun));
    return { ...column, texts, width: Math.max(...[column.heading, ...texts].map(cells)) };
  });
  for (const heading of EXPENDABLE) {
    const needed = columns.reduce((sum, column) => sum + column.width + GAP.length, -GAP.length);
    if (needed <= width) break;
    columns = columns.filter((column) => column.heading !== heading);
  }
  const line = (textOf: (column: (typeof columns)[number]) => string): string =>
    columns
      .map((column) => {
        const text = textOf(column);
        if (column.numeric) return text.padStart(column.width);
        return padded(text, column.width);
      })
      .join(GAP)
      .trimEnd();
  const rows = peers.map(({ outcome }, row) => {
    const text = line(({ texts }) => texts[row] ?? "");
    return paint(COLOUR[outcome], text);
  });
  return [line(({ heading }) => heading), ...rows].map((text) => `${text}\n`).join("");
}

/** The colour of an outcome. Green: all is well. Yellow: it may pass by itself. Red: an administrator must act. */
const COLOUR: Readonly<Record<Outcome, "green" | "yellow" | "red">> = {
  "caught-up": "green",
  pending: "red",
  failed: "red",
  refused: "red",
  unanswered: "red",
  unreachable: "yellow",
  busy: "yellow",
  lost: "yellow",
};

/** The name of an outcome in the table. */
export function nameOf(outcome: Outcome, dryRun: boolean): string {
  return dryRun && outcome === "pending" ? "would change" : outcome;
}
