/** The longest line that is looked at, in bytes; what is beyond is dropped. */
const LINE_LIMIT = 8192;

/** Cuts a stream of bytes into lines. Holds at most one line of LINE_LIMIT bytes, whatever comes in. */
export class LineSplitter {
  readonly #onLine: (line: string) => void;
  #held: Buffer[] = [];
  #length = 0;

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  push(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(0x0a); end !== -1; end = chunk.indexOf(0x0a, start)) {
      this.#hold(chunk.subarray(start, end));
      this.#release();
      start = end + 1;
    }
    this.#hold(chunk.subarray(start));
  }

  /** The last line may lack its newline. */
  end(): void {
    if (this.#length > 0) this.#release();
  }

  #hold(part: Buffer): void {
    const room = LINE_LIMIT - this.#length;
    if (room <= 0 || part.length === 0) return;
    const kept = Buffer.from(part.subarray(0, room));
    this.#held.push(kept);
    this.#length += kept.length;
  }

  #release(): void {
    const line = Buffer.concat(this.#held).toString("utf8");
    this.#held = [];
    this.#length = 0;
    this.#onLine(line);
  }
}
