import { randomBytes } from "node:crypto";
import { Socket } from "node:net";
import { backoffAfter } from "../backoff.ts";
import { VERBS, type Verb } from "../csync2/verbs.ts";
import { Csync2revError } from "../errors.ts";
import { encodeFrame, NONCE_LENGTH, REPLY_BODY_LIMIT, takeFrame } from "../wire/frame.ts";
import {
  decodeGreeting,
  decodeReply,
  encodeRequest,
  encodeSealedRequest,
  type Done,
  type RefusalReason,
} from "../wire/messages.ts";
import { replyOpener, sealRequest } from "../wire/seal.ts";
import { lookUp, sourceFor } from "./addresses.ts";
import { causeOf, open, reasonOf, type Failure, type UnreachableReason } from "./connect.ts";
import { LIMIT_WORDS, onLimit, pause, reachedLimit } from "./limits.ts";
import type { AskOptions } from "./options.ts";
import type { Route } from "./plan.ts";
import type { Served } from "./scope.ts";

/** How long a peer that has been asked may be silent, in milliseconds: four times the pause between its signs of life. */
const SILENCE = 60_000;

/** After the deadline, a push may go on until no byte has arrived on this host for this long, in milliseconds. */
const ARRIVES_WITHIN = 10_000;

/** How one conversation ended. */
export type Answer =
  /** `served`: which groups the request covered; null if the peer has 1.0.0, which does not say. */
  | { readonly kind: "done"; readonly done: Done; readonly served: Served | null }
  | {
      readonly kind: "refused";
      readonly reason: RefusalReason;
      readonly detail: string;
      /** Whether another group with this key may still be served: a peer of 1.0.0 only looks at the group that is named. */
      readonly ofOneGroup: boolean;
    }
  /** No authenticated reply: the keys differ, or it is not a csync2rev. */
  | { readonly kind: "unanswered"; readonly detail: string }
  | { readonly kind: "unreachable"; readonly reason: UnreachableReason | null; readonly detail: string }
  /** The peer accepted the request, and the connection ended before the peer said how it went. */
  | { readonly kind: "lost"; readonly detail: string };

/** How far a conversation is. */
export type Stage =
  /** Others are asked first. */
  | { readonly at: "queued" }
  | { readonly at: "connecting" }
  | { readonly at: "asked" }
  | { readonly at: "waiting"; readonly on: "lock" | "retry"; readonly detail: string }
  /** The try ended with this answer; the next one follows in so many seconds. */
  | { readonly at: "paused"; readonly answer: Answer; readonly seconds: number }
  /**
   * As far as is known, csync2 runs on the peer. `idle`: for how many seconds it has shown no sign of life; null if the peer has only said
   * so far that it accepts.
   */
  | { readonly at: "running"; readonly idle: number | null; readonly line: string | null };

/** Asks one peer for one verb, and listens until the conversation ends. Throws nothing: if something goes wrong, that is the answer. */
export async function ask(
  verb: Verb,
  route: Route,
  options: AskOptions,
  watch: (stage: Stage) => void,
): Promise<Answer> {
  watch({ at: "connecting" });
  const { peername } = route.peer;
  let addresses: string[];
  try {
    addresses = await lookUp(peername, options.limits);
  } catch (error) {
    const detail = `"${peername}" does not resolve here: ${causeOf(error)}`;
    return { kind: "unreachable", reason: reasonOf(error), detail };
  }
  const failures: Failure[] = [];
  for (const address of addresses) {
    const own = options.sources.get(route.group.me.peername) ?? [];
    const source = await sourceFor(own, address);
    const greetedBy = performance.now() + options.connectTimeout * 1000;
    const socket = await open(address, source, options);
    if (socket instanceof Socket)
      return await new Conversation(verb, route, options, watch).hold(socket, greetedBy);
    failures.push({ ...socket, why: `${address} port ${options.port}: ${socket.why}` });
  }
  const [{ reason } = { reason: null }] = failures;
  return { kind: "unreachable", reason, detail: failures.map(({ why }) => why).join("; ") };
}

/** As {@link ask}, and once more if the peer is silent: a handler on a slow or flooded host can lose a valid request. */
export async function askTwice(...[verb, route, options, watch]: Parameters<typeof ask>): Promise<Answer> {
  const answer = await ask(verb, route, options, watch);
  if (answer.kind !== "unanswered") return answer;
  await pause(backoffAfter(1), options.limits);
  const again = await ask(verb, route, options, watch);
  return reachedLimit(options.limits) === null ? again : answer;
}

/** One conversation over a connection that stands. */
class Conversation {
  readonly #verb: Verb;
  readonly #route: Route;
  readonly #options: AskOptions;
  readonly #watch: (stage: Stage) => void;
  #stage: Stage = { at: "connecting" };
  /** Whether the peer has shown that it holds the key, and has accepted the request. */
  #accepted = false;
  #served: Served | null = null;
  #open: ((box: Uint8Array) => Uint8Array | null) | undefined;

  constructor(verb: Verb, route: Route, options: AskOptions, watch: (stage: Stage) => void) {
    this.#verb = verb;
    this.#route = route;
    this.#options = options;
    this.#watch = watch;
  }

  /** @param greetedBy by when the whole greeting must be here, on the clock of `performance` */
  async hold(socket: Socket, greetedBy: number): Promise<Answer> {
    const { connectTimeout, limits } = this.#options;
    const giveUp = (why: string): void => {
      socket.destroy(new Csync2revError("gone", why));
    };
    let arriving: NodeJS.Timeout | undefined;
    const stop = onLimit(limits, (limit) => {
      const end = (): void => {
        giveUp(LIMIT_WORDS[limit]);
      };
      if (limit === "interrupt" || !this.#arrives()) end();
      else
        arriving = setInterval(() => {
          if (!this.#arrives()) end();
        }, 500);
    });
    const greeting = setTimeout(() => {
      giveUp(`no greeting within ${connectTimeout} s`);
    }, greetedBy - performance.now());
    let proof: NodeJS.Timeout | undefined;
    const missing = `no word for ${SILENCE / 1000} s`;
    socket.setTimeout(0);
    socket.on("timeout", () => {
      giveUp(missing);
    });
    try {
      for await (const body of frames(socket)) {
        if (this.#open === undefined) {
          clearTimeout(greeting);
          socket.write(this.#request(decodeGreeting(body)));
          proof = setTimeout(giveUp, SILENCE, missing);
          this.#enter({ at: "asked" });
          continue;
        }
        clearTimeout(proof);
        socket.setTimeout(SILENCE);
        const answer = this.#hear(body, this.#open);
        if (answer !== null) return answer;
      }
      return this.#ended(null);
    } catch (error) {
      return this.#ended(error);
    } finally {
      stop();
      clearTimeout(greeting);
      clearTimeout(proof);
      clearInterval(arriving);
      socket.destroy();
    }
  }

  #request(challenge: Uint8Array): Uint8Array {
    const { group, peer } = this.#route;
    const session = { challenge, nonce: randomBytes(NONCE_LENGTH), config: this.#options.config };
    const text = encodeRequest({
      verb: this.#verb,
      group: group.name,
      from: group.me.peername,
      to: peer.peername,
      output: this.#options.output,
    });
    this.#open = replyOpener(group.key, session);
    const box = sealRequest(group.key, session, text);
    return encodeFrame(encodeSealedRequest({ ...session, box }));
  }

  /** Reads one reply. Returns the answer if it is the last reply, otherwise null. */
  #hear(box: Uint8Array, open: (box: Uint8Array) => Uint8Array | null): Answer | null {
    const text = open(box);
    if (text === null)
      throw new Csync2revError("unauthenticated", "a reply that the group's key does not open");
    const reply = decodeReply(text);
    if (reply.type === "refused") {
      const { reason, detail, groups } = reply;
      return { kind: "refused", reason, detail, ofOneGroup: groups === undefined };
    }
    if (reply.type === "accepted") {
      this.#accepted = true;
      const { groups = null, refused } = reply;
      if (groups !== null || refused !== undefined) this.#served = { groups, refused: refused ?? [] };
      this.#enter({ at: "running", idle: null, line: null });
      return null;
    }
    if (!this.#accepted) throw new Csync2revError("message", `"${reply.type}" before "accepted"`);
    if (reply.type === "done") return { kind: "done", done: reply, served: this.#served };
    if (reply.type === "waiting") this.#enter({ at: "waiting", on: reply.on, detail: reply.detail });
    else if (reply.type === "output") this.#enter({ at: "running", idle: 0, line: reply.line });
    else this.#enter({ at: "running", idle: reply.idle, line: null });
    return null;
  }

  /** The answer if the conversation ended before `done`. `error`: null if the peer closed it, otherwise what happened. */
  #ended(error: unknown): Answer {
    const { deadline } = this.#options.limits;
    const nonsense = error instanceof Csync2revError && error.code !== "gone";
    const why = error === null ? "it closed the connection" : causeOf(error);
    if (this.#accepted) {
      if (!deadline.aborted || nonsense || error === null)
        return { kind: "lost", detail: `${why} before it said how it went` };
      const doing = this.#stage.at === "waiting" ? this.#stage.detail : `its ${this.#verb} was still running`;
      return { kind: "refused", reason: "busy", detail: `${doing} at the deadline`, ofOneGroup: false };
    }
    if (this.#stage.at === "connecting") {
      if (nonsense)
        return {
          kind: "unanswered",
          detail: `what listens on port ${this.#options.port} is not csync2rev: ${why}`,
        };
      const reason = reachedLimit(this.#options.limits) === null ? "no-greeting" : null;
      return { kind: "unreachable", reason, detail: `connected, but ${why}` };
    }
    if (nonsense) return { kind: "unanswered", detail: why };
    if (error !== null)
      return { kind: "unreachable", reason: null, detail: `connected, but no answer: ${why}` };
    const { name } = this.#route.group;
    const { config } = this.#options;
    return {
      kind: "unanswered",
      detail: `no answer: ${config === "" ? "" : `it has no csync2_${config}.cfg, or `}its key for group ${name} differs, or it is not in that group; its log says which of them`,
    };
  }

  #enter(stage: Stage): void {
    this.#stage = stage;
    this.#watch(stage);
  }

  /** Whether the peer pushes, and something arrives on this host. */
  #arrives(): boolean {
    const pushes = this.#stage.at === "running" && VERBS[this.#verb].pushes;
    return pushes && this.#options.receiving.idle() < ARRIVES_WITHIN;
  }
}

/** The bodies of the frames that arrive. Throws `frame` if one is cut short or has a bad length, otherwise what the socket throws. */
async function* frames(socket: Socket): AsyncGenerator<Uint8Array> {
  let held: Uint8Array = new Uint8Array(0);
  for await (const chunk of socket) {
    held = Buffer.concat([held, chunk as Buffer]);
    for (
      let taken = takeFrame(held, REPLY_BODY_LIMIT);
      taken !== null;
      taken = takeFrame(held, REPLY_BODY_LIMIT)
    ) {
      yield taken.body;
      held = taken.rest;
    }
  }
  if (held.length > 0) throw new Csync2revError("frame", "its last frame was cut short");
}
