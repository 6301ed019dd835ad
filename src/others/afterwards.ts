import type { ConfiguredHost } from "../host.ts";
import { unless } from "../requester/limits.ts";
import type { AskOptions } from "../requester/options.ts";
import type { PeerResult } from "../requester/outcome.ts";
import type { Differences } from "./differences.ts";
import { checkHere, contentsFrom, differencesFrom } from "./local.ts";
import type { OthersWatcher } from "./conversations.ts";
import type { OthersRun, Verify } from "./run.ts";
import type { Turn } from "./turn.ts";

/** The comparisons after all peers have been asked. */
export class Afterwards {
  readonly #site: ConfiguredHost;
  readonly #run: OthersRun;
  readonly #asking: AskOptions;
  readonly #watcher: OthersWatcher;
  readonly #turns: readonly Turn[];
  readonly #results: PeerResult[];

  /** @param results of the turns, in their order; a comparison changes them */
  constructor(
    site: ConfiguredHost,
    run: OthersRun,
    asking: AskOptions,
    watcher: OthersWatcher,
    turns: readonly Turn[],
    results: PeerResult[],
  ) {
    this.#site = site;
    this.#run = run;
    this.#asking = asking;
    this.#watcher = watcher;
    this.#turns = turns;
    this.#results = results;
  }

  /**
   * If two peers wrote one file here, the older version may have come last. Then the peer with the newer one pushes it again. What still
   * differs is pending.
   */
  async renew(): Promise<void> {
    const { writers } = this.#run;
    const shared = (turn: Turn): Promise<Differences> =>
      differencesFrom(this.#site.host, turn.route, this.#asking.limits, (difference) =>
        writers.explain(turn, difference),
      );
    await this.#compare(
      (turn) => writers.hasShared(turn),
      async (turn) => {
        const found = await shared(turn);
        if (!found.hasNewerThere) return found;
        await this.#run.renewFrom(turn);
        return await shared(turn);
      },
    );
  }

  /** Compares with every peer from which everything has come. What still differs is pending. */
  async verify(how: Verify): Promise<void> {
    let checked: Promise<void> | undefined;
    const { limits } = this.#asking;
    await this.#compare(
      () => true,
      async ({ route }) => {
        await unless(["deadline", "interrupt"], limits, (checked ??= checkHere(this.#site, false)));
        const found = await differencesFrom(this.#site.host, route, limits);
        if (how === "content") found.addContents(await contentsFrom(this.#site, route, limits));
        return found;
      },
    );
  }

  async #compare(
    concerns: (turn: Turn) => boolean,
    compare: (turn: Turn) => Promise<Differences>,
  ): Promise<void> {
    for (const [i, turn] of this.#turns.entries()) {
      const result = withoutDifferences(this.#results[i]);
      if (result?.outcome !== "caught-up" || this.#asking.limits.interrupt.aborted || !concerns(turn))
        continue;
      this.#watcher.stage(turn.peer, null, { at: "running", idle: 0, line: null });
      try {
        this.#results[i] = { ...result, ...(await compare(turn)).result };
      } catch (error) {
        const { outcome, reason, detail } = turn.failed(error);
        const why = `not verified: ${detail ?? "no reason given"}`;
        this.#results[i] = { ...result, outcome, reason, detail: why };
      }
      this.#watcher.result(turn.peer, this.#results[i]);
    }
  }
}

/** A result as it was before a comparison: another one looks at more. */
function withoutDifferences(result: PeerResult | undefined): PeerResult | undefined {
  if (result?.reason !== "differs") return result;
  return { ...result, outcome: "caught-up", reason: null, detail: null, pending: 0, files: [] };
}
