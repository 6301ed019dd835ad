/** One cell of a terminal: a character, and the colour that it was written in (SGR; 0 for none). */
export interface Cell {
  readonly character: string;
  readonly colour: number;
}

const BLANK: Cell = { character: " ", colour: 0 };
/** What csync2rev may send to a terminal: cursor up, erase to the end of the screen, colours. */
const CONTROL = /^\x1b\[(\d*)([AJm])/;

/** A terminal that knows what csync2rev sends to one, and nothing else; it breaks lines and scrolls as real ones do. */
export class TerminalScreen {
  readonly columns: number;
  readonly rows: number;
  /** What has scrolled out at the top, then what is on the screen. */
  readonly #lines: Cell[][] = [[]];
  /** How often a line was broken because it reached the last column. */
  broken = 0;
  #top = 0;
  #row = 0;
  #column = 0;
  #colour = 0;

  constructor(columns: number, rows: number) {
    this.columns = columns;
    this.rows = rows;
  }

  /** Takes what a program writes. Throws for a control sequence or character that it must not write. */
  write(text: string): void {
    let rest = text;
    while (rest !== "") {
      const control = CONTROL.exec(rest);
      if (control) {
        this.#control(Number(control[1] === "" ? 1 : control[1]), control[2] ?? "");
        rest = rest.slice(control[0].length);
        continue;
      }
      const character = String.fromCodePoint(rest.codePointAt(0) ?? 0);
      rest = rest.slice(character.length);
      this.#character(character);
    }
  }

  /** Every line since the beginning, as text. */
  get text(): string {
    return this.#lines
      .map(
        (line) =>
          `${line
            .map(({ character }) => character)
            .join("")
            .trimEnd()}\n`,
      )
      .join("")
      .replace(/\n+$/, "\n");
  }

  /** What can be seen just now. */
  get visible(): readonly (readonly Cell[])[] {
    return this.#lines.slice(this.#top).map((line) => [...line]);
  }

  #control(count: number, kind: string): void {
    if (kind === "m") this.#colour = count;
    else if (kind === "A") this.#row = Math.max(this.#top, this.#row - count);
    else {
      this.#lines.length = this.#row + 1;
      this.#lines[this.#row]?.splice(this.#column);
    }
  }

  #character(character: string): void {
    if (character === "\r") this.#column = 0;
    else if (character === "\n") this.#nextRow();
    else if (/\p{Cc}/u.test(character)) throw new Error(`a control character: ${JSON.stringify(character)}`);
    else {
      if (this.#column === this.columns) {
        this.broken++;
        this.#column = 0;
        this.#nextRow();
      }
      const line = (this.#lines[this.#row] ??= []);
      while (line.length < this.#column) line.push(BLANK);
      line[this.#column++] = { character, colour: this.#colour };
    }
  }

  #nextRow(): void {
    this.#row++;
    this.#lines[this.#row] ??= [];
    this.#top = Math.max(this.#top, this.#row - this.rows + 1);
  }
}
