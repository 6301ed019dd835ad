// Records a real csync2rev --others on a terminal and draws it: npm run picture.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { groupOf, startCluster } from "../test/cluster/cluster.ts";
import { type Cell, TerminalScreen } from "../test/terminal/screen.ts";

/** What is run, and what the picture shows. */
const COMMAND = "csync2rev --others --deadline 6";
const TARGET = join(import.meta.dirname, "../docs/others.svg");
const COLUMNS = 108;
const ROWS = 16;
/** In seconds: the shortest time that a frame is shown, and the time that the last one is shown. */
const FRAME = 0.12;
const REST = 8;

type Lines = readonly (readonly Cell[])[];

interface Frame {
  readonly at: number;
  readonly lines: Lines;
}

/** A cell of the picture, its margin, and the colours of the terminal. */
const CHARACTER = 8.4;
const LINE = 19;
const MARGIN = 14;
const COLOURS: Readonly<Record<number, string>> = {
  0: "#d8dee9",
  31: "#f38ba8",
  32: "#a6e3a1",
  33: "#f9e2af",
};

writeFileSync(TARGET, draw(await record()));
console.log(TARGET);

/** web1 has been down: web2 and web3 have changed files meanwhile, and web4 is down itself. */
async function record(): Promise<readonly Frame[]> {
  const hosts = ["web1", "web2", "web3", "web4"];
  const cluster = await startCluster({ hosts, cfg: groupOf(hosts).replace("group cluster", "group web") });
  try {
    const [web1, web2, web3] = [cluster.host("web1"), cluster.host("web2"), cluster.host("web3")];
    await Promise.all(cluster.hosts.slice(0, 3).map((host) => host.serve("inetd")));
    // A host without any record would be a new member.
    web1.write("/srv/data/index.html", "index");
    await web1.run("csync2 -cIr /");
    web2.write("/opt/slow", '#!/bin/sh\nsleep 0.5\nexec /usr/sbin/csync2 "$@"\n', 0o755);
    web2.write("/etc/csync2rev.ini", "csync2 = /opt/slow\n");
    for (let i = 0; i < 2000; i++) web2.write(`/srv/data/shop/article-${i}.html`, `article ${i}`);
    for (let i = 0; i < 60; i++) web3.write(`/srv/data/blog/post-${i}.html`, `post ${i}`);
    const command = `stty cols ${COLUMNS} rows ${ROWS}; exec ${COMMAND}`;
    const child = web1.spawn(["script", "--quiet", "--return", "--command", command, "/dev/null"], {
      TERM: "xterm",
    });
    const screen = new TerminalScreen(COLUMNS, ROWS);
    screen.write(`# ${COMMAND}\r\n`);
    const began = performance.now();
    const frames: Frame[] = [{ at: 0, lines: screen.visible }];
    for await (const chunk of child.stdout.setEncoding("utf8")) {
      screen.write(chunk as string);
      const at = (performance.now() - began) / 1000;
      const last = frames.at(-1);
      if (frames.length > 1 && last !== undefined && at < last.at + FRAME)
        frames[frames.length - 1] = { at: last.at, lines: screen.visible };
      else frames.push({ at, lines: screen.visible });
    }
    return frames;
  } finally {
    await cluster.close();
  }
}

function draw(frames: readonly Frame[]): string {
  const rows = Math.max(...frames.map(({ lines }) => lines.length));
  const [width, height] = [COLUMNS * CHARACTER + 2 * MARGIN, rows * LINE + 2 * MARGIN];
  const end = (frames.at(-1)?.at ?? 0) + REST;
  const share = (at: number): string => (at / end).toFixed(4);
  const groups = frames.map(({ at, lines }, i) => {
    const next = frames[i + 1];
    const [values, times] =
      next === undefined
        ? ["hidden;visible", `0;${share(at)}`]
        : i === 0
          ? ["visible;hidden", `0;${share(next.at)}`]
          : ["hidden;visible;hidden", `0;${share(at)};${share(next.at)}`];
    const visibility = next === undefined ? "visible" : "hidden";
    return [
      `<g visibility="${visibility}">`,
      `<animate attributeName="visibility" calcMode="discrete" dur="${end.toFixed(2)}s" repeatCount="indefinite" values="${values}" keyTimes="${times}"/>`,
      ...lines.flatMap(drawLine),
      "</g>",
    ].join("\n");
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
<title>${COMMAND}: one line for each peer shows the progress, then a table shows the results</title>
<style>text{font:14px ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace}</style>
<rect width="100%" height="100%" rx="8" fill="#1e2430"/>
${groups.join("\n")}
</svg>
`;
}

/** One text element for each run of one colour, as wide as its cells whatever the font. */
function drawLine(cells: readonly Cell[], row: number): string[] {
  const runs: { colour: number; column: number; text: string }[] = [];
  for (const [column, { character, colour }] of cells.entries()) {
    const last = runs.at(-1);
    if (last?.colour === colour) last.text += character;
    else runs.push({ colour, column, text: character });
  }
  return runs
    .map(({ colour, column, text }) => ({
      colour,
      column: column + text.search(/\S|$/),
      text: text.trim(),
    }))
    .filter(({ text }) => text !== "")
    .map(({ colour, column, text }) => {
      const x = (MARGIN + column * CHARACTER).toFixed(1);
      const y = MARGIN + (row + 0.75) * LINE;
      const length = (Array.from(text).length * CHARACTER).toFixed(1);
      return `<text x="${x}" y="${y}" textLength="${length}" fill="${COLOURS[colour] ?? COLOURS[0] ?? ""}">${escaped(text)}</text>`;
    });
}

function escaped(text: string): string {
  // Blanks that stand side by side would be drawn as one.
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(" ", "\u00a0");
}
