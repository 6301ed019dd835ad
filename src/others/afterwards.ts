import type { Csync2Cfg } from "../csync2cfg/model.ts";
import type { ThisHost } from "../host.ts";
import { unless } from "../requester/limits.ts";
import type { AskOptions } from "../requester/options.ts";
import type { PeerResult } from "../requester/outcome.ts";
import type { Differences } from "./differences.ts";
import { checkHere, contentsFrom, differencesFrom } from "./local.ts";
import type { OthersRun, OthersWatcher, Verify } from "./run.ts";
import type { Turn } from "./turn.ts";

/** The comparisons after all peers have been asked. */
export class Afterwards {
  readonly #host: ThisHost;
  readonly #run: OthersRun;
  readonly #asking: AskOptions;
  readonly #watcher: OthersWatcher;
  readonly #turns: readonly Turn[];
  readonly #results: PeerResult[];

  /** @param results of the turns, in their order; a comparison changes them */
  constructor(
    host: ThisHost,
    run: OthersRun,
    asking: AskOptions,
    watcher: OthersWatcher,
    turns: readonly Turn[],
    results: PeerResult[],
  ) {
    this.#host = host;
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
      differencesFrom(this.#host, turn.route, this.#asking.limits, (difference) =>
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
  async verify(cfg: Csync2Cfg, how: Verify): Promise<void> {
    let checked: Promise<void> | undefined;
    const { limits } = this.#asking;
    await this.#compare(
      () => true,
      async ({ route }) => {
        await unless(["deadline", "interrupt"], limits, (checked ??= checkHere(this.#host, false)));
        const found = await differencesFrom(this.#host, route, limits);
        if (how === "content") found.addContents(await contentsFrom(this.#host, cfg, route, limits));
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
        const { outcome, detail } = turn.failed(error);
        this.#results[i] = { ...result, outcome, detail: `not verified: ${detail ?? "no reason given"}` };
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
