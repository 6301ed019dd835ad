import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { test } from "node:test";
import { bitsOf, ENOUGH_BITS } from "../../src/csync2cfg/entropy.ts";

const ALL = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._";

function draw(characters: string, length: number): string {
  return Array.from({ length }, () => characters[randomInt(characters.length)]).join("");
}

for (const [what, characters, length] of [
  ["csync2 -k", ALL, 64],
  ["csync2 -k, cut to what csync2 demands", ALL, 32],
  ["md5sum", "0123456789abcdef", 32],
  ["sha256sum", "0123456789abcdef", 64],
  ["a generator of passwords", ALL.slice(0, -2), 32],
] as const)
  test(`a key from ${what} is never called weak`, () => {
    for (let i = 0; i < 2_000; i++) {
      const key = draw(characters, length);
      assert.ok(bitsOf(key) >= ENOUGH_BITS, `${bitsOf(key)} bits: ${key}`);
    }
  });

for (const key of [
  "a".repeat(64),
  "0123456789".repeat(4),
  "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJ",
  "changemechangemechangemechangeme",
  "thisisthesecretkeyofourcsync2cluster",
  "Secret123Secret123Secret123Secret123",
  "password1234567890password1234567890",
  "0".repeat(31) + "1",
  "qwertyuiopasdfghjklzxcvbnmqwertyui",
  "csync2_csync2_csync2_csync2_csync2",
])
  test(`the key ${key} is weak`, () => {
    assert.ok(bitsOf(key) < ENOUGH_BITS, `${bitsOf(key)} bits`);
  });
