import type { Verb } from "../csync2/verbs.ts";
import type { Look } from "../csync2/look.ts";
import type { ConfiguredHost, ThisHost } from "../host.ts";
import { backoffAfter } from "../backoff.ts";
import { Csync2revError } from "../errors.ts";
import { limitsOf, pause, reachedLimit, unless } from "../requester/limits.ts";
import type { AskOptions, AskOverrides } from "../requester/options.ts";
import type { PeerResult } from "../requester/outcome.ts";
import type { PlannedPeer, Route } from "../requester/plan.ts";
import type { Counter } from "../csync2/list.ts";
import { Conversations, type OthersWatcher } from "./conversations.ts";
import { Explainer } from "./explain.ts";
import { checkHere, differencesFrom, lookHere, treeGone, UnsentDeletions } from "./local.ts";
import { whyNotReady } from "./ready.ts";
import { hasNewlyDirty, notReconciled, wasSettledMeanwhile, withEarlier, type Turn } from "./turn.ts";
import { Writers } from "./writers.ts";

/** At most this many times a peer is asked to push once more, if files changed while it pushed. */
const MORE_PUSHES = 3;
/** How long csync2 on this host may take to open its database, in seconds. If another csync2 holds it, csync2 says so after 18. */
const DATABASE_WITHIN = 20;

export const VERIFY = ["records", "content"] as const;
export type Verify = (typeof VERIFY)[number];

/** What the command line asks for. */
export interface OthersOptions extends AskOverrides {
  readonly dryRun: boolean;
  readonly reconcile: boolean;
  /** Whether to compare afterwards, and what: what csync2 has recorded, or contents too. */
  readonly verify: Verify | null;
  /** Whether csync2's lines on the peers are wanted. */
  readonly output: boolean;
  /** Whether csync2.cfg has changed since this run began. Then this run waits for no peer, and all are asked again by the new file. */
  readonly isOutdated: () => boolean;
}

/** One run of `--others`. */
export class OthersRun {
  readonly #site: ConfiguredHost;
  readonly #host: ThisHost;
  readonly #routes: readonly Route[];
  /** How many peers that are not optional have no result yet. */
  #required: number;
  /** Aborted once all peers that are not optional are done: then optional peers are not asked again. */
  readonly #othersDone = new AbortController();
  /** Aborted once csync2.cfg has changed: then no peer is asked again. */
  readonly #outdated = new AbortController();
  readonly #options: OthersOptions;
  readonly #asking: AskOptions;
  readonly #watcher: OthersWatcher;
  readonly #explainer: Explainer;
  readonly #conversations: Conversations;
  readonly #hasSeveralPeers: boolean;
  readonly #unsent: UnsentDeletions;
  /** Which peer has written which files on this host. */
  readonly writers = new Writers();
  #notReady: Promise<string | null> | undefined;
  #checkedHere: Promise<void> | undefined;
  #look: Promise<Look> | undefined;

  constructor(
    site: ConfiguredHost,
    peers: readonly PlannedPeer[],
    options: OthersOptions,
    asking: AskOptions,
    watcher: OthersWatcher,
  ) {
    this.#site = site;
    this.#host = site.host;
    this.#routes = peers.flatMap(({ routes }) => routes);
    this.#required = peers.filter(({ optional }) => !optional).length;
    if (this.#required === 0) this.#othersDone.abort();
    this.#options = options;
    this.#asking = asking;
    this.#watcher = watcher;
    this.#unsent = new UnsentDeletions(site.host);
    this.#explainer = new Explainer(site, asking.limits);
    this.#hasSeveralPeers = new Set(this.#routes.map(({ peer }) => peer.hostname)).size > 1;
    this.#conversations = new Conversations(site.host, asking, watcher, {
      output: options.output,
      // Not sooner: to start csync2 takes time, which the peer would wait for.
      works: (turn) => {
        this.look(turn).catch(() => undefined);
      },
      writers: this.#hasSeveralPeers ? this.writers : null,
      enough: ({ optional }) =>
        optional ? AbortSignal.any([this.#outdated.signal, this.#othersDone.signal]) : this.#outdated.signal,
    });
  }

  /** What this host's database knows. If it knows no file, the host lacks all files, and a peer's database may have none marked for it. */
  async look(turn?: Turn): Promise<Look> {
    const { limits } = this.#asking;
    const retrying = (why: string): void => {
      const detail = `csync2 on this host: ${why}`;
      if (turn !== undefined) this.#watcher.stage(turn.peer, null, { at: "waiting", on: "retry", detail });
    };
    this.#look ??= lookHere(this.#site, { retrying });
    return await unless(["deadline", "interrupt"], limits, this.#look);
  }

  /** Whether this host has no file from a peer, as far as csync2rev can tell. False only if recorded files are on the disk. */
  async lacksAll(): Promise<boolean> {
    return (await this.look().catch(() => null))?.kind !== "records";
  }

  /** Whether this host's database knew no file, so that the run reconciled. */
  async isNewMember(): Promise<boolean> {
    if (this.#look === undefined) return false;
    return (await this.look().catch(() => null))?.kind === "empty";
  }

  /** Asks one peer for everything: its check, then its push. Returns the peer's result. */
  async catchUpFrom(turn: Turn): Promise<PeerResult> {
    try {
      const result = await (this.#options.dryRun ? this.#preview(turn) : this.#catchUpFrom(turn));
      return result.outcome === "failed" ? { ...result, ...(await this.#databaseAway()) } : result;
    } catch (error) {
      return isLimit(error) ? turn.cutShort(error.message) : turn.failed(error);
    } finally {
      if (!turn.peer.optional && --this.#required === 0) this.#othersDone.abort();
      if (this.#options.isOutdated()) this.#outdated.abort();
    }
  }

  /** What to change in a failed result. If csync2 here cannot open its database for now, the result is `busy`: asking later helps. */
  async #databaseAway(): Promise<Partial<PeerResult>> {
    const { settings } = this.#host;
    const looking = lookHere({
      ...this.#site,
      host: { ...this.#host, settings: { ...settings, retries: 0 } },
    });
    // The deadline may have passed.
    const limits = limitsOf(DATABASE_WITHIN, this.#asking.limits.interrupt);
    try {
      const look = await unless(["deadline", "interrupt"], limits, looking);
      if (look.kind !== "unreadable" || !look.away) return {};
      return { outcome: "busy", reason: "busy", detail: unreadable(look.why) };
    } catch (error) {
      if (isLimit(error)) return {};
      throw error;
    }
  }

  /** Asks a peer to push the files that both hosts have and that are newer there. An older csync2rev refuses. */
  async renewFrom(turn: Turn): Promise<void> {
    await this.#conversations.untilSettled(turn, "renew");
  }

  async #preview(turn: Turn): Promise<PeerResult> {
    const unready = await this.#whyNotReady(turn, "preview");
    if (unready !== null) return turn.notReady(unready);
    const previewed = turn.result(await this.#conversations.untilSettled(turn, "preview"));
    if (previewed.exit === null || previewed.reason === "tree-gone") return previewed;
    const look = await this.look(turn);
    if (look.kind === "gone") return turn.failed(treeGone(look, this.#host));
    if (previewed.outcome !== "caught-up" || look.kind !== "empty") return previewed;
    return { ...previewed, ...(await differencesFrom(this.#host, turn.route, this.#asking.limits)).result };
  }

  async #catchUpFrom(turn: Turn): Promise<PeerResult> {
    const checked = turn.result(await this.#conversations.untilSettled(turn, "check"));
    if (checked.exit === null || checked.reason === "tree-gone") return checked;
    const found = { pending: checked.pending, files: checked.files };
    const look = await this.look(turn);
    if (look.kind === "gone") return { ...turn.failed(treeGone(look, this.#host)), ...found };
    if (look.kind === "unreadable") return { ...turn.notReady(unreadable(look.why)), ...found };
    const reconcile = this.#options.reconcile || look.kind === "empty";
    if (checked.outcome === "caught-up" && !reconcile) return checked;
    const unready = await this.#whyNotReady(turn, reconcile ? "reconcile" : "update");
    if (unready !== null) return { ...turn.notReady(unready), ...found };
    const inVain = await this.#explainer.whyInVain(turn, found, reconcile);
    if (inVain !== null) return { ...checked, ...inVain };
    const unsent = reconcile ? await this.#prepareReconcile(turn) : null;
    const verb = unsent?.count === 0 ? "reconcile" : "update";
    const pushed = await this.#push(turn, verb);
    if (unsent !== null && unsent.count > 0 && ["caught-up", "pending"].includes(pushed.outcome))
      return { ...pushed, ...notReconciled(unsent, pushed) };
    const known = pushed.pending === null ? { ...pushed, ...found } : pushed;
    const explained = await this.#explainer.explain(turn, known);
    const isShared = explained.reason === "conflict" && this.#hasSeveralPeers;
    const result = isShared ? await this.#afterOthers(turn, explained) : explained;
    if (checked.exit === 0 || result.outcome !== "caught-up") return result;
    const detail = `its check failed: ${checked.detail ?? "no reason given"}`;
    return { ...result, outcome: "failed", exit: checked.exit, detail };
  }

  /**
   * Asks once more after a conflict: while another peer pushed the same file or directory to this host, its csync2 and the peer's may have
   * taken what was half there for a change of their own. Equal versions are no conflict.
   */
  async #afterOthers(turn: Turn, before: PeerResult): Promise<PeerResult> {
    await pause(backoffAfter(1), this.#asking.limits);
    if (reachedLimit(this.#asking.limits) !== null) return before;
    const result = await this.#push(turn, "update");
    if (result.pending === null) return before;
    return await this.#explainer.explain(turn, withEarlier(before, result));
  }

  /** Waits until this host's own csync2 accepts files: it may still be starting. Returns null then, else the reason. */
  async #whyNotReady(turn: Turn, verb: Verb): Promise<string | null> {
    this.#watcher.stage(turn.peer, verb, { at: "waiting", on: "lock", detail: "csync2 on this host" });
    const unready = await (this.#notReady ??= whyNotReady(
      this.#host,
      this.#routes,
      this.#host.settings.others.readyTimeout,
      this.#asking.limits,
    ));
    // The next peer tries again.
    if (unready !== null) this.#notReady = undefined;
    return unready;
  }

  /** Asks the peer to push, and to push again what became dirty meanwhile: its cron may check, or a program may change files. */
  async #push(turn: Turn, verb: "update" | "reconcile"): Promise<PeerResult> {
    const { limits } = this.#asking;
    let answer = await this.#conversations.untilSettled(turn, verb);
    let result = turn.result(answer);
    const isWorthMore = (): boolean =>
      hasNewlyDirty(answer) || (verb === "update" && wasSettledMeanwhile(answer));
    for (let more = 1; more <= MORE_PUSHES && isWorthMore(); more++) {
      if (this.#explainer.sees(turn, result.files)) break;
      await pause(backoffAfter(more), limits);
      if (reachedLimit(limits) !== null) break;
      const again = await this.#conversations.untilSettled(turn, "update");
      if (again.kind !== "done") break;
      answer = again;
      result = withEarlier(result, turn.result(answer));
    }
    return result;
  }

  /**
   * Brings this host's database up to date: from it a peer sees which of its own files are newer.
   * @returns the deletions that the peer does not know of yet: a reconcile would undo them. Throws `system`.
   */
  async #prepareReconcile(turn: Turn): Promise<Counter> {
    this.#watcher.stage(turn.peer, null, { at: "running", idle: 0, line: null });
    return await unless(
      ["deadline", "interrupt"],
      this.#asking.limits,
      (this.#checkedHere ??= this.#checkHere()).then(() => this.#unsent.of(turn.route)),
    );
  }

  /** Checks this host, but not while a peer pushes: csync2 would record a half-written file as this host's own change. */
  async #checkHere(): Promise<void> {
    const claim = await this.#conversations.pushes.claim();
    claim.prove();
    try {
      await checkHere(this.#site, (await this.look()).kind === "empty");
    } finally {
      claim.end();
    }
  }
}

/** Whether the deadline or Ctrl-C has ended what this host itself was doing for a peer. */
function isLimit(error: unknown): error is Csync2revError {
  return error instanceof Csync2revError && error.code === "gone";
}

function unreadable(why: string): string {
  return `csync2 on this host cannot read its database: ${why}: peers could not push; repair it, and run again`;
}
