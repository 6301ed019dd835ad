import { scrypt, type ScryptOptions } from "node:crypto";
import { promisify } from "node:util";
import type { Group } from "../csync2cfg/model.ts";
import { ok, type Finding } from "./finding.ts";

/**
 * A fingerprint must not help to guess a key that somebody made up. So it is short: of 4,096 wrong guesses one has it too, and who has it
 * cannot tell that guess from the key. And it is slow: each guess takes about 50 ms and 16 MB.
 */
const HEX_DIGITS = 3;
const COST = { N: 2 ** 14, r: 8, p: 1 } as const;
const SALT = "csync2rev key fingerprint 1";

/** A fingerprint of each group's key, to compare with that on another host: two that differ mean that the keys differ. */
export async function fingerprints(groups: readonly Group[]): Promise<readonly Finding[]> {
  const keys = new Map(groups.map(({ key }) => [key.text, fingerprintOf(key.text)]));
  return await Promise.all(
    groups.map(async ({ name, key }) =>
      ok(`key of ${name}`, `fingerprint ${(await keys.get(key.text)) ?? ""} (${key.file})`),
    ),
  );
}

async function fingerprintOf(key: string): Promise<string> {
  const derived = await promisify<string, string, number, ScryptOptions, Buffer>(scrypt)(
    key,
    SALT,
    HEX_DIGITS,
    COST,
  );
  return derived.toString("hex").slice(0, HEX_DIGITS);
}
