import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Merge, OutOfOrder, type Difference } from "../../src/csync2/merge.ts";
import { databaseName } from "../../src/csync2/rows.ts";
import { randomNames, seeded } from "./names.ts";

type Side = ReadonlyMap<string, string>;
const record = (mtime: number): string => `v1:mtime=${mtime}:mode=33188:type=reg:size=1`;

/** What is known without any stream: the difference of two maps. */
function expected(here: Side, there: Side): Map<string, Difference> {
  const differences = new Map<string, Difference>();
  for (const file of new Set([...here.keys(), ...there.keys()])) {
    const [ours, theirs] = [here.get(file), there.get(file)];
    if (ours === theirs) continue;
    const on = ours === undefined ? "there" : theirs === undefined ? "here" : "both";
    const newer = on === "both" ? ((ours ?? "") > (theirs ?? "") ? "here" : "there") : on;
    differences.set(file, { file, on, newer });
  }
  return differences;
}

/** Feeds two lists in an order that chance decides, but waits where `ahead` says so. */
function merge(
  here: Side,
  there: Side,
  ordered: boolean,
  random: () => number,
  sorted: boolean,
): Map<string, Difference> {
  const found = new Map<string, Difference>();
  const merge = new Merge(ordered, {
    differs: (difference) => {
      assert.ok(!found.has(difference.file), "told once");
      found.set(difference.file, difference);
    },
  });
  const order = (side: Side): [string, string][] => {
    const rows = [...side];
    if (!sorted) return rows;
    return rows.sort(([a], [b]) => (databaseName(a) < databaseName(b) ? -1 : 1));
  };
  const left = { here: order(here), there: order(there) };
  const ended = { here: false, there: false };
  while (!ended.here || !ended.there) {
    const side = random() < 0.5 ? "here" : "there";
    if (ended[side] || merge.ahead === side) continue;
    for (const [file, text] of left[side].splice(0, 100)) merge.take(side, { file, record: text });
    if (left[side].length > 0) continue;
    ended[side] = true;
    merge.end(side);
  }
  return found;
}

describe("two lists that are read side by side", () => {
  const random = seeded(3);
  const names = randomNames(random, 20_000);
  const sides = (equal: number): [Side, Side] => {
    const [here, there] = [new Map<string, string>(), new Map<string, string>()];
    for (const name of names) {
      const chance = random();
      if (chance < 0.95) here.set(name, record(150));
      if (chance < equal) there.set(name, record(150));
      else if (chance > 0.5) there.set(name, record(chance < 0.8 ? 200 : 110));
    }
    return [here, there];
  };

  for (const equal of [0.99, 0.5, 0])
    test(`in order, with ${equal * 100} % equal: each difference is told once`, () => {
      const [here, there] = sides(equal);
      assert.deepEqual(merge(here, there, true, random, true), expected(here, there));
    });

  test("in no order at all", () => {
    const [here, there] = sides(0.5);
    assert.deepEqual(merge(here, there, false, random, false), expected(here, there));
  });

  test("what is not in order is noticed, not guessed at", () => {
    const [here, there] = sides(0.5);
    assert.throws(() => merge(here, there, true, random, false), OutOfOrder);
  });

  test("one file that lists one file twice is no list", () => {
    const twice = new Merge(false, { differs: () => undefined });
    twice.take("here", { file: "/a", record: record(1) });
    assert.throws(() => {
      twice.take("here", { file: "/a", record: record(2) });
    }, /lists one file twice/);
  });

  test("a million differences in order are counted, and none is held", () => {
    let count = 0;
    const counting = new Merge(true, { differs: () => count++ });
    counting.end("here");
    for (let i = 0; i < 1_000_000; i++)
      counting.take("there", { file: `/srv/${String(i).padStart(8, "0")}`, record: record(1) });
    counting.end("there");
    assert.equal(count, 1_000_000);
  });

  test("a list without end is given up on", () => {
    const endless = new Merge(true, { differs: () => undefined }, 1_000);
    endless.end("here");
    assert.throws(() => {
      for (let i = 0; ; i++)
        endless.take("there", { file: `/${String(i).padStart(12, "0")}`, record: "v1:x" });
    }, /csync2 there lists more than 1000 files/);
  });
});
