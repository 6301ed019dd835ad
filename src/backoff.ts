/** Between tries, in milliseconds: the first pause, and the longest. */
const FIRST = 1_000;
const LONGEST = 30_000;

/**
 * How long to wait after so many tries (from 1), in milliseconds: twice as long each time, and anything from half of it to the
 * whole, so that hosts that failed together do not come back together.
 */
export function backoffAfter(tries: number): number {
  const whole = Math.min(LONGEST, FIRST * 2 ** (tries - 1));
  return whole / 2 + Math.random() * (whole / 2);
}
