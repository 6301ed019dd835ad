import type { Outcome } from "./scale.ts";

const WIDTH = 760;
const HEIGHT = 380;
const [LEFT, RIGHT, TOP, BOTTOM] = [64, 210, 24, 48];
const HOSTS = [10, 40, 100, 300, 1_000];
const SECONDS = [1, 3, 10, 30, 100, 300, 1_000, 3_000];
/** The default `deadline`, in seconds. */
const DEADLINE = 300;
/** Colours and marks that colour-blind readers can tell apart. */
const LINES = [
  { writers: 0, colour: "#0b63a8", dash: "", text: "nothing to push" },
  { writers: 3, colour: "#a94a00", dash: "7 4", text: "3 hosts push to all" },
] as const;

function scale(
  value: number,
  [from, to]: readonly [number, number],
  [at, end]: readonly [number, number],
): number {
  return at + ((Math.log(value) - Math.log(from)) / (Math.log(to) - Math.log(from))) * (end - at);
}
const x = (hosts: number): number => scale(hosts, [8, 1_200], [LEFT, WIDTH - RIGHT]);
const y = (seconds: number): number => scale(seconds, [1, 3_000], [HEIGHT - BOTTOM, TOP]);

/** How long it takes until all hosts have caught up, by their number; both axes are logarithmic. */
export function scaleChart(outcomes: readonly Outcome[]): string {
  const grid = [
    ...HOSTS.map(
      (hosts) =>
        `<line x1="${x(hosts).toFixed(1)}" y1="${TOP}" x2="${x(hosts).toFixed(1)}" y2="${HEIGHT - BOTTOM}" stroke="#ddd"/>` +
        `<text x="${x(hosts).toFixed(1)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${hosts}</text>`,
    ),
    ...SECONDS.map(
      (seconds) =>
        `<line x1="${LEFT}" y1="${y(seconds).toFixed(1)}" x2="${WIDTH - RIGHT}" y2="${y(seconds).toFixed(1)}" stroke="#ddd"/>` +
        `<text x="${LEFT - 8}" y="${(y(seconds) + 4).toFixed(1)}" text-anchor="end">${seconds}</text>`,
    ),
  ];
  const lines = LINES.map(({ writers, colour, dash, text }) => {
    const points = outcomes
      .filter(({ scenario }) => scenario.writers === writers)
      .map(({ scenario, all }) => ({ at: x(scenario.hosts), up: y(all) }));
    const last = points.at(-1);
    return [
      `<polyline points="${points.map(({ at, up }) => `${at.toFixed(1)},${up.toFixed(1)}`).join(" ")}" fill="none" stroke="${colour}" stroke-width="2.5" stroke-dasharray="${dash}"/>`,
      ...points.map(
        ({ at, up }) => `<circle cx="${at.toFixed(1)}" cy="${up.toFixed(1)}" r="4" fill="${colour}"/>`,
      ),
      last === undefined
        ? ""
        : `<text x="${(last.at + 12).toFixed(1)}" y="${(last.up + 4).toFixed(1)}" fill="${colour}" font-weight="bold">${text}</text>`,
    ].join("\n");
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12.5" fill="#222">
<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>
${grid.join("\n")}
<line x1="${LEFT}" y1="${y(DEADLINE).toFixed(1)}" x2="${WIDTH - RIGHT}" y2="${y(DEADLINE).toFixed(1)}" stroke="#222" stroke-dasharray="2 3"/>
<text x="${LEFT + 6}" y="${(y(DEADLINE) - 6).toFixed(1)}">default deadline</text>
${lines.join("\n")}
<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 8}" text-anchor="middle">hosts that boot at the same moment</text>
<text x="${LEFT - 8}" y="14" text-anchor="end">seconds</text>
</svg>
`;
}
