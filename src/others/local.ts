import { insist, type Insisted } from "../csync2/insist.ts";
import { readDifference, type Difference } from "../csync2/output.ts";
import { CHECK, compare, markDifference, type Command } from "../csync2/verbs.ts";
import { Csync2revError } from "../errors.ts";
import type { ThisHost } from "../host.ts";
import type { Route } from "./plan.ts";

/** Finds this host's own changes and marks them dirty. Throws `system` where csync2 did not manage. */
export async function checkHere(host: ThisHost): Promise<void> {
  await run(host, CHECK);
}

/** The files on which this host's database and a peer's disagree. Throws `system` where csync2 did not manage. */
export async function differencesFrom(
  host: ThisHost,
  { group, peer }: Route,
): Promise<readonly Difference[]> {
  const differences: Difference[] = [];
  await run(host, compare(group.me.peername, peer.peername), (line) => {
    const difference = readDifference(line);
    if (difference !== null) differences.push(difference);
  });
  return differences;
}

/**
 * Marks every file that both hosts have in different states as changed here, for this peer alone: the peer's push then meets a
 * dirty file, and the group's `auto` method decides, where it would otherwise put whatever it has over a newer file.
 * Throws `system` where csync2 did not manage, or a name cannot be handed to it.
 */
export async function markDifferences(host: ThisHost, route: Route): Promise<void> {
  const differences = await differencesFrom(host, route);
  const { group, peer } = route;
  for (const { kind, file } of differences) {
    if (kind !== "X") continue;
    if (file.includes("\ufffd"))
      throw new Csync2revError(
        "system",
        `the name of ${file} is not UTF-8: it cannot be marked, so that nothing is reconciled`,
      );
    await run(host, markDifference(group.me.peername, peer.peername, file));
  }
}

async function run(host: ThisHost, command: Command, stdout?: (line: string) => void): Promise<void> {
  const end: Insisted = await insist(host, command, stdout === undefined ? {} : { stdout });
  if (end.kind === "busy") throw new Csync2revError("system", `csync2 on this host is busy: ${end.holder}`);
  if (end.exit === 0) return;
  const { complaint } = end.report;
  throw new Csync2revError(
    "system",
    `csync2 ${command.args.join(" ")} on this host ended with ${end.exit}: ${complaint ?? "it gave no reason"}`,
  );
}
