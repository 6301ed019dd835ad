import type { ThisHost } from "../host.ts";
import { attempt, repeat, type Busy, type Ended, type Insisted, type InsistWatcher } from "./insist.ts";
import { Merge, OutOfOrder, type Listener, type Side } from "./merge.ts";
import { RecordReader, TupleReader } from "./rows.ts";
import { readCsync2, runCsync2, type Flow, type RunOptions } from "./run.ts";
import { compare, listFilesOf, type Scope } from "./verbs.ts";

/** How a comparison went. */
export interface ComparedEnd extends Ended {
  /** The peer's certificate as csync2 has checked it, in hexadecimal digits; null without TLS. */
  readonly certificate: string | null;
}
export type Compared = ComparedEnd | Busy;

/**
 * Compares the databases of this host and a peer, record by record, and reports each file that differs. However many records there are, it
 * holds no more than a fixed number of them. Changes nothing.
 * @param begin called before each attempt; what it returns is told what that attempt finds
 */
export async function compareWith(
  host: ThisHost,
  scope: Scope,
  watcher: InsistWatcher,
  begin: () => Listener,
  options: RunOptions = {},
): Promise<Compared> {
  return await repeat(host, watcher, async () => {
    try {
      return await new Comparison(true, begin()).run(host, scope, watcher, options);
    } catch (error) {
      if (!(error instanceof OutOfOrder)) throw error;
      return await new Comparison(false, begin()).run(host, scope, watcher, options);
    }
  });
}

/** One comparison: `csync2 -vv -T` lists the peer's records, and at the same time `csync2 -S` lists this host's. */
class Comparison {
  readonly #merge: Merge;
  readonly #flows: Partial<Record<Side, Flow>> = {};
  #paused: Side | null = null;
  /** Ends both csync2s. */
  readonly #stop = new AbortController();
  readonly #tuples = new TupleReader((row) => {
    this.#merge.take("there", row);
  });
  readonly #records = new RecordReader((row) => {
    this.#merge.take("here", row);
  });
  #local: Promise<Insisted> | undefined;
  #outOfOrder: unknown;

  /** @param ordered whether to rely on the order of the lists */
  constructor(ordered: boolean, listener: Listener) {
    this.#merge = new Merge(ordered, listener);
  }

  /** Throws OutOfOrder. */
  async run(host: ThisHost, scope: Scope, watcher: InsistWatcher, { stop }: RunOptions): Promise<Compared> {
    const abort = (): void => {
      this.#stop.abort();
    };
    if (stop?.aborted === true) abort();
    stop?.addEventListener("abort", abort);
    const { signal } = this.#stop;
    try {
      const peers = await attempt(
        host,
        compare(scope),
        {
          ...watcher,
          // Its own rows are not used: it sorts encoded names, but compares decoded ones.
          stdout: () => undefined,
          started: (flow) => {
            this.#flows.there = flow;
          },
          stderr: (line) => {
            // Not earlier: csync2 prints its first line when it has the lock.
            this.#local ??= this.#list(host, scope);
            this.#tuples.line(line);
            this.#pace();
          },
        },
        (...start) => runCsync2(...start, { stop: signal }),
      );
      if (peers.kind === "busy") return peers;
      if (peers.exit !== 0) abort();
      else {
        this.#tuples.end();
        this.#merge.end("there");
        this.#pace();
      }
      const own = await this.#local;
      // eslint-disable-next-line @typescript-eslint/only-throw-error -- it is what the reader threw
      if (this.#outOfOrder !== undefined) throw this.#outOfOrder;
      // If this host's list failed, that ended the other csync2.
      const failed =
        own?.kind === "ended" && own.exit !== 0 && !(peers.exit !== 0 && peers.exit <= 128) ? own : peers;
      return { ...failed, certificate: this.#tuples.certificate };
    } catch (error) {
      abort();
      await this.#local;
      throw error;
    } finally {
      stop?.removeEventListener("abort", abort);
    }
  }

  /** Reads this host's own list. Throws nothing. */
  async #list(host: ThisHost, scope: Scope): Promise<Insisted> {
    try {
      const end = await attempt(
        host,
        listFilesOf(scope),
        {
          started: (flow) => {
            this.#flows.here = flow;
            this.#pace();
          },
          stdout: (line) => {
            this.#records.line(line);
            this.#pace();
          },
        },
        (...start) => readCsync2(...start, { stop: this.#stop.signal }),
      );
      if (end.kind === "ended" && end.exit === 0) {
        this.#records.end();
        this.#merge.end("here");
        // The peer's list may be longer, and may be paused.
        this.#pace();
      } else this.#stop.abort();
      return end;
    } catch (error) {
      this.#outOfOrder = error;
      this.#stop.abort();
      return { kind: "busy", holder: "" };
    }
  }

  /** Makes the csync2 that is ahead wait for the other one. */
  #pace(): void {
    const { ahead } = this.#merge;
    if (ahead === this.#paused) return;
    if (this.#paused !== null) this.#flows[this.#paused]?.resume();
    this.#paused = null;
    if (ahead === null || this.#flows[ahead] === undefined) return;
    this.#flows[ahead].pause();
    this.#paused = ahead;
  }
}
