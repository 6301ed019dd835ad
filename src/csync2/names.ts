/** At most this many characters of names are kept: 40 MB. A peer chooses the names of its files. */
const LENGTH_LIMIT = 40_000_000;

/** A set of files' names, as byte strings, that keeps the first ones only. */
export class Names implements Iterable<string> {
  readonly #limit: number;
  readonly #kept = new Set<string>();
  #length = 0;
  #isComplete = true;

  /** @param limit at most this many names are kept, and fewer if they are long */
  constructor(limit: number) {
    this.#limit = limit;
  }

  add(name: string): void {
    if (this.#kept.has(name)) return;
    if (this.#kept.size >= this.#limit || this.#length + name.length > LENGTH_LIMIT) {
      this.#isComplete = false;
      return;
    }
    this.#kept.add(name);
    this.#length += name.length;
  }

  has(name: string): boolean {
    return this.#kept.has(name);
  }

  get size(): number {
    return this.#kept.size;
  }

  /** Whether every name that was added is kept. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  [Symbol.iterator](): IterableIterator<string> {
    return this.#kept.values();
  }
}
