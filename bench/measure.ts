/** One way of doing the same thing: does it once, and tells what that cost. */
export type Way = () => Promise<number>;

/** Does each thing once for practice, then `runs` times in turn, so that whatever else the machine does hits all alike; the median counts. */
export async function interleaved<Name extends string>(
  runs: number,
  ways: Readonly<Record<Name, Way>>,
  practice = true,
): Promise<Readonly<Record<Name, number>>> {
  const names = Object.keys(ways) as Name[];
  const samples = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  for (let run = practice ? -1 : 0; run < runs; run++) {
    for (const name of names) {
      const cost = await ways[name]();
      if (run >= 0) samples[name].push(cost);
    }
  }
  return Object.fromEntries(names.map((name) => [name, median(samples[name])])) as Record<Name, number>;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? NaN;
}

/** How long it takes, in milliseconds. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}
