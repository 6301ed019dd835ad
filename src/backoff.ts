/** The first and the longest pause between tries, in milliseconds. */
const FIRST = 1_000;
const LONGEST = 30_000;

/**
 * How long to wait after this many tries (from 1), in milliseconds. It doubles each time. A random part of up to half is taken off, so
 * that hosts that failed together do not come back together.
 */
export function backoffAfter(tries: number): number {
  const whole = Math.min(LONGEST, FIRST * 2 ** (tries - 1));
  return whole / 2 + Math.random() * (whole / 2);
}
