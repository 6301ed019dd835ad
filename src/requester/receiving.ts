import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { Arrivals } from "../csync2/arrivals.ts";

/** How often to look at what this host's csync2 receives, in milliseconds. */
const LOOK_EVERY = 500;

/** How long nothing has arrived on this host. A peer that says it is alive proves nothing. */
export class Receiving {
  #watched = 0;
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
    const arrivals = new Arrivals();
    while (this.#watched > 0) {
      await sleep(LOOK_EVERY, undefined, { ref: false });
      if (arrivals.look()) this.#last = performance.now();
    }
  }
}
