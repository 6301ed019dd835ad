import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { type Cluster, startCluster } from "../cluster/cluster.ts";
import type { Violation } from "./claims.ts";
import type { Limit } from "./limits.ts";
import { describePlan, HOSTS, type Plan, planOf } from "./plan.ts";
import { playRound } from "./round.ts";
import { shrink } from "./shrink.ts";

/** A campaign: random rounds on one cluster, until a claim is broken, or the rounds or minutes are over. */
const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    rounds: { type: "string" },
    minutes: { type: "string" },
    /** The first round, to go on where another campaign stopped or to repeat one round. */
    from: { type: "string", default: "1" },
    /** A file with a plan as JSON, as a failure prints it, to play in place of random ones. */
    plan: { type: "string" },
    /** How many seconds to spend on making a failing plan smaller. */
    shrink: { type: "string", default: "240" },
    /** Go on after a failure. */
    "keep-going": { type: "boolean", default: false },
  },
});

/** Chance has a hand in a round: a plan that fails need not fail again at once. */
const TRIES = 2;

const seed = Number(values.seed ?? Date.now() % 1_000_000);
const first = Number(values.from);
const rounds = Number(values.rounds ?? (values.minutes === undefined ? 20 : Infinity));
const end = performance.now() + Number(values.minutes ?? Infinity) * 60_000;

const began = performance.now();
let cluster = await startCluster({ hosts: HOSTS.map((name) => ({ name, aliases: [`${name}-b`] })) });
let changes = 0;
let played = 0;
let failed = 0;
const limits = new Map<Limit, number>();

console.log(`seed ${seed}`);
try {
  for (let round = first; round < first + rounds && performance.now() < end; round++) {
    const plan =
      values.plan === undefined
        ? planOf(seed, round)
        : (JSON.parse(readFileSync(values.plan, "utf8")) as Plan);
    const violations = await play(plan);
    played++;
    console.log(
      `round ${round}: ${plan.steps.length} steps, ${violations.length} violations, ${minutes()} min`,
    );
    if (violations.length === 0) continue;
    failed++;
    await report(round, plan, violations);
    if (!values["keep-going"]) break;
  }
} finally {
  await cluster.close();
}
const met = [...limits].map(([limit, times]) => `${limit} ${times}`).join(", ") || "none";
console.log(
  `${played} rounds, ${changes} changes, ${minutes()} min, ${failed} rounds with violations; documented limits met: ${met}`,
);
process.exitCode = failed === 0 ? 0 : 1;

/** A round that cannot even be played breaks a claim as well. */
async function play(plan: Plan): Promise<readonly Violation[]> {
  try {
    const round = await playRound(cluster, plan);
    changes += round.changes;
    for (const [limit, times] of round.limits.counts) limits.set(limit, (limits.get(limit) ?? 0) + times);
    return round.violations;
  } catch (error) {
    cluster = await anotherCluster(cluster);
    return [
      { claim: "a round comes to its end", host: "-", detail: (error as Error).stack ?? String(error) },
    ];
  }
}

async function anotherCluster(broken: Cluster): Promise<Cluster> {
  await broken.close();
  return await startCluster({ hosts: HOSTS.map((name) => ({ name, aliases: [`${name}-b`] })) });
}

async function report(round: number, plan: Plan, violations: readonly Violation[]): Promise<void> {
  tell(violations);
  const claim = violations[0]?.claim;
  const until = Math.min(performance.now() + Number(values.shrink) * 1000, end + 60_000);
  let last = violations;
  const smallest = await shrink(
    plan,
    async (candidate) => {
      for (let i = 0; i < TRIES; i++) {
        const found = await play(candidate);
        if (!found.some((one) => one.claim === claim)) continue;
        last = found;
        return true;
      }
      return false;
    },
    () => performance.now() > until,
  );
  console.log(`smallest plan that was found for "${claim ?? ""}":\n${describePlan(smallest)}`);
  tell(last);
  console.log(`as JSON, for --plan: ${JSON.stringify(smallest)}`);
  console.log(`the whole round again: npm run chaos -- --seed ${seed} --from ${round} --rounds 1`);
}

function tell(violations: readonly Violation[]): void {
  for (const { claim, host, detail } of violations) console.log(`  ${host}: not so: ${claim}: ${detail}`);
}

function minutes(): string {
  return ((performance.now() - began) / 60_000).toFixed(1);
}
