import { encodeFrame } from "../wire/frame.ts";
import { encodeReply, type Reply } from "../wire/messages.ts";
import type { Connection } from "./connection.ts";

/** How long the wire may be silent after `accepted`, in milliseconds. */
const ALIVE_EVERY = 15_000;

/** The handler's half of a session that has been authenticated: seals and sends replies, and `alive` in every silence. */
export class Replies {
  readonly #connection: Connection;
  readonly #seal: (text: Uint8Array) => Uint8Array;
  #silence: NodeJS.Timeout | undefined;
  #dropped = 0;

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
    this.#put(reply);
    clearInterval(this.#silence);
    if (reply.type === "done" || reply.type === "refused") return;
    this.#silence = setInterval(() => {
      this.#put({ type: "alive" });
    }, ALIVE_EVERY);
  }

  #put(reply: Reply): void {
    this.#connection.send(encodeFrame(this.#seal(encodeReply(reply))));
  }
}
