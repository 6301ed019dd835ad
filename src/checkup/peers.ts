import { ask, type Answer, type Means } from "../requester/ask.ts";
import type { Outcome } from "../requester/outcome.ts";
import type { PlannedPeer, Route } from "../requester/plan.ts";
import { mend } from "../others/report.ts";
import { Slots } from "../requester/slots.ts";
import type { Finding } from "./finding.ts";

/** How a peer answered a `ping` through one group. */
export interface PeerFinding extends Finding {
  readonly peer: string;
  readonly group: string;
  /** `answered`, or the outcome that `--others` would have with it. */
  readonly outcome: "answered" | Outcome;
}

/** Pings every peer through every group that it shares with this host, so many at once. */
export async function pingPeers(
  peers: readonly PlannedPeer[],
  means: Means,
  jobs: number,
): Promise<readonly PeerFinding[]> {
  const slots = new Slots(jobs);
  return await Promise.all(
    peers
      .flatMap(({ routes }) => routes)
      .map(async (route) => {
        const claim = await slots.claim();
        try {
          return judge(route, await ask("ping", route, means, () => undefined));
        } finally {
          claim.end();
        }
      }),
  );
}

function judge(route: Route, answer: Answer): PeerFinding {
  const { group, peer } = route;
  const where = { item: `ping ${peer.peername}`, peer: peer.peername, group: group.name };
  if (answer.kind === "done" && answer.done.exit !== 0) {
    const { reason = null, detail = "it said no more" } = answer.done;
    const why = [reason, `in group ${group.name}`, detail].filter((word) => word !== null).join(": ");
    return { ...where, status: "failed", outcome: "failed", detail: `failed: ${why}`, advice: null };
  }
  if (answer.kind === "done")
    return {
      ...where,
      status: "ok",
      outcome: "answered",
      detail: `answers in group ${group.name}`,
      advice: null,
    };
  const reason = answer.kind === "refused" || answer.kind === "unreachable" ? answer.reason : null;
  const outcome = reason === "busy" ? "busy" : answer.kind;
  return {
    ...where,
    status: "failed",
    outcome,
    detail: `${[outcome, reason === "busy" ? null : reason].filter((word) => word !== null).join(": ")} in group ${group.name}: ${answer.detail}`,
    advice: mend(outcome, reason, { peer: peer.peername, group: group.name, host: group.me.peername }),
  };
}
