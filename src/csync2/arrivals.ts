import { receivedBytes } from "./processes.ts";

/** Fewer bytes than this between two looks do not count as an arriving file: a peer can keep a connection awake with one line. */
const LEAST = 1_024;

/** What this host sees for itself of the files that peers push to it: the bytes that its own csync2s read. */
export class Arrivals {
  #before: ReadonlyMap<string, number> = receivedBytes();

  /** Whether a peer is connected to this host's csync2, as of the last look. */
  get possible(): boolean {
    return this.#before.size > 0;
  }

  /** Whether something has arrived since the last look. */
  look(): boolean {
    const before = this.#before;
    this.#before = receivedBytes();
    return [...this.#before].some(([pid, bytes]) => bytes - (before.get(pid) ?? 0) >= LEAST);
  }
}
