import { setMaxListeners } from "node:events";
import { Csync2revError } from "../errors.ts";

/** What ends a wait early. */
export interface Limits {
  /** Time to give up; a running push may finish. */
  readonly deadline: AbortSignal;
  /** Everything ends at once. */
  readonly interrupt: AbortSignal;
}

/** Limits for one run with any number of conversations. `deadline` is in seconds from now. */
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

/** The limit that has been reached; null if none has. */
export function reachedLimit(limits: Limits): keyof Limits | null {
  return limits.interrupt.aborted ? "interrupt" : limits.deadline.aborted ? "deadline" : null;
}

/** Calls `reached` when a limit is reached, or at once if it already is. Returns a function that undoes this. */
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

/** Waits for `work` or one of these limits; the work itself continues. Throws `gone` at the limit if the work is not done by then. */
export async function unless<T>(
  reached: readonly (keyof Limits)[],
  limits: Limits,
  work: Promise<T>,
): Promise<T> {
  return await new Promise<T>((resolve, reject) => {
    const stop = onLimit(limits, (limit) => {
      // Not at once: the work may be done, and its result not yet heard.
      if (reached.includes(limit)) setImmediate(reject, new Csync2revError("gone", LIMIT_WORDS[limit]));
    });
    void work.then(resolve, reject).finally(stop);
  });
}

/** Waits this many milliseconds, or until a limit is reached. */
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

/** The time since then, in seconds, rounded to milliseconds. @param began on the clock of `performance` */
export function secondsSince(began: number): number {
  return Math.round(performance.now() - began) / 1000;
}
