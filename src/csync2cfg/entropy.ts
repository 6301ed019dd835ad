/** How hard a key must be to guess, in bits. Below that, a group's key counts as weak. */
export const ENOUGH_BITS = 64;
/** How many bits it takes to guess a letter in a word: about as in English. */
const BITS_OF_A_LETTER_IN_A_WORD = 1.5;
/** At least this many letters in a row, all small or all capital, count as a word. */
const WORD = 5;

/**
 * About how many bits it takes to guess a key, if it was not drawn at random but written by somebody: characters count that do not
 * repeat or continue what stands before them. A key that `csync2 -k` has made has over 300.
 */
export function bitsOf(key: string): number {
  const bitsOfOne = Math.log2(alphabetOf(key));
  let bits = 0;
  for (let at = 0; at < key.length; at++)
    if (!isPredicted(key, at))
      bits += isInWord(key, at) ? Math.min(BITS_OF_A_LETTER_IN_A_WORD, bitsOfOne) : bitsOfOne;
  return bits;
}

/** How many characters somebody would choose from who has chosen these. */
function alphabetOf(key: string): number {
  if (/^\d*$/.test(key)) return 10;
  if (/^[\da-f]*$/.test(key) || /^[\dA-F]*$/.test(key)) return 16;
  const sets = [/[a-z]/, /[A-Z]/, /\d/, /[._]/];
  const sizes = [26, 26, 10, 2];
  return Math.max(
    2,
    sizes.reduce((sum, size, i) => sum + (sets[i]?.test(key) === true ? size : 0), 0),
  );
}

/** Whether a character repeats the one before, goes on in their order, or ends a piece of three that was there already. */
function isPredicted(key: string, at: number): boolean {
  const step = key.charCodeAt(at) - key.charCodeAt(at - 1);
  if (step === 0 || (Math.abs(step) === 1 && key.charCodeAt(at - 1) - key.charCodeAt(at - 2) === step))
    return true;
  return at >= 2 && key.slice(0, at).includes(key.slice(at - 2, at + 1));
}

function isInWord(key: string, at: number): boolean {
  const words = key.matchAll(new RegExp(`[a-z]{${WORD},}|[A-Z]{${WORD},}`, "g"));
  return [...words].some(({ index, 0: word }) => index <= at && at < index + word.length);
}
