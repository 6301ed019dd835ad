import { openChannel } from "#runtime";
import { canonicalAddress } from "../address.ts";
import { Csync2revError } from "../errors.ts";
import type { Channel, Reader } from "../runtime/channel.ts";
import { isCutOff } from "../sockets.ts";
import { FRAME_HEADER, REQUEST_BODY_LIMIT, takeFrame } from "../wire/frame.ts";

/** How many bytes may wait for a requester that does not read, before csync2's lines are left out. */
const BACKLOG_LIMIT = 1 << 20;
/** How long the last frames may take to leave, in milliseconds: as long as a requester waits in silence. */
const LINGER = 60_000;
/**
 * In a younger connection, the requester's host cannot have left bytes unconfirmed for long enough ({@link isCutOff}), in milliseconds. So
 * nobody looks: that costs the kernel some 7 ms.
 */
const LONG_AGO = 10_000;
/** How many bytes are read before authentication, and not one more. */
const INPUT_LIMIT = FRAME_HEADER + REQUEST_BODY_LIMIT;

/** The connection on fds 0 and 1, as inetd starts us: a socket, pipes or files. */
export class Connection {
  /** Not the start of the process: under load, seconds can pass before it can listen. */
  readonly #since = process.uptime() * 1000;
  readonly #input = new Input();
  readonly #channel: Channel = openChannel(this.#input);

  /** The requester's address, in the spelling of plainAddress(); null if fd 0 is not a socket. */
  get address(): string | null {
    const { remoteAddress } = this.#channel;
    return remoteAddress === undefined ? null : plainAddress(remoteAddress);
  }

  /**
   * The body of the one frame that the requester sends.
   * @param patience milliseconds from when this connection was taken over. Bytes that have arrived by then are still read.
   * Throws `frame` if the time passes, if the input ends, or if it is not a frame.
   */
  async request(patience: number): Promise<Uint8Array> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const giveUp = (): void => {
        reject(new Csync2revError("frame", "no whole request within request-timeout"));
      };
      timer = setTimeout(() => setImmediate(giveUp), patience - this.#age);
    });
    try {
      return await Promise.race([this.#input.frame, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** In milliseconds. */
  get #age(): number {
    return process.uptime() * 1000 - this.#since;
  }

  /** Sends bytes. If the requester has gone, they are lost without an error. */
  send(bytes: Uint8Array): void {
    this.#channel.write(bytes);
  }

  /** Whether so many bytes wait to be read that csync2's lines should be left out. */
  get congested(): boolean {
    return this.#channel.backlog > BACKLOG_LIMIT;
  }

  /** Whether the requester is known to have gone: a write has failed, or its host confirms nothing any more. */
  get gone(): boolean {
    return this.#channel.gone || (this.#age > LONG_AGO && isCutOff(0));
  }

  /** Resolves when everything that was sent has left, or cannot leave. */
  async end(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, LINGER);
    });
    await Promise.race([this.#channel.flush(), late]);
    clearTimeout(timer);
  }
}

/** Receives the one frame, and never a byte more than the longest frame has. */
class Input implements Reader {
  /** The frame's body; rejected with `frame` if the input ends, or if it is not a frame. */
  readonly frame: Promise<Uint8Array>;
  #received: Uint8Array = new Uint8Array(0);
  #settled = false;
  #resolve: (body: Uint8Array) => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;

  constructor() {
    this.frame = new Promise<Uint8Array>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.frame.catch(() => undefined);
  }

  get room(): number {
    return this.#settled ? 0 : INPUT_LIMIT - this.#received.length;
  }

  received(bytes: Uint8Array): void {
    this.#received = Buffer.concat([this.#received, bytes]);
    try {
      const taken = takeFrame(this.#received, REQUEST_BODY_LIMIT);
      if (taken === null) return;
      this.#resolve(taken.body);
    } catch (error) {
      this.#reject(error);
    }
    this.#settled = true;
  }

  ended(): void {
    const length = this.#received.length;
    this.#reject(
      new Csync2revError("frame", `the input ended after ${length} bytes, before a whole request`),
    );
  }
}

/** An address in one spelling, and without the zone of a link-local address. */
export function plainAddress(address: string): string {
  return canonicalAddress(address).replace(/%.*$/, "");
}
