import { encodeFrame } from "../wire/frame.ts";
import { encodeReply, type Reply } from "../wire/messages.ts";
import type { Connection } from "./connection.ts";

/** How long the wire may be silent after `accepted`, in milliseconds. */
const ALIVE_EVERY = 15_000;

/** How often the requester hears that csync2 makes no progress, in seconds. If that cannot be sent, the requester has gone. */
const PROBE_EVERY = 5;

const ALIVE: Reply = { type: "alive", idle: 0 };

/**
 * The handler's side of an authenticated session: seals and sends replies. In every silence it sends a sign of life: `alive`, or what
 * the request waits for.
 */
export class Replies {
  readonly #connection: Connection;
  readonly #seal: (text: Uint8Array) => Uint8Array;
  #silence: NodeJS.Timeout | undefined;
  #signOfLife: Reply = ALIVE;
  #dropped = 0;
  #saysItRuns = false;

  constructor(connection: Connection, seal: (text: Uint8Array) => Uint8Array) {
    this.#connection = connection;
    this.#seal = seal;
  }

  /** Sends one reply. csync2's lines are left out, and counted, while the requester does not read. */
  send(reply: Reply): void {
    if (reply.type === "output" && this.#connection.congested) {
      this.#dropped++;
      return;
    }
    if (this.#dropped > 0) {
      const line = `(${this.#dropped} lines left out: they came faster than they were read)`;
      this.#dropped = 0;
      this.#put({ type: "output", line });
    }
    this.#signOfLife = reply.type === "waiting" ? reply : ALIVE;
    this.#put(reply);
    clearInterval(this.#silence);
    if (reply.type === "done" || reply.type === "refused") return;
    this.#silence = setInterval(() => {
      this.#put(this.#signOfLife);
    }, ALIVE_EVERY);
  }

  /** Tells, once, that csync2 has been started: while it runs, the requester has time for work of its own. */
  started(): void {
    if (this.#saysItRuns) return;
    this.#saysItRuns = true;
    this.send(ALIVE);
  }

  /** Tells, with the next sign of life, for how many seconds csync2 has been idle; at once if it was being waited for, or stands still. */
  running(idle: number): void {
    const now = this.#signOfLife.type === "waiting" || (idle > 0 && idle % PROBE_EVERY === 0);
    this.#signOfLife = { type: "alive", idle };
    if (now) this.send(this.#signOfLife);
  }

  #put(reply: Reply): void {
    this.#connection.send(encodeFrame(this.#seal(encodeReply(reply))));
  }
}
