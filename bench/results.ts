/** What one comparison came to. */
export interface Row {
  /** Which of the promises it belongs to. */
  readonly subject: string;
  readonly measured: Figure;
  /** What it stands beside; none where the figure stands for itself. */
  readonly beside?: Figure;
  /** The most that `measured` may be, as a multiple of `beside`, or in its own unit where it stands alone. */
  readonly limit?: number;
  /** The same row of the bundle for Node.js, measured in the same run; without a limit of its own the executable may not be worse. */
  readonly onNode?: Row;
}

export interface Figure {
  readonly what: string;
  readonly value: number;
  readonly unit: "ms" | "MB" | "";
}

export function ratioOf({ measured, beside }: Row): number {
  return beside === undefined ? measured.value : measured.value / beside.value;
}

/** What two runs of the same thing differ by, on a machine that does other things too. */
const NOISE = 1.1;

export function isKept(row: Row): boolean {
  if (row.limit !== undefined) return ratioOf(row) <= row.limit;
  return row.onNode === undefined || ratioOf(row) <= ratioOf(row.onNode) * NOISE;
}

/** The rows as a Markdown table. */
export function table(rows: readonly Row[]): string {
  const cells = rows.map((row) => [
    row.subject,
    `${row.measured.what}: ${figure(row.measured)}`,
    row.onNode === undefined ? "" : figure(row.onNode.measured),
    row.beside === undefined ? "" : `${row.beside.what}: ${figure(row.beside)}`,
    row.beside === undefined ? "" : ratioOf(row).toFixed(2),
    row.beside === undefined || row.onNode === undefined ? "" : ratioOf(row.onNode).toFixed(2),
    row.limit === undefined ? "" : `≤ ${row.limit}${row.beside === undefined ? ` ${row.measured.unit}` : ""}`,
    isKept(row) ? "yes" : "**no**",
  ]);
  const heading = ["", "standalone", "on Node.js", "beside", "ratio", "on Node.js", "limit", "kept"];
  return [heading, Array<string>(heading.length).fill("---"), ...cells]
    .map((line) => `| ${line.join(" | ")} |\n`)
    .join("");
}

function figure({ value, unit }: Figure): string {
  if (unit === "ms" && value >= 10_000) return `${(value / 1000).toFixed(1)} s`;
  return `${value >= 100 || Number.isInteger(value) ? Math.round(value) : value.toFixed(1)}${unit === "" ? "" : ` ${unit}`}`;
}

const WIDTH = 760;
const BAR = 22;
const GAP = 30;
const LEFT = 12;
/** A bar that is wider than this has its figure inside. */
const INSIDE = 150;
/** Colours that colour-blind readers can tell apart; a missed limit is also named. */
const KEPT = "#0b63a8";
const MISSED = "#a94a00";

/** The rows that have a limit, each as a bar: how much of its limit it uses. */
export function chart(rows: readonly Row[]): string {
  const bars = rows.filter((row) => row.limit !== undefined);
  const limitAt = WIDTH * 0.7;
  const lines = bars.map((row, index) => {
    const y = 34 + index * (BAR + GAP);
    const share = ratioOf(row) / (row.limit ?? 1);
    const width = Math.max(2, Math.min(share * (limitAt - LEFT), WIDTH - LEFT - 90));
    const amount = row.beside === undefined ? figure(row.measured) : `× ${ratioOf(row).toFixed(2)}`;
    const beside = row.beside === undefined ? "" : `, beside ${row.beside.what}`;
    const label = `${row.subject}: ${row.measured.what}${beside}`.replaceAll("`", "");
    const verdict = isKept(row) ? "" : `, limit ${row.limit ?? ""}`;
    const [at, ink] = width > INSIDE ? [8, "#fff"] : [width + 8, "#222"];
    return [
      `<text x="${LEFT}" y="${y - 6}">${escape(label)}</text>`,
      `<rect x="${LEFT}" y="${y}" width="${width.toFixed(1)}" height="${BAR}" rx="3" fill="${isKept(row) ? KEPT : MISSED}"/>`,
      `<text x="${(LEFT + at).toFixed(1)}" y="${y + 15}" fill="${ink}" font-weight="bold">${escape(amount + verdict)}</text>`,
      `<line x1="${limitAt}" y1="${y - 3}" x2="${limitAt}" y2="${y + BAR + 3}" stroke="#222" stroke-dasharray="4 3"/>`,
    ].join("\n");
  });
  const height = 34 + bars.length * (BAR + GAP);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12.5" fill="#222">
<rect width="${WIDTH}" height="${height}" fill="#fff"/>
<text x="${limitAt}" y="13" text-anchor="middle" fill="#222">limit</text>
${lines.join("\n")}
</svg>
`;
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
