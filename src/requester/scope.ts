import type { GroupRefusal } from "../wire/messages.ts";
import type { PlannedPeer } from "./plan.ts";

/** What a peer says about the groups that one request covers. */
export interface Served {
  /** The groups that were served; null if there are too many to name. */
  readonly groups: readonly string[] | null;
  readonly refused: readonly GroupRefusal[];
}

/**
 * The groups of a set that were not served, although the request was. csync2 knows groups by name. If the peer does not name a group, the
 * group has another name there, or lacks the key or one of the two hosts.
 */
export function leftOut({ routes }: Pick<PlannedPeer, "routes">, served: Served): readonly GroupRefusal[] {
  const { groups, refused } = served;
  if (groups === null) return refused;
  const told = new Set([...groups, ...refused.map(({ group }) => group)]);
  const untold = routes.map(({ group }) => group.name).filter((name) => !told.has(name));
  return [
    ...refused,
    ...[...new Set(untold)].map((group) => ({
      group,
      reason: "not-a-member" as const,
      detail: "no group there with this name and this key has both hosts",
    })),
  ];
}

/** Refused groups on one line, each with its reason and what the peer says. */
export function describeRefusals(refused: readonly GroupRefusal[]): string {
  return refused.map(({ group, reason, detail }) => `group ${group}: ${reason}: ${detail}`).join("; ");
}
