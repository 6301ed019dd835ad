import type { WriteStream } from "node:tty";

type Colour = "green" | "yellow" | "red" | "dim";

const SGR: Readonly<Record<Colour, number>> = { green: 32, yellow: 33, red: 31, dim: 2 };

/** Colours a text, or returns it unchanged. */
export type Paint = (colour: Colour, text: string) => string;

/** Whether a stream is a terminal that can move its cursor. */
export function isScreen(stream: WriteStream, env: NodeJS.ProcessEnv): boolean {
  return stream.isTTY && env["TERM"] !== undefined && env["TERM"] !== "dumb";
}

/** The width of a terminal; 80 if it does not know, like a serial console that says 0; Infinity if it is not a terminal. */
export function columnsOf(stream: WriteStream): number {
  return stream.isTTY ? stream.columns || 80 : Infinity;
}

/** Colours for a terminal; none if it is not a terminal, or if NO_COLOR is set (no-color.org). */
export function painter(stream: WriteStream, env: NodeJS.ProcessEnv): Paint {
  if (!isScreen(stream, env) || (env["NO_COLOR"] ?? "") !== "") return (_, text) => text;
  return (colour, text) => `\x1b[${SGR[colour]}m${text}\x1b[0m`;
}

/** Combining marks take no cell of their own. Emoji, and scripts that are written in squares, take two. */
const NO_CELL = /\p{Mark}/u;
const TWO_CELLS =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

/** How many cells of a terminal a text takes. */
export function cells(text: string): number {
  return Array.from(text).reduce((sum, character) => sum + cellsOf(character), 0);
}

/** A text cut to this many cells, with "…" at its end if it was longer. */
export function cut(text: string, width: number): string {
  if (cells(text) <= width) return text;
  let room = width - 1;
  let kept = "";
  for (const character of text) {
    room -= cellsOf(character);
    if (room < 0) break;
    kept += character;
  }
  return width > 0 ? `${kept}…` : "";
}

/** A text with blanks after it, this many cells wide. */
export function padded(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - cells(text)));
}

function cellsOf(character: string): number {
  if (NO_CELL.test(character)) return 0;
  return TWO_CELLS.test(character) ? 2 : 1;
}
