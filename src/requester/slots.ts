import { performance } from "node:perf_hooks";

/** How long a conversation keeps the next one from starting while its peer has proved nothing, in milliseconds. */
const UNPROVED_HOLDS = 1_000;
/** For each slot, this many conversations may be open, whether proved or not; and at least OPEN_AT_LEAST in all. */
const OPEN_FOR_EACH_SLOT = 4;
const OPEN_AT_LEAST = 32;

/** One conversation's claim on a slot. Each function may be called more than once. */
export interface Claim {
  /** The peer has sent a reply that opens. From now on, the slot is its own. */
  prove(): void;
  /** The conversation goes on, but no longer keeps others waiting. */
  yield(): void;
  /** The conversation has ended. */
  end(): void;
  /** How long the slot has been the peer's own, in milliseconds; 0 if it is not. */
  held(): number;
}

/**
 * Lets a number of conversations run at once. The others wait in the order in which they came.
 *
 * A slot belongs to a peer from its first reply that opens. Before that, anybody may be at that address, so the conversation keeps the
 * next one waiting for one second at most. So neither dead peers nor strangers keep the other peers waiting.
 */
export class Slots {
  readonly count: number;
  readonly #queue: (() => void)[] = [];
  /** How many conversations keep the next one waiting. */
  #holding = 0;
  /** How many conversations have not ended. */
  #open = 0;

  constructor(count: number) {
    this.count = count;
  }

  /** How many conversations wait for a slot. */
  get waiting(): number {
    return this.#queue.length;
  }

  /** Resolves when a conversation may start. */
  async claim(): Promise<Claim> {
    if (this.#queue.length > 0 || !this.#hasRoom())
      await new Promise<void>((resolve) => {
        this.#queue.push(resolve);
      });
    else this.#admit();
    let [holding, open] = [true, true];
    let proved: number | null = null;
    const yieldSlot = (): void => {
      clearTimeout(unproved);
      if (!holding) return;
      holding = false;
      this.#holding--;
      this.#next();
    };
    const unproved = setTimeout(yieldSlot, UNPROVED_HOLDS);
    return {
      prove: () => {
        clearTimeout(unproved);
        if (proved !== null || !open) return;
        proved = performance.now();
        if (holding) return;
        holding = true;
        this.#holding++;
      },
      yield: yieldSlot,
      end: () => {
        yieldSlot();
        if (!open) return;
        open = false;
        this.#open--;
        this.#next();
      },
      held: () => (holding && proved !== null ? performance.now() - proved : 0),
    };
  }

  #hasRoom(): boolean {
    return (
      this.#holding < this.count && this.#open < Math.max(OPEN_AT_LEAST, OPEN_FOR_EACH_SLOT * this.count)
    );
  }

  #admit(): void {
    this.#holding++;
    this.#open++;
  }

  #next(): void {
    while (this.#queue.length > 0 && this.#hasRoom()) {
      this.#admit();
      this.#queue.shift()?.();
    }
  }
}
