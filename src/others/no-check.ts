import { closeSync } from "node:fs";
import { checkLockFile, lock, openLockFile } from "../csync2/lock-file.ts";
import { Csync2revError } from "../errors.ts";
import type { ThisHost } from "../host.ts";
import { unless, type Limits } from "../requester/limits.ts";

/** If nothing arrives for this long, a check may run. In milliseconds. */
const IDLE = 10_000;
/** The time between two looks at what arrives, in milliseconds. */
const LOOK_EVERY = 1_000;

interface Held {
  readonly fd: number;
  readonly locked: Promise<boolean>;
  readonly look: NodeJS.Timeout;
}

/**
 * Prevents other requests' checks on this host while peers push: csync2 would record a half-made file as this host's own change. All
 * pushes of a run share one lock, so that a peer that pushes nothing does not keep the others waiting.
 */
export class NoChecks {
  readonly #host: ThisHost;
  readonly #limits: Limits;
  readonly #idle: () => number;
  #pushes = 0;
  #held: Held | null = null;

  /** @param idle for how many milliseconds nothing has arrived */
  constructor(host: ThisHost, limits: Limits, idle: () => number) {
    this.#host = host;
    this.#limits = limits;
    this.#idle = idle;
  }

  /**
   * Lets a peer push once no check runs. It waits for that at most as long as for csync2's lock. Throws `gone` if a limit is
   * reached meanwhile, and `system` if flock(1) cannot lock.
   */
  async during<T>(push: () => Promise<T>): Promise<T> {
    this.#pushes++;
    try {
      this.#held ??= this.#lock();
      if (this.#held !== null) await unless(["deadline", "interrupt"], this.#limits, this.#held.locked);
      return await push();
    } finally {
      if (--this.#pushes === 0) this.#release();
    }
  }

  /**
   * To be called when a peer's csync2 has started to push. If it had to wait for so long that checks were let in, none begins any more: a
   * check that runs already is not waited for.
   */
  started(): void {
    if (this.#pushes > 0) this.#held ??= this.#lock();
  }

  #lock(): Held | null {
    const { lockFile, lockTimeout } = this.#host.settings;
    const fd = openOrNull(checkLockFile(lockFile));
    if (fd === null) return null;
    const locked = lock(fd, lockTimeout);
    const began = performance.now();
    const look = setInterval(() => {
      if (Math.min(this.#idle(), performance.now() - began) >= IDLE) this.#release();
    }, LOOK_EVERY);
    return { fd, locked, look };
  }

  #release(): void {
    if (this.#held === null) return;
    clearInterval(this.#held.look);
    closeSync(this.#held.fd);
    this.#held = null;
  }
}

/** Opens the lock file. Null if this user may not. */
function openOrNull(file: string): number | null {
  try {
    return openLockFile(file);
  } catch (error) {
    if (error instanceof Csync2revError) return null;
    throw error;
  }
}
