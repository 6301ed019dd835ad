import type { WriteStream } from "node:tty";
import { printable } from "../printable.ts";

/** How often the terminal is redrawn at most, in milliseconds. */
const REDRAW_EVERY = 80;

/** Lines on a terminal that change in place: one a peer, as many as fit. */
export class Screen {
  readonly #terminal: WriteStream;
  readonly #lines: { readonly name: string; text: string }[];
  #drawn = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(terminal: WriteStream, names: readonly string[]) {
    this.#terminal = terminal;
    this.#lines = names.map((name) => ({ name: printable(name), text: "" }));
  }

  set(index: number, text: string): void {
    const line = this.#lines[index];
    if (line === undefined) return;
    line.text = printable(text);
    this.#timer ??= setTimeout(() => {
      this.#draw();
    }, REDRAW_EVERY);
  }

  /** Writes lines that stay, above those that change. */
  print(text: string): void {
    this.#terminal.write(this.#erase() + text);
    this.#draw();
  }

  /** Takes the lines off the terminal. */
  close(): void {
    clearTimeout(this.#timer);
    this.#terminal.write(this.#erase());
  }

  #draw(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const { columns, rows } = this.#terminal;
    const width = Math.max(...this.#lines.map(({ name }) => name.length));
    const busiest = this.#lines.filter(({ text }) => text !== "").slice(0, Math.max(1, rows - 2));
    const text = busiest
      .map(
        ({ name, text: said }) =>
          Array.from(`${name.padEnd(width)}  ${said}`)
            .slice(0, columns - 1)
            .join("") + "\n",
      )
      .join("");
    this.#terminal.write(this.#erase() + text);
    this.#drawn = busiest.length;
  }

  #erase(): string {
    const up = this.#drawn === 0 ? "" : `\x1b[${this.#drawn}A\r\x1b[J`;
    this.#drawn = 0;
    return up;
  }
}
