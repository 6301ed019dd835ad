import { distance } from "../distance.ts";
import { OPTIONS } from "./options.ts";

/** A name with more wrong letters than this is another word. */
const WRONG_LETTERS = 2;
/** Fewer letters than this are a part of too many names. */
const PART = 3;

/** The option that the author of this word most likely meant, as it should be written; null if none is near. */
export function nearestOption(word: string): string | null {
  const meant = word.replace(/^-+/, "").replace(/=.*/s, "").toLowerCase();
  if (meant.length < PART) return null;
  const [nearest] = Object.keys(OPTIONS)
    .map((name) => ({ name, wrong: name.includes(meant) ? 0 : distance(meant, name, WRONG_LETTERS) }))
    .filter(({ name, wrong }) => wrong <= WRONG_LETTERS && wrong < name.length / 2)
    .sort((a, b) => a.wrong - b.wrong);
  return nearest === undefined ? null : `--${nearest.name}`;
}
