import { isAnnouncement } from "./output.ts";
import { movedBytes, processorTicks } from "./processes.ts";
import type { Command } from "./verbs.ts";

/**
 * So many bytes that csync2 reads and writes make up for one second, if it talks to a peer. A file that it sends over a line with half
 * of that counts twice: it is read from the disk as well.
 */
const BYTES_PER_SECOND = 2_048;

/**
 * For how long one csync2 has stood still, by what this host sees itself. A csync2 that works here alone is at work while it prints or
 * uses the processor. One that talks to a peer could be kept awake by a line now and then: files that it goes on to count, and bytes
 * as far as they are many.
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
   * Looks at csync2; returns for how many milliseconds it has stood still.
   * @param pid undefined if it does not run yet
   * @param unread whether its output is left unread, so that it can do nothing
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
