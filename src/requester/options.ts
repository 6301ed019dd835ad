import type { ThisHost } from "../host.ts";
import { sourcesOf, type Sources } from "./addresses.ts";
import { limitsOf, type Limits } from "./limits.ts";
import { Receiving } from "./receiving.ts";

/** Settings of csync2rev.ini that the command line may change, for every mode that asks peers; undefined: csync2rev.ini decides. */
export interface AskOverrides {
  readonly port: number | undefined;
  readonly jobs: number | undefined;
  /** In seconds. */
  readonly connectTimeout: number | undefined;
  /** In seconds. */
  readonly deadline: number | undefined;
}

/** What all conversations of one run share. */
export interface AskOptions {
  readonly config: string;
  readonly port: number;
  /** How long a peer may take to accept the connection and greet, in seconds. */
  readonly connectTimeout: number;
  /** How many conversations there may be at the same time. */
  readonly jobs: number;
  /** The addresses to connect from, for each of this host's peernames. Peers check them. */
  readonly sources: Sources;
  /** Whether csync2's lines are wanted. */
  readonly output: boolean;
  readonly limits: Limits;
  /** When the deadline passes, in milliseconds, on the clock of `performance`. */
  readonly deadlineAt: number;
  /** What arrives on this host, for pushes. */
  readonly receiving: Receiving;
}

/**
 * Combines settings and command line. The deadline counts from this call.
 * @param ownPeernames the names under which this host asks
 * @param interrupt ends everything at once
 */
export async function askOptions(
  host: ThisHost,
  overrides: AskOverrides,
  ownPeernames: readonly string[],
  output: boolean,
  interrupt: AbortSignal,
): Promise<AskOptions> {
  const { others, port } = host.settings;
  const deadline = overrides.deadline ?? others.deadline;
  const limits = limitsOf(deadline, interrupt);
  return {
    config: host.config,
    port: overrides.port ?? port,
    connectTimeout: overrides.connectTimeout ?? others.connectTimeout,
    jobs: overrides.jobs ?? others.jobs,
    sources: await sourcesOf(ownPeernames, limits),
    output,
    limits,
    deadlineAt: performance.now() + deadline * 1000,
    receiving: new Receiving(),
  };
}
