import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { caughtUp, conflictsSettled, differing, nothingForeign, nothingLost, type Truth } from "./claims.ts";
import type { Disk } from "./disk.ts";
import { LIMITS, LimitsMet } from "./limits.ts";
import { ABSENT, History, Model } from "./model.ts";
import { bytesOf, shown } from "./names.ts";
import { describePlan, type Plan, planOf, type Step } from "./plan.ts";
import { escaped, isNamed } from "./said.ts";
import { shrink } from "./shrink.ts";

describe("the history of a file", () => {
  const historyOf = (
    ...writes: readonly (readonly [host: string, before: string, after: string])[]
  ): History => {
    const history = new History();
    for (const [host, before, after] of writes) history.add(host, before, after, false);
    return history;
  };

  test("writes that build on each other have one newest version", () => {
    const history = historyOf(["h1", ABSENT, "v1"], ["h2", "v1", "v2"], ["h1", "v2", ABSENT]);
    assert.deepEqual([history.agreed()?.state, history.agreed()?.host], [ABSENT, "h1"]);
    assert.deepEqual(
      [history.isOlder("v1", "v2"), history.isOlder("v2", "v1"), history.isOlder("v1", ABSENT)],
      [true, false, true],
    );
  });

  test("writes by hosts that did not know of each other are a conflict", () => {
    const history = historyOf(["h1", ABSENT, "v1"], ["h1", "v1", "v2"], ["h2", "v1", "v3"]);
    assert.equal(history.agreed(), undefined);
    assert.deepEqual(
      history.newest().map(({ state }) => state),
      ["v2", "v3"],
    );
  });

  test("a file that two hosts made is a conflict, also if one of them may have removed it", () => {
    assert.equal(historyOf(["h1", ABSENT, "v1"], ["h2", ABSENT, "v2"]).agreed(), undefined);
    assert.equal(
      historyOf(["h1", ABSENT, "v1"], ["h1", "v1", ABSENT], ["h2", ABSENT, "v2"]).agreed(),
      undefined,
    );
    assert.equal(
      historyOf(["h1", ABSENT, "v1"], ["h1", "v1", ABSENT], ["h1", ABSENT, "v2"]).agreed()?.state,
      "v2",
    );
  });
});

describe("the claims", () => {
  const member = (host: string): Plan["groups"][number]["members"][number] => ({
    host,
    alias: false,
    slave: false,
  });
  const plan: Plan = {
    tls: false,
    groups: [
      { name: "g", members: [member("h1"), member("h2")], key: 1, auto: "younger", directories: ["a"] },
    ],
    steps: [],
  };
  const disk = (files: Readonly<Record<string, string>>, modified = 1): Disk =>
    new Map(Object.entries(files).map(([path, state]) => [path, { state, directory: false, modified }]));
  const truthOf = (...writes: readonly (readonly [host: string, before: string, after: string])[]): Truth => {
    const model = new Model();
    for (const [host, before, after] of writes) model.history("a/f").add(host, before, after, false);
    return { plan, model, damage: { checkCut: new Set(), receiverCut: new Set() }, limits: new LimitsMet() };
  };

  test("a host that has caught up without the newest version breaks one, unless a documented limit explains it", () => {
    const truth = truthOf(["h1", ABSENT, "file v1"], ["h1", "file v1", "file v2"]);
    const disks = new Map([
      ["h1", disk({ "a/f": "file v2" })],
      ["h2", disk({ "a/f": "file v1" })],
    ]);
    assert.equal(caughtUp(truth, disks, "h2").length, 1);
    assert.equal(caughtUp(truth, disks, "h3").length, 0);
    truth.damage.checkCut.add("h1");
    assert.equal(caughtUp(truth, disks, "h2").length, 0);
    assert.equal(truth.limits.counts.get("check-cut"), 1);
  });

  test("two that caught up and differ break one, unless a third host has brought back what lost by `auto`", () => {
    const hosts = ["h1", "h2", "h3"];
    const disks = new Map([
      ["h1", disk({ "a/f": "file v1" })],
      ["h2", disk({ "a/f": "file v2" })],
    ]);
    const reconcile: Step = { do: "catch-up", after: 0, host: "h3", options: ["--reconcile"], wait: false };
    const settled = (
      auto: Plan["groups"][number]["auto"],
      members: readonly string[],
      steps: Step[],
    ): number => {
      const group = { name: "g", members: members.map(member), key: 1, auto, directories: ["a"] } as const;
      const truth = truthOf(["h1", ABSENT, "file v1"], ["h2", ABSENT, "file v2"]);
      return conflictsSettled({ ...truth, plan: { ...plan, groups: [group], steps } }, disks, ["h1", "h2"])
        .length;
    };
    assert.equal(settled("left", hosts, [reconcile]), 0);
    assert.equal(settled("left", hosts, []), 1);
    assert.equal(settled("none", hosts, [reconcile]), 1);
    assert.equal(settled("left", ["h1", "h2"], [reconcile]), 1);
  });

  test("content that nobody wrote breaks one", () => {
    const truth = truthOf(["h1", ABSENT, "file v1"]);
    assert.equal(nothingForeign(truth, new Map([["h1", disk({ "a/f": "file v1" })]])).length, 0);
    assert.equal(nothingForeign(truth, new Map([["h1", disk({ "a/f": "file half" })]])).length, 1);
    assert.equal(nothingForeign(truth, new Map([["h1", disk({ "a/.f.abcdef": "file v1" })]])).length, 1);
  });

  test("a reconcile that deletes, or goes back to an older version or time, breaks one", () => {
    const truth = truthOf(["h1", ABSENT, "link v1"], ["h2", "link v1", "link v2"]);
    const moved = (had: Disk, has: Disk): number =>
      nothingLost(truth, new Map([["h1", had]]), new Map([["h1", has]])).length;
    assert.equal(moved(disk({ "a/f": "link v2" }), disk({})), 1);
    assert.equal(moved(disk({ "a/f": "link v2" }), disk({ "a/f": "link v1" })), 1);
    assert.equal(moved(disk({ "a/f": "link v1" }), disk({ "a/f": "link v2" })), 0);
    assert.equal(moved(disk({ "a/g": "file x" }, 2), disk({ "a/g": "file y" }, 1)), 1);
  });

  test("hosts are only compared on what they share", () => {
    const disks = new Map([
      ["h1", disk({ "a/f": "v1", "b/f": "v1" })],
      ["h2", disk({})],
    ]);
    assert.deepEqual(differing(plan, disks, "h1", "h2"), ["a/f"]);
  });

  test("each limit stands in the document on --reconcile", () => {
    const document = readFileSync(join(import.meta.dirname, "../../docs/reconcile.md"), "utf8");
    for (const [limit, { words }] of Object.entries(LIMITS))
      assert.ok(document.replace(/\s+/g, " ").includes(words), limit);
  });
});

describe("names", () => {
  test("are bytes, and are shown as ASCII", () => {
    assert.equal(bytesOf("é\r"), "\xc3\xa9\r");
    assert.equal(shown("a\\\xff\n"), "a\\x5c\\xff\\x0a");
  });

  test("are found in what csync2rev says, below a prefix too", () => {
    assert.ok(isNamed(["/srv/data/a/x\n"], "h1", "a/x\n"));
    assert.ok(isNamed(["%p%/x"], "h3", "p/x"));
    assert.ok(isNamed(["/srv/data/three/x"], "h3", "p/x"));
    assert.ok(!isNamed(["/srv/data/a/x"], "h1", "a/x\n"));
  });

  test("that are not escaped break a claim", () => {
    assert.equal(escaped("h1", "", "a\n\\x0d\n").length, 0);
    for (const text of ["a\r", "\u2028", "\ufffd", "\x1b[31m"])
      assert.equal(escaped("h1", "", text).length, 1);
  });
});

describe("a plan", () => {
  test("is the same for the same seed and round, and another for another", () => {
    assert.deepEqual(planOf(1, 2), planOf(1, 2));
    assert.notDeepEqual(planOf(1, 2), planOf(1, 3));
  });

  test("has no path that leads elsewhere", () => {
    for (let round = 1; round < 300; round++)
      for (const step of planOf(7, round).steps)
        if ("path" in step) assert.doesNotMatch(step.path, /(^|\/)\.{0,2}(\/|$)/s, step.path);
  });

  test("can be read by people: one line a step, nothing in it but ASCII", () => {
    for (let round = 1; round < 50; round++) {
      const plan = planOf(7, round);
      const text = describePlan(plan);
      assert.match(text, /^[\n\x20-\x7e]*$/);
      assert.equal(text.split("\n").length, plan.steps.length + plan.groups.length + 2);
    }
  });
});

describe("shrinking", () => {
  const count = (plan: Plan, what: Step["do"]): number =>
    plan.steps.filter((step) => step.do === what).length;

  test("leaves what the failure needs, and nothing else", async () => {
    let tries = 0;
    const plan = planOf(1, 1);
    const smallest = await shrink(
      plan,
      (candidate) => {
        tries++;
        return Promise.resolve(count(candidate, "catch-up") >= 2 && count(candidate, "write") >= 1);
      },
      () => false,
    );
    assert.deepEqual([smallest.steps.length, smallest.groups.length, smallest.tls], [3, 1, false]);
    assert.ok(smallest.steps.every(({ after }) => after === 0));
    assert.match(smallest.steps.flatMap((step) => ("path" in step ? step.path : []))[0] ?? "", /\/f1$/);
    assert.ok(tries < 200, `${tries} tries`);
  });

  test("ends when the time is over, with what still fails", async () => {
    let tries = 0;
    const plan = planOf(1, 1);
    const smallest = await shrink(
      plan,
      () => Promise.resolve(true),
      () => ++tries > 2,
    );
    assert.ok(smallest.steps.length > 0 && smallest.steps.length < plan.steps.length);
  });
});
