/** The longest line that is looked at, in bytes; what is beyond is dropped. csync2's own longest hold a path and a link's target. */
const LINE_LIMIT = 32_768;

/**
 * Cuts a stream of bytes into lines, at newlines and nothing else. A line is a byte string: one character a byte, so that nothing in
 * a name is lost. Holds at most one line of LINE_LIMIT bytes, whatever comes in.
 */
export class LineSplitter {
  readonly #onLine: (line: string) => void;
  #held = "";

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  push(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(0x0a); end !== -1; end = chunk.indexOf(0x0a, start)) {
      this.#hold(chunk, start, end);
      this.#release();
      start = end + 1;
    }
    this.#hold(chunk, start, chunk.length);
  }

  /** The last line may lack its newline. */
  end(): void {
    if (this.#held !== "") this.#release();
  }

  #hold(chunk: Buffer, start: number, end: number): void {
    const room = LINE_LIMIT - this.#held.length;
    if (room > 0 && end > start) this.#held += chunk.toString("latin1", start, Math.min(end, start + room));
  }

  #release(): void {
    const line = this.#held;
    this.#held = "";
    this.#onLine(line);
  }
}
