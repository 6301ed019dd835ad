import type { Disk } from "./disk.ts";
import type { LimitsMet } from "./limits.ts";
import { ABSENT, type History, type Model, type State } from "./model.ts";
import { type ByteString, shown } from "./names.ts";
import { delivers, groupsOf, HOSTS, type Plan } from "./plan.ts";
import type { Damage } from "./world.ts";

/** Something that csync2rev promises and did not keep. */
export interface Violation {
  /** The promise, in a word: what a shrunken plan must break too. */
  readonly claim: string;
  readonly host: string;
  readonly detail: string;
}

/** What the claims are held against: the truth, and what was done. */
export interface Truth {
  readonly plan: Plan;
  readonly model: Model;
  readonly damage: Damage;
  readonly limits: LimitsMet;
}

export type Disks = ReadonlyMap<string, Disk>;

/** A host that has caught up with all has the newest version of each path that its writer may send it. */
export function caughtUp({ plan, model, damage, limits }: Truth, disks: Disks, host: string): Violation[] {
  return model.paths().flatMap((path) => {
    const history = model.history(path);
    const newest = history.agreed();
    if (!newest || newest.host === host || !delivers(plan, path, newest.host, host)) return [];
    const has = stateOf(disks, host, path);
    if (has === newest.state) return [];
    if (history.versions.some(({ raced }) => raced)) return [];
    if (limits.explains("check-cut", damage.checkCut.size > 0)) return [];
    if (limits.explains("receiver-cut", mayBeHalfMade(damage, path, has))) return [];
    if (limits.explains("auto-decides", autoMayDecide(plan, path, history))) return [];
    if (limits.explains("deletion-comes-back", newest.state === ABSENT && wasReconciled(plan))) return [];
    return [
      violation(
        "exit 0 and the newest is there",
        host,
        path,
        `has ${has}, ${newest.host} wrote ${newest.state}`,
      ),
    ];
  });
}

/** Two hosts that have both caught up hold the same, also if their writes were in conflict. */
export function conflictsSettled(
  { plan, model, damage, limits }: Truth,
  disks: Disks,
  hosts: readonly string[],
): Violation[] {
  return pairsOf(hosts).flatMap(([one, other]) =>
    model.paths().flatMap((path) => {
      const history = model.history(path);
      if (history.agreed() || !delivers(plan, path, one, other) || !delivers(plan, path, other, one))
        return [];
      const [here, there] = [stateOf(disks, one, path), stateOf(disks, other, path)];
      // A file that one host deleted and another wrote: which of the two wins is csync2's.
      if (here === there || here === ABSENT || there === ABSENT) return [];
      if (limits.explains("check-cut", damage.checkCut.size > 0)) return [];
      const writers = [here, there].map((state) => history.versionOf(state)?.host ?? "");
      const third = (host: string): boolean => host !== one && host !== other;
      if (limits.explains("third-host", writers.some(third))) return [];
      // What lost by the `auto` method can be on a third host, and be the newer one.
      const carries = (host: string): boolean =>
        third(host) && [one, other].some((to) => delivers(plan, path, host, to));
      const comesBack = wasReconciled(plan) && autoMayDecide(plan, path, history) && HOSTS.some(carries);
      if (limits.explains("third-host-carries", comesBack)) return [];
      return [violation("exit 0 and a conflict is settled", one, path, `has ${here}, ${other} has ${there}`)];
    }),
  );
}

/** The newest version is where it was written. */
export function newestKept({ plan, model, damage, limits }: Truth, disks: Disks, when: string): Violation[] {
  return model.paths().flatMap((path) => {
    const history = model.history(path);
    const newest = history.agreed();
    if (!newest || history.versions.some(({ raced }) => raced)) return [];
    const has = stateOf(disks, newest.host, path);
    if (has === newest.state) return [];
    if (limits.explains("receiver-cut", mayBeHalfMade(damage, path, has))) return [];
    if (limits.explains("deletion-comes-back", newest.state === ABSENT)) return [];
    if (limits.explains("auto-decides", autoMayDecide(plan, path, history))) return [];
    return [
      violation(
        "the newest version is kept",
        newest.host,
        path,
        `${when}: has ${has}, wrote ${newest.state}`,
      ),
    ];
  });
}

/** Each file has a content that a host wrote. */
export function nothingForeign({ model, damage, limits }: Truth, disks: Disks): Violation[] {
  return [...disks].flatMap(([host, disk]) =>
    [...disk].flatMap(([path, { state, directory }]) => {
      if (directory || model.history(path).versionOf(state)) return [];
      if (limits.explains("receiver-cut", mayBeHalfMade(damage, path, state))) return [];
      return [violation("each file is as somebody wrote it", host, path, `has ${state}`)];
    }),
  );
}

/** A comparison that finds nothing is right. */
export function trulyEqual({ plan }: Truth, disks: Disks, host: string, peer: string): Violation[] {
  return differing(plan, disks, host, peer).map((path) =>
    violation(
      "--verify exits 0 and both are equal",
      host,
      path,
      `has ${stateOf(disks, host, path)}, ${peer} has ${stateOf(disks, peer, path)}`,
    ),
  );
}

/** The paths in common groups on which two hosts differ, directories apart. */
export function differing(plan: Plan, disks: Disks, host: string, peer: string): ByteString[] {
  const all = new Set(
    [host, peer].flatMap((name) => [...(disks.get(name) ?? new Map<ByteString, never>()).keys()]),
  );
  return [...all].filter((path) => {
    if (!delivers(plan, path, peer, host)) return false;
    const states = [host, peer].map((name) => stateOf(disks, name, path));
    return (
      states[0] !== states[1] && !states.every((state) => state === ABSENT || state.startsWith("directory "))
    );
  });
}

/** A reconcile deletes nothing and puts nothing older over anything newer. */
export function nothingLost({ model }: Truth, before: Disks, after: Disks): Violation[] {
  return [...before].flatMap(([host, disk]) =>
    [...disk].flatMap(([path, had]) => {
      const has = after.get(host)?.get(path);
      if (has?.state === had.state) return [];
      if (!has)
        return had.directory
          ? []
          : [violation("a reconcile deletes nothing", host, path, `had ${had.state}`)];
      const file = had.state.startsWith("file ") && has.state.startsWith("file ");
      const older =
        model.history(path).isOlder(has.state, had.state) || (file && has.modified < had.modified);
      return older
        ? [
            violation(
              "a reconcile puts nothing older over newer",
              host,
              path,
              `had ${had.state}, has ${has.state}`,
            ),
          ]
        : [];
    }),
  );
}

/** A dry run changes neither contents nor times. */
export function nothingChanged(before: Disks, after: Disks): Violation[] {
  return [...before].flatMap(([host, disk]) => {
    const now = after.get(host);
    const paths = new Set([...disk.keys(), ...(now?.keys() ?? [])]);
    return [...paths].flatMap((path) => {
      const [had, has] = [disk.get(path), now?.get(path)];
      if (had?.state === has?.state && had?.modified === has?.modified) return [];
      return [
        violation(
          "a dry run changes nothing",
          host,
          path,
          `had ${had?.state ?? ABSENT} of ${had?.modified ?? 0}, has ${has?.state ?? ABSENT} of ${has?.modified ?? 0}`,
        ),
      ];
    });
  });
}

/** The paths that are not on one disk as on the other, directories apart. */
export function changed(before: Disk, after: Disk): ByteString[] {
  return [...new Set([...before.keys(), ...after.keys()])].filter((path) => {
    const states = [before.get(path), after.get(path)];
    return states[0]?.state !== states[1]?.state && !states.some((entry) => entry?.directory);
  });
}

export function stateOf(disks: Disks, host: string, path: ByteString): State {
  return disks.get(host)?.get(path)?.state ?? ABSENT;
}

export function violation(claim: string, host: string, path: ByteString | null, what: string): Violation {
  return { claim, host, detail: path === null ? what : `"${shown(path)}" ${what}` };
}

/** A csync2 that is ended while it receives leaves a file with this mode, or one with such a name. */
function mayBeHalfMade({ receiverCut }: Damage, path: ByteString, state: State): boolean {
  return receiverCut.size > 0 && (state.startsWith("file 600 ") || /\/\.[^/]*\.[A-Za-z0-9]{6}$/.test(path));
}

/** A reconcile gives back what only a peer has. */
function wasReconciled({ steps }: Plan): boolean {
  return steps.some((step) => step.do === "catch-up" && step.options.includes("--reconcile"));
}

/** With these methods a version that is dirty on two hosts can replace the one that was built on it. csync2 transfers no time of a link. */
function autoMayDecide(plan: Plan, path: ByteString, { versions }: History): boolean {
  const writers = new Set(versions.map(({ host }) => host));
  const timed = versions.every(({ state }) => !state.startsWith("link "));
  return (
    writers.size > 1 &&
    groupsOf(plan, path).some(({ auto }) => auto !== "none" && (auto !== "younger" || !timed))
  );
}

function pairsOf(hosts: readonly string[]): [string, string][] {
  const known = HOSTS.filter((host) => hosts.includes(host));
  return known.flatMap((one, i) => known.slice(i + 1).map((other): [string, string] => [one, other]));
}
