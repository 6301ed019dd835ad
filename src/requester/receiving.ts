import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { receivedBytes } from "../csync2/processes.ts";

/** How often this host looks at what its csync2 receives, in milliseconds. */
const LOOK_EVERY = 500;
/** Less than so many bytes between two looks are not a file that arrives: a peer can keep a connection awake with a line. */
const LEAST = 1_024;

/**
 * What this host sees for itself of the files that peers push to it: the bytes that its own csync2 reads. A peer's word that it is
 * alive proves nothing.
 */
export class Receiving {
  #watched = 0;
  #bytes = 0;
  #last = 0;

  /** For how long nothing has arrived, in milliseconds. Counts from when the watch began. */
  idle(): number {
    return performance.now() - this.#last;
  }

  /** Looks while `work` goes on. */
  async during<T>(work: Promise<T>): Promise<T> {
    this.#last = performance.now();
    if (this.#watched++ === 0) void this.#watch();
    return await work.finally(() => this.#watched--);
  }

  async #watch(): Promise<void> {
    this.#bytes = receivedBytes();
    while (this.#watched > 0) {
      await sleep(LOOK_EVERY, undefined, { ref: false });
      const bytes = receivedBytes();
      // The processes that have ended take their bytes with them.
      if (bytes - this.#bytes >= LEAST) this.#last = performance.now();
      this.#bytes = bytes;
    }
  }
}
