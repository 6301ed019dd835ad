import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { receivedBytes } from "../csync2/processes.ts";

/** How often to look at what this host's csync2 receives, in milliseconds. */
const LOOK_EVERY = 500;
/** Fewer bytes than this between two looks do not count as an arriving file: a peer can keep a connection awake with one line. */
const LEAST = 1_024;

/**
 * What this host itself sees of the files that peers push to it: the bytes that its own csync2 reads. A peer that says it is alive
 * proves nothing.
 */
export class Receiving {
  #watched = 0;
  #bytes = 0;
  #last = 0;

  /** How long nothing has arrived, in milliseconds, counted from when the watch began. */
  idle(): number {
    return performance.now() - this.#last;
  }

  /** Watches while `work` goes on, and returns its result. */
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
      // The sum can shrink: a process that has ended no longer counts.
      if (bytes - this.#bytes >= LEAST) this.#last = performance.now();
      this.#bytes = bytes;
    }
  }
}
