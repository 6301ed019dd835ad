// Unusual names of files, for everything that reads what csync2 prints.

/** A source of the same numbers for the same seed: mulberry32, from 0 to below 1. */
export function seeded(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const PIECES = [
  "\n",
  "\r",
  "\t",
  " ",
  "%",
  "\xe2\x80\xa8",
  "\xfe",
  "\xff",
  "'",
  "[",
  "]",
  ":",
  "a",
  "b",
  "1",
  " on h3 ...",
  "0",
];

/** Different paths, as byte strings, of every byte but NUL. */
export function randomNames(random: () => number, count: number): string[] {
  const names = new Set<string>();
  while (names.size < count) {
    const length = 1 + Math.floor(random() * 12);
    let name = "/srv/";
    for (let i = 0; i < length; i++)
      name +=
        random() < 0.8
          ? (PIECES[Math.floor(random() * PIECES.length)] ?? "")
          : String.fromCharCode(1 + Math.floor(random() * 255)).replace("/", "_");
    names.add(name);
  }
  return [...names];
}
