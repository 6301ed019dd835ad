/** Between tries, in milliseconds: the first pause, and the longest. */
const FIRST = 1_000;
const LONGEST = 30_000;

/**
 * How long to wait before try `number` + 1 (from 1), in milliseconds: twice as long each time, and anything from half of it to
 * the whole, so that hosts that failed together do not come back together.
 */
export function pauseBefore(number: number): number {
  const whole = Math.min(LONGEST, FIRST * 2 ** (number - 1));
  return whole / 2 + Math.random() * (whole / 2);
}
