import { ask, type Answer } from "../requester/ask.ts";
import type { AskOptions } from "../requester/options.ts";
import type { HostOptions } from "../host.ts";
import { readAnswer, type Outcome } from "../requester/outcome.ts";
import type { PlannedPeer, Route } from "../requester/plan.ts";
import { remediesFor } from "../requester/remedies.ts";
import { Slots } from "../requester/slots.ts";
import type { Finding } from "./finding.ts";

/** How a peer answered a `ping` through one group. */
export interface PeerFinding extends Finding {
  readonly peer: string;
  readonly group: string;
  /** `answered`, or the outcome that `--others` would have with it. */
  readonly outcome: "answered" | Outcome;
}

/** Pings every peer through every group that it shares with this host, as many at once as `jobs` says. */
export async function pingPeers(
  peers: readonly PlannedPeer[],
  asking: AskOptions,
  options: HostOptions,
): Promise<readonly PeerFinding[]> {
  const slots = new Slots(asking.jobs);
  return await Promise.all(
    peers
      .flatMap(({ routes }) => routes)
      .map(async (route) => {
        const claim = await slots.claim();
        try {
          return pingFinding(route, await ask("ping", route, asking, () => undefined), options);
        } finally {
          claim.end();
        }
      }),
  );
}

function pingFinding({ group, peer }: Route, answer: Answer, options: HostOptions): PeerFinding {
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
