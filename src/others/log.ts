import type { ThisHost } from "../host.ts";
import type { Log } from "../log.ts";
import { OUTCOMES } from "../requester/outcome.ts";
import type { OthersResult } from "./others.ts";

/** Tells this host's own log what came of `--others`: how many peers had each outcome, those that none had left out. */
export async function logOthers(
  log: Log,
  { peers, newMember, rounds, exit, seconds }: OthersResult,
  { config }: Pick<ThisHost, "config">,
  dryRun: boolean,
): Promise<void> {
  const count = (number: number): number | undefined => (number === 0 ? undefined : number);
  const sum = (key: "updated" | "deleted"): number => peers.reduce((all, peer) => all + peer[key], 0);
  await log("others", {
    config: config === "" ? undefined : config,
    "dry-run": dryRun ? "yes" : undefined,
    "new-member": newMember ? "yes" : undefined,
    rounds: rounds === 1 ? undefined : rounds,
    exit,
    peers: peers.length,
    optional: count(peers.filter(({ optional }) => optional).length),
    ...Object.fromEntries(
      OUTCOMES.map((one) => [one, count(peers.filter(({ outcome }) => outcome === one).length)]),
    ),
    updated: sum("updated"),
    deleted: sum("deleted"),
    seconds,
  });
}
