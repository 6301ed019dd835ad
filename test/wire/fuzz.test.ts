// Spoiled bytes, a million and more with FUZZ_INPUTS (npm run fuzz), into everything that reads what others wrote.
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { test } from "node:test";
import { READERS, takes } from "./readers.ts";
import { spoiled } from "./spoil.ts";

const INPUTS = Number(process.env["FUZZ_INPUTS"] ?? 20_000);
/** Printed, so that a find can be had again. */
const SEED = Number(process.env["FUZZ_SEED"] ?? randomInt(2 ** 32));

for (const reader of READERS)
  test(`${reader.what}: any bytes end in a value or a Csync2revError (seed ${SEED})`, () => {
    const inputs = spoiled(reader.seeds, SEED);
    let turnedDown = 0;
    for (let i = 0; i < INPUTS * reader.share; i++) if (!takes(reader, inputs())) turnedDown++;
    if (/frame|greeting|sealed|request|reply|cfg|ini/.test(reader.what))
      assert.ok(turnedDown > 0, "nothing was ever turned down");
  });
