import { isAnnouncement } from "./output.ts";
import { movedBytes, processorTicks } from "./processes.ts";
import type { Command } from "./verbs.ts";

/**
 * If csync2 talks to a peer, this many bytes that it reads and writes count as one second of progress. A file that it sends counts twice,
 * because it is also read from the disk. So half of this rate on the line is enough.
 */
const BYTES_PER_SECOND = 2_048;

/**
 * How long one csync2 has made no progress, by what this host itself sees. A csync2 that works only here makes progress while it prints or
 * uses the processor. A peer could keep a csync2 awake with a line now and then: for one that talks to a peer, only further files count,
 * and many bytes.
 */
export class Progress {
  readonly #talks: boolean;
  /** In milliseconds. */
  #idle = 0;
  #looked = performance.now();
  #ticks: number | undefined;
  #bytes: number | undefined;

  constructor({ talks }: Pick<Command, "talks">) {
    this.#talks = talks === true;
  }

  /** csync2 has printed a line. */
  line(line: string): void {
    if (!this.#talks || isAnnouncement(line)) this.#idle = 0;
  }

  /**
   * Looks at csync2. Returns for how many milliseconds it has made no progress.
   * @param pid undefined if it does not run yet
   * @param unread whether its output is not read at the moment, so that it cannot go on
   */
  look(pid: number | undefined, unread: boolean): number {
    const now = performance.now();
    const passed = now - this.#looked;
    this.#looked = now;
    const [ticks, bytes] = [this.#ticks, this.#bytes];
    if (this.#talks) this.#bytes = pid === undefined ? undefined : movedBytes(pid);
    else this.#ticks = pid === undefined ? undefined : processorTicks(pid);
    if (unread || (this.#bytes === undefined && this.#ticks === undefined)) this.#idle = 0;
    else if (!this.#talks) this.#idle = this.#ticks === ticks ? this.#idle + passed : 0;
    else {
      const moved = Math.max(0, (this.#bytes ?? 0) - (bytes ?? 0));
      this.#idle = Math.max(0, this.#idle + passed - (moved / BYTES_PER_SECOND) * 1_000);
    }
    return this.#idle;
  }
}
