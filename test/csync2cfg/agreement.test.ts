import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { bytesCase, mutatedCase, Random, SHARED_FILES, soupCase, validCase } from "./generate.ts";
import { Oracle, type Case } from "./oracle.ts";

const SEED = Number(process.env["CSYNC2REV_SEED"] ?? Date.now() % 1_000_000_000);
const RUNS = Number(process.env["CSYNC2REV_RUNS"] ?? 3000);
const BATCH = 1000;

let oracle: Oracle;

before(async () => {
  oracle = await Oracle.start();
  for (const [name, text] of Object.entries(SHARED_FILES)) {
    writeFileSync(join(oracle.base, name), text.replaceAll("$BASE", oracle.base), "latin1");
  }
});

after(() => {
  oracle.stop();
});

/** Both readers must take or refuse alike, and make the same of it. Returns how many were taken. */
async function agree(cases: readonly Case[], what: string): Promise<number> {
  const verdicts = await oracle.compare(cases);
  verdicts.forEach(({ csync2, csync2rev, directory }, index) => {
    const { message: said, ...expected } = csync2;
    const { message, ...actual } = csync2rev;
    const files = JSON.stringify(cases[index], null, 1);
    assert.deepEqual(
      actual,
      expected,
      `${what}, ${directory}\n${files}\ncsync2 said: ${said}\ncsync2rev said: ${message}`,
    );
  });
  return verdicts.filter(({ csync2 }) => csync2.taken).length;
}

test(`csync2 agrees about ${RUNS} generated files, CSYNC2REV_SEED=${SEED}`, async (context) => {
  const kinds = [validCase, mutatedCase, mutatedCase, soupCase, bytesCase];
  let taken = 0;
  for (let done = 0; done < RUNS; done += BATCH) {
    const cases = Array.from({ length: Math.min(BATCH, RUNS - done) }, (_, index) => {
      const number = done + index;
      const make = kinds[number % kinds.length] ?? validCase;
      return make(new Random(SEED * 1_000_003 + number));
    });
    taken += await agree(cases, `CSYNC2REV_SEED=${SEED}, from case ${done} on`);
  }
  context.diagnostic(`seed ${SEED}: ${taken} of ${RUNS} taken by both, the others refused by both`);
  assert.ok(
    taken > RUNS / 10 && taken < (RUNS * 9) / 10,
    `${taken} of ${RUNS} taken: the generator tries one side only`,
  );
});
