import { createReadStream, fstatSync } from "node:fs";
import { Socket, type ConnectOpts, type SocketConstructorOpts } from "node:net";
import type { Writable } from "node:stream";
import { Csync2revError } from "../errors.ts";
import { FRAME_HEADER, REQUEST_BODY_LIMIT, takeFrame } from "../wire/frame.ts";
import { isSameFile } from "./guard.ts";

/** How many bytes may wait for a requester that does not read, before what is not essential is left out. */
const BACKLOG_LIMIT = 1 << 20;
/** How long the last frames may take to leave, in milliseconds: as long as a requester waits for a word. */
const LINGER = 60_000;
/** What is read before authentication, in bytes, and not one more. */
const INPUT_LIMIT = FRAME_HEADER + REQUEST_BODY_LIMIT;

/** The connection that inetd made fds 0 and 1, be it a socket, pipes or files. */
export class Connection {
  readonly #received: Promise<Uint8Array>;
  readonly #output: Writable;
  /** Where the requester is, as plainAddress() has it; null where fd 0 is no socket. */
  readonly address: string | null;
  #gone = false;

  constructor() {
    const input = openInput();
    this.#received = input.frame;
    const address = input.socket?.remoteAddress;
    this.address = address === undefined ? null : plainAddress(address);
    this.#output = input.socket !== null && isSameFile(0, 1) ? input.socket : process.stdout;
    this.#output.on("error", () => {
      this.#gone = true;
    });
  }

  /**
   * The body of the one frame that the requester sends.
   * @param deadline milliseconds from now. Throws `frame` where it passes, the input ends, or the frame is none.
   */
  async request(deadline: number): Promise<Uint8Array> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new Csync2revError("frame", "no whole request within request-timeout"));
      }, deadline);
    });
    try {
      return await Promise.race([this.#received, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Puts bytes on the wire; lost in silence once the requester has gone. */
  send(bytes: Uint8Array): void {
    if (!this.#gone) this.#output.write(bytes);
  }

  /** Whether so much waits to be read that what is not essential had better be left out. */
  get congested(): boolean {
    return this.#output.writableLength > BACKLOG_LIMIT;
  }

  /** Whether the requester is known to have gone: a write has failed. */
  get gone(): boolean {
    return this.#gone;
  }

  /** Resolves once everything that was sent has left, or cannot. */
  async end(): Promise<void> {
    if (this.#gone) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, LINGER);
      this.#output.once("error", resolve);
      this.#output.write("", () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}

/** Starts to read the one frame; never takes a byte more from the kernel than the longest frame has. */
function openInput(): { frame: Promise<Uint8Array>; socket: Socket | null } {
  let received: Uint8Array = new Uint8Array(0);
  let settle: { resolve: (body: Uint8Array) => void; reject: (error: unknown) => void };
  const frame = new Promise<Uint8Array>((resolve, reject) => {
    settle = { resolve, reject };
  });
  frame.catch(() => undefined);
  /** Whether more is wanted. */
  const got = (bytes: Uint8Array): boolean => {
    received = Buffer.concat([received, bytes]);
    try {
      const taken = takeFrame(received, REQUEST_BODY_LIMIT);
      if (taken === null) return true;
      settle.resolve(taken.body);
    } catch (error) {
      settle.reject(error);
    }
    return false;
  };
  const ended = (): void => {
    settle.reject(
      new Csync2revError("frame", `the input ended after ${received.length} bytes, before a whole request`),
    );
  };

  const stat = fstatSync(0);
  if (!stat.isSocket() && !stat.isFIFO()) {
    const file = createReadStream("", { fd: 0, autoClose: false, highWaterMark: INPUT_LIMIT });
    file.on("data", (bytes) => {
      if (!got(Buffer.from(bytes))) file.pause();
    });
    file.on("end", ended);
    file.on("error", ended);
    return { frame, socket: null };
  }
  const options: SocketConstructorOpts & ConnectOpts = {
    fd: 0,
    allowHalfOpen: true,
    onread: {
      buffer: () => Buffer.allocUnsafe(INPUT_LIMIT - received.length),
      callback: (length, buffer) => got(buffer.subarray(0, length)),
    },
  };
  const socket = new Socket(options);
  socket.on("end", ended);
  socket.on("error", ended);
  return { frame, socket };
}

/** An address without the IPv4-mapped prefix (RFC 4291, 2.5.5.2) and without the zone of a link-local address. */
export function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, "").replace(/%.*$/, "");
}
