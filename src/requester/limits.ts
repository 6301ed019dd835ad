import { setMaxListeners } from "node:events";
import { Csync2revError } from "../errors.ts";

/** What ends a wait before its time. */
export interface Limits {
  /** Nothing is waited for any more; a push that runs may end. */
  readonly deadline: AbortSignal;
  /** Everything ends at once. */
  readonly interrupt: AbortSignal;
}

/** Limits for one run, whatever number of conversations heeds them. `deadline` is in seconds from now. */
export function limitsOf(deadline: number, interrupt: AbortSignal): Limits {
  const limits = { deadline: AbortSignal.timeout(deadline * 1000), interrupt };
  setMaxListeners(0, limits.deadline, limits.interrupt);
  return limits;
}

/** Each limit in the administrator's words. */
export const LIMIT_WORDS: Readonly<Record<keyof Limits, string>> = {
  deadline: "the deadline passed",
  interrupt: "interrupted",
};

/** The limit that has been reached; null where none has. */
export function reachedLimit(limits: Limits): keyof Limits | null {
  return limits.interrupt.aborted ? "interrupt" : limits.deadline.aborted ? "deadline" : null;
}

/** Calls back once a limit is reached, or already is; returns what undoes it. */
export function onLimit(limits: Limits, reached: (limit: keyof Limits) => void): () => void {
  const undo = (["deadline", "interrupt"] as const).map((limit) => {
    const signal = limits[limit];
    const listener = (): void => {
      reached(limit);
    };
    if (signal.aborted) listener();
    else signal.addEventListener("abort", listener, { once: true });
    return () => {
      signal.removeEventListener("abort", listener);
    };
  });
  return () => {
    for (const undoOne of undo) undoOne();
  };
}

/** What comes of some work, which goes on, but is not waited for, once one of these limits is reached. Throws `gone` then. */
export async function unless<T>(
  reached: readonly (keyof Limits)[],
  limits: Limits,
  work: Promise<T>,
): Promise<T> {
  return await new Promise<T>((resolve, reject) => {
    const stop = onLimit(limits, (limit) => {
      if (reached.includes(limit)) reject(new Csync2revError("gone", LIMIT_WORDS[limit]));
    });
    void work.then(resolve, reject).finally(stop);
  });
}

/** Waits for so many milliseconds, or until a limit is reached. */
export async function pause(milliseconds: number, limits: Limits): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => {
      stop();
      resolve();
    }, milliseconds);
    const stop = onLimit(limits, () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** For how long, in seconds to the millisecond. @param began on the clock of `performance` */
export function secondsSince(began: number): number {
  return Math.round(performance.now() - began) / 1000;
}
