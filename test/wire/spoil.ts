// Makes spoiled bytes of good ones.
/** One input after another: noise, or one of the seeds with bytes changed, cut out, doubled or put in. */
export function spoiled(seeds: readonly Uint8Array[], seed: number): () => Uint8Array {
  const random = generator(seed);
  const noise = (length: number): Uint8Array => Uint8Array.from({ length }, () => random(256));
  const mutations: readonly ((input: Uint8Array, at: number) => Uint8Array)[] = [
    (input, at) => input.with(at, random(256)),
    (input, at) => input.with(at, (input[at] ?? 0) ^ (1 << random(8))),
    (input, at) => Buffer.concat([input.subarray(0, at), input.subarray(at + 1 + random(9))]),
    (input, at) => Buffer.concat([input.subarray(0, at), noise(1 + random(9)), input.subarray(at)]),
    (input, at) => Buffer.concat([input.subarray(0, at), input.subarray(random(at + 1))]),
    (input, at) => input.subarray(0, at),
  ];
  return () => {
    if (random(4) === 0) return noise(random(200));
    let input = seeds[random(seeds.length)] ?? noise(9);
    for (let left = 1 + random(4); left > 0 && input.length > 0; left--)
      input = mutations[random(mutations.length)]?.(input, random(input.length)) ?? input;
    return input;
  };
}

type Random = (below: number) => number;

/** xorshift32 (Marsaglia 2003): the same inputs for the same seed on every machine. */
function generator(seed: number): Random {
  let state = seed | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}
