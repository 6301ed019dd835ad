import type { ThisHost } from "../host.ts";
import { attempt, repeat, type Busy, type Ended, type Insisted, type InsistWatcher } from "./insist.ts";
import { Merge, OutOfOrder, type Difference, type Side } from "./merge.ts";
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
 * Compares the databases of this host and a peer, record by record, and tells of each file on which they disagree. It holds no more
 * than a stated number of records, however many there are. Changes nothing.
 * @param begin called ahead of each attempt; what it returns is told of that attempt's differences
 */
export async function compareWith(
  host: ThisHost,
  scope: Scope,
  watcher: InsistWatcher,
  begin: () => (difference: Difference) => void,
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

/** One comparison: `csync2 -vv -T` tells what the peer has recorded, and beside it `csync2 -S` what this host has. */
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
  constructor(ordered: boolean, onDifference: (difference: Difference) => void) {
    this.#merge = new Merge(ordered, onDifference);
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
          // Its rows are in the order of encoded names and compare decoded ones: they are not relied on, and nobody wants them.
          stdout: () => undefined,
          started: (flow) => {
            this.#flows.there = flow;
          },
          stderr: (line) => {
            // Not before the lock is free.
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
      // What failed here ended the other one.
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

  /** This host's own list. It throws nothing. */
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
        // The peer's list may be longer, and wait.
        this.#pace();
      } else this.#stop.abort();
      return end;
    } catch (error) {
      this.#outOfOrder = error;
      this.#stop.abort();
      return { kind: "busy", holder: "" };
    }
  }

  /** Has the csync2 that is ahead wait for the other. */
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
