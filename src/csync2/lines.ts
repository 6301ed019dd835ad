/** How much of a line is kept, in bytes; the rest is dropped. csync2's longest lines contain a path and a link's target. */
const LINE_LIMIT = 32_768;

/**
 * Cuts a stream of bytes into lines, only at newlines. A line is a byte string with one character for each byte, so that nothing in a
 * name is lost. Holds at most one line of LINE_LIMIT bytes, whatever arrives.
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

  /** To be called at the end: the last line may have no newline. */
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
