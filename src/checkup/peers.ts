import { askTwice, type Answer } from "../requester/ask.ts";
import type { AskOptions } from "../requester/options.ts";
import { isAway, readAnswer, type Outcome } from "../requester/outcome.ts";
import type { PlannedPeer, Route } from "../requester/plan.ts";
import { remediesFor, type HowToRun } from "../requester/remedies.ts";
import { leftOut, type Served } from "../requester/scope.ts";
import { Slots } from "../requester/slots.ts";
import type { GroupRefusal } from "../wire/messages.ts";
import type { Finding } from "./finding.ts";

/** How a peer answered a `ping` through one group. */
export interface PeerFinding extends Finding {
  readonly peer: string;
  /** It is usually off. */
  readonly optional: boolean;
  readonly group: string;
  /** `answered`, or the outcome that `--others` would have with it. */
  readonly outcome: "answered" | Outcome;
}

/** Pings every peer, once for each set of groups that one request covers, as many at once as `jobs` says. */
export async function pingPeers(
  peers: readonly PlannedPeer[],
  asking: AskOptions,
  options: HowToRun,
): Promise<readonly PeerFinding[]> {
  const slots = new Slots(asking.jobs);
  const findings = peers.map(async (planned) => {
    const claim = await slots.claim();
    try {
      const found = await pingPeer(planned, asking, options);
      return planned.optional ? found.map(ofOptional) : found;
    } finally {
      claim.end();
    }
  });
  return (await Promise.all(findings)).flat();
}

/** Of a peer that is usually off it is no failure that it is. */
function ofOptional(finding: PeerFinding): PeerFinding {
  const { outcome, item } = finding;
  const optional = { ...finding, optional: true, item: `${item} (optional)` };
  return outcome !== "answered" && isAway(outcome)
    ? { ...optional, status: "warning", advice: null }
    : optional;
}

/** A peer of 1.0.0 answers for the group that is named, and no other: it is pinged through each. */
async function pingPeer(planned: PlannedPeer, asking: AskOptions, options: HowToRun): Promise<PeerFinding[]> {
  const [route, ...others] = planned.routes;
  const answer = await askTwice("ping", route, asking, () => undefined);
  if (answer.kind === "done" && answer.done.exit === 0 && answer.served !== null)
    return findingsOfGroups(planned, answer.served, options);
  const findings = [pingFinding(route, answer, options)];
  if (answer.kind === "done" || (answer.kind === "refused" && answer.ofOneGroup))
    for (const other of others)
      findings.push(pingFinding(other, await askTwice("ping", other, asking, () => undefined), options));
  return findings;
}

/** What a peer says of each group that the ping covered. */
function findingsOfGroups(planned: PlannedPeer, served: Served, options: HowToRun): PeerFinding[] {
  const refused = new Map(leftOut(planned, served).map((one) => [one.group, one]));
  const named = planned.routes.map((route) => {
    const refusal = refused.get(route.group.name);
    refused.delete(route.group.name);
    return refusal === undefined ? answers(route) : pingFinding(route, refusalOf(refusal), options);
  });
  // Groups that are called otherwise here.
  return [
    ...named,
    ...[...refused.values()].map((one) => pingFinding(planned.routes[0], refusalOf(one), options)),
  ];
}

function refusalOf({ reason, detail }: GroupRefusal): Answer {
  return { kind: "refused", reason, detail, ofOneGroup: true };
}

function answers({ group, peer }: Route): PeerFinding {
  return {
    ...{ item: `ping ${peer.peername}`, peer: peer.peername, optional: false, group: group.name },
    ...{ status: "ok", outcome: "answered", detail: `answers in group ${group.name}`, advice: null },
  };
}

function pingFinding({ group, peer }: Route, answer: Answer, options: HowToRun): PeerFinding {
  const where = { item: `ping ${peer.peername}`, peer: peer.peername, optional: false, group: group.name };
  if (answer.kind === "done" && answer.done.exit !== 0) {
    const { reason = null, detail = "it said no more" } = answer.done;
    const why = [reason, `in group ${group.name}`, detail].filter((word) => word !== null).join(": ");
    return { ...where, status: "failed", outcome: "failed", detail: `failed: ${why}`, advice: null };
  }
  if (answer.kind === "done") return answers({ group, peer });
  const said = readAnswer(answer);
  const { outcome, reason, detail } = said;
  const myname = group.me.peername;
  const remedies = remediesFor({ ...said, ...where, myname, host: myname, options });
  const what = [outcome, reason].filter((word, i, words) => word !== null && word !== words[i - 1]);
  return {
    ...where,
    status: "failed",
    outcome,
    detail: `${what.join(": ")} in group ${group.name}: ${detail ?? "no reason given"}`,
    advice: remedies.length === 0 ? null : remedies.join("; "),
  };
}
