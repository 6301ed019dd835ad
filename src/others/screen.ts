import type { WriteStream } from "node:tty";
import { printable, quotable } from "../printable.ts";
import { cells, columnsOf, cut, padded } from "../terminal.ts";

/** The shortest time between two redraws of the terminal, in milliseconds. */
const REDRAW_EVERY = 80;
/** A name may take this share of the terminal's width; a longer name is cut. */
const NAME_SHARE = 0.4;

interface Line {
  readonly name: string;
  text: string;
  done: boolean;
}

/** Lines on a terminal that change in place, one for each peer. If not all fit, those that are done are only counted. */
export class Screen {
  readonly #terminal: WriteStream;
  readonly #lines: readonly Line[];
  /** The lines that are on the terminal. */
  #drawn: readonly string[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(terminal: WriteStream, names: readonly string[]) {
    this.#terminal = terminal;
    this.#lines = names.map((name) => ({ name: printable(name), text: "", done: false }));
  }

  /** @param done whether this is the result */
  set(index: number, text: string, done: boolean): void {
    const line = this.#lines[index];
    if (line === undefined) return;
    line.text = quotable(text);
    line.done = done;
    this.#timer ??= setTimeout(() => {
      this.#draw();
    }, REDRAW_EVERY);
  }

  /** Writes lines that stay, above the lines that change. */
  print(text: string): void {
    this.#terminal.write(this.#erase() + text);
    this.#draw();
  }

  /** Removes the lines from the terminal. */
  close(): void {
    clearTimeout(this.#timer);
    this.#terminal.write(this.#erase());
  }

  #draw(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const lines = this.#fitting();
    this.#terminal.write(this.#erase() + lines.map((line) => `${line}\n`).join(""));
    this.#drawn = lines;
  }

  #fitting(): string[] {
    // A line that fills the last column, or a newline in the last row, would make the terminal scroll.
    const width = columnsOf(this.#terminal) - 1;
    const rows = (this.#terminal.rows || 24) - 1;
    const nameWidth = Math.min(
      Math.max(...this.#lines.map(({ name }) => cells(name))),
      Math.floor(width * NAME_SHARE),
    );
    const draw = ({ name, text }: Line): string =>
      cut(`${padded(cut(name, nameWidth), nameWidth)}  ${text}`, width);
    const begun = this.#lines.filter(({ text }) => text !== "");
    if (begun.length <= rows) return begun.map(draw);
    const shown = begun.filter(({ done }) => !done).slice(0, Math.max(0, rows - 1));
    const done = this.#lines.filter((line) => line.done).length;
    const sum = `${done} of ${this.#lines.length} peers done`;
    return [...shown.map(draw), cut(sum, width)];
  }

  /** The codes that erase the lines. If the terminal has become narrower, one line can take several rows. */
  #erase(): string {
    const columns = columnsOf(this.#terminal);
    const rows = this.#drawn.reduce((sum, line) => sum + Math.max(1, Math.ceil(cells(line) / columns)), 0);
    this.#drawn = [];
    return rows === 0 ? "" : `\x1b[${rows}A\r\x1b[J`;
  }
}
