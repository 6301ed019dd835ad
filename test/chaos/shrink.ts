import type { ByteString } from "./names.ts";
import type { Plan, Step } from "./plan.ts";

/** Whether a plan still fails in the same way; it may be asked again, since chance has a hand in it. */
export type StillFails = (plan: Plan) => Promise<boolean>;

/**
 * Makes a failing plan smaller as long as it still fails: fewer steps, fewer groups, plainer names, no delays. The result fails, and
 * is as small as the time allowed.
 * @param outOfTime asked ahead of every try
 */
export async function shrink(plan: Plan, stillFails: StillFails, outOfTime: () => boolean): Promise<Plan> {
  let smallest = plan;
  const attempt = async (candidate: Plan): Promise<boolean> => {
    if (outOfTime() || JSON.stringify(candidate) === JSON.stringify(smallest)) return false;
    if (!(await stillFails(candidate))) return false;
    smallest = candidate;
    return true;
  };
  for (
    let size = JSON.stringify(smallest).length + 1;
    JSON.stringify(smallest).length < size && !outOfTime();
  ) {
    size = JSON.stringify(smallest).length;
    await fewer(
      () => smallest.steps,
      (steps) => attempt({ ...smallest, steps }),
    );
    await fewer(
      () => smallest.groups,
      async (groups) => groups.length > 0 && (await attempt({ ...smallest, groups })),
    );
    if (smallest.tls) await attempt({ ...smallest, tls: false });
    for (const simpler of simplerGroups(smallest)) await attempt(simpler);
    for (const path of new Set(smallest.steps.flatMap((step) => ("path" in step ? [step.path] : [])))) {
      await attempt(renamed(smallest, path));
    }
    for (const i of smallest.steps.keys()) await attempt(calmer(smallest, i));
  }
  return smallest;
}

/** Takes out pieces of a list, halves first, then ever smaller ones, down to single elements. */
async function fewer<T>(
  list: () => readonly T[],
  attempt: (list: readonly T[]) => Promise<boolean>,
): Promise<void> {
  for (
    let length = Math.ceil(list().length / 2);
    length >= 1;
    length = length === 1 ? 0 : Math.ceil(length / 2)
  ) {
    for (let at = 0; at < list().length;) {
      const without = [...list().slice(0, at), ...list().slice(at + length)];
      if (!(await attempt(without))) at += length;
    }
  }
}

/** Each group without aliases, slaves, a second key and all directories but one. */
function simplerGroups(plan: Plan): Plan[] {
  return plan.groups.flatMap((group, i) => {
    const plain = {
      ...group,
      members: group.members.map((member) => ({ ...member, alias: false, slave: false })),
    };
    const candidates = [
      plain,
      { ...group, key: 1 as const },
      ...group.directories.map((one) => ({ ...group, directories: [one] })),
    ];
    return candidates.map((candidate) => ({ ...plan, groups: plan.groups.with(i, candidate) }));
  });
}

/** The plan with a plain name for one path, and no folder. */
function renamed(plan: Plan, path: ByteString): Plan {
  const taken = new Set(plan.steps.flatMap((step) => ("path" in step ? [step.path] : [])));
  const directory = path.startsWith("a/sub/") ? "a/sub" : (path.split("/")[0] ?? "a");
  if (/^(a|a\/sub|b|p)\/f\d$/.test(path)) return plan;
  const name = Array.from({ length: 9 }, (_, i) => `${directory}/f${i + 1}`).find(
    (candidate) => !taken.has(candidate),
  );
  if (name === undefined) return plan;
  return {
    ...plan,
    steps: plan.steps.map((step) => ("path" in step && step.path === path ? { ...step, path: name } : step)),
  };
}

/** The plan with one step that comes at once, and with a small file. */
function calmer(plan: Plan, i: number): Plan {
  const step = plan.steps[i];
  if (!step) return plan;
  const calm: Step = step.do === "write" ? { ...step, after: 0, size: 0 } : { ...step, after: 0 };
  return { ...plan, steps: plan.steps.with(i, calm) };
}
