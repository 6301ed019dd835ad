import { backoffAfter } from "../backoff.ts";
import { VERBS, type Verb } from "../csync2/verbs.ts";
import type { ThisHost } from "../host.ts";
import { ask, type Answer, type Stage } from "../requester/ask.ts";
import { LIMIT_WORDS, pause, reachedLimit } from "../requester/limits.ts";
import type { AskOptions } from "../requester/options.ts";
import type { PeerResult } from "../requester/outcome.ts";
import type { PlannedPeer } from "../requester/plan.ts";
import { Slots, type Claim } from "../requester/slots.ts";
import { NoChecks } from "./no-check.ts";
import type { Turn } from "./turn.ts";
import type { Writers } from "./writers.ts";

/** If nothing of a push arrives here for this long, the next push may start. In milliseconds. */
const IDLE_HOLDS_SLOT = 60_000;
/** The time between two looks at whether a peer keeps others waiting too long, in milliseconds. */
const LOOK_EVERY = 250;

/** Is told what happens while peers are asked. */
export interface OthersWatcher {
  /** What happens for one peer. If `verb` is null, it happens on this host. */
  stage(peer: PlannedPeer, verb: Verb | null, stage: Stage): void;
  result(peer: PlannedPeer, result: PeerResult): void;
}

/** What a run needs from its conversations. */
interface Needs {
  /** Whether csync2's lines on the peers are wanted. */
  readonly output: boolean;
  /** Records which peer writes which file here. Null if only one peer can. */
  readonly writers: Writers | null;
  /** A peer works: its csync2 runs, or waits. */
  readonly works: (turn: Turn) => void;
  /** Once this signal is aborted, the peer is not asked again. */
  readonly enough: (peer: PlannedPeer) => AbortSignal;
}

/** All conversations of one run with its peers, and the slots that they share. */
export class Conversations {
  readonly #asking: AskOptions;
  readonly #watcher: OthersWatcher;
  readonly #needs: Needs;
  readonly #noChecks: NoChecks;
  readonly #checks: Slots;
  /** Two pushes at once would fight over this host's csync2 database. */
  readonly pushes = new Slots(1);

  constructor(host: ThisHost, asking: AskOptions, watcher: OthersWatcher, needs: Needs) {
    this.#asking = asking;
    this.#watcher = watcher;
    this.#needs = needs;
    this.#noChecks = new NoChecks(host, asking.limits, () => asking.receiving.idle());
    this.#checks = new Slots(asking.jobs);
  }

  /** Asks until the answer is final (another try would not change it), or until the deadline. Returns the last useful answer. */
  async untilSettled(turn: Turn, verb: Verb): Promise<Answer> {
    const slots = verb === "check" ? this.#checks : this.pushes;
    let answer: Answer | null = null;
    for (let failures = 1; ; failures++) {
      if (answer === null) this.#watcher.stage(turn.peer, verb, { at: "queued" });
      const claim = await slots.claim();
      try {
        const limit = reachedLimit(this.#asking.limits);
        if (limit !== null)
          return (
            answer ?? {
              kind: "refused",
              reason: "busy",
              detail: `${LIMIT_WORDS[limit]} before it could be asked to ${verb}`,
              ofOneGroup: false,
            }
          );
        const latest = await this.#askOnce(turn, verb, claim, slots);
        // If the deadline cut this try short, the answer before it says more.
        const cutShort = latest.kind === "unreachable" && reachedLimit(this.#asking.limits) !== null;
        answer = cutShort && answer !== null ? answer : latest;
      } finally {
        claim.end();
      }
      turn.hear(answer);
      if (answer.kind === "done") return answer;
      if (answer.kind === "unanswered" && !turn.isUnansweredTwice()) {
        await pause(backoffAfter(1), this.#asking.limits);
        continue;
      }
      if (answer.kind === "unanswered" || (answer.kind === "refused" && answer.reason !== "busy")) {
        if (answer.kind === "unanswered" || !answer.ofOneGroup || !turn.takeNextRoute()) return answer;
        continue;
      }
      const wait = backoffAfter(failures);
      this.#watcher.stage(turn.peer, verb, { at: "paused", answer, seconds: wait / 1000 });
      const { limits } = this.#asking;
      const enough = this.#needs.enough(turn.peer);
      await pause(wait, { ...limits, deadline: AbortSignal.any([limits.deadline, enough]) });
      if (enough.aborted) return answer;
    }
  }

  /**
   * One conversation. From the first valid reply on, the peer owns the slot. It yields the slot if a push falls silent, or if it has used
   * its share of the time that is left while others wait. So every peer has been asked at least once at the deadline.
   */
  async #askOnce(turn: Turn, verb: Verb, claim: Claim, slots: Slots): Promise<Answer> {
    turn.attempts++;
    const { receiving } = this.#asking;
    const { pushes } = VERBS[verb];
    const look = setInterval(() => {
      const share = (this.#timeLeft(claim.held()) * slots.count) / (slots.waiting + slots.count);
      const fallenSilent = pushes && claim.held() > 0 && receiving.idle() >= IDLE_HOLDS_SLOT;
      if (fallenSilent || (slots.waiting > 0 && claim.held() >= share)) claim.yield();
    }, LOOK_EVERY);
    // csync2's lines show which files a peer writes: needed if several peers may write the same file.
    const output = this.#needs.output || (pushes && this.#needs.writers !== null);
    const listen = pushes ? this.#needs.writers?.listenTo(turn) : undefined;
    const converse = async (): Promise<Answer> =>
      await ask(verb, turn.route, { ...this.#asking, output }, (stage) => {
        const runs = stage.at === "running" && stage.idle !== null;
        if (runs && pushes) this.#noChecks.started();
        if (runs || stage.at === "waiting") this.#needs.works(turn);
        if (stage.at === "running" && stage.line !== null) listen?.(stage.line);
        if (stage.at === "running" || (stage.at === "waiting" && stage.on === "lock")) claim.prove();
        this.#watcher.stage(turn.peer, verb, stage);
      });
    try {
      return await (pushes ? this.#noChecks.during(() => receiving.during(converse())) : converse());
    } finally {
      clearInterval(look);
    }
  }

  /** The time from when the slot was taken until the deadline, in milliseconds. @param held how long the slot has been held */
  #timeLeft(held: number): number {
    return Math.max(0, this.#asking.deadlineAt - performance.now() + held);
  }
}
