// The connection on fds 0 and 1 with Bun.
import { read, write } from "node:fs";
import type { BunSocket } from "./bun-api.d.ts";
import type { Channel, Reader } from "./channel.ts";
import { isSameFile, statOf } from "./descriptors.ts";

/** How long to wait if fd 0 does not block and has nothing, in milliseconds. (inetd, xinetd and systemd pass one that blocks.) */
const NOTHING_YET = 10;

/** Opens the connection on fds 0 and 1, and starts to read. */
export function openChannel(reader: Reader): Channel {
  readOn(reader);
  return new BunChannel();
}

/**
 * Bun's net.Socket never reads from fd 0, and Bun.connect() reads 512 kB at once. So one read(2) at a time waits in a thread. The descriptor
 * becomes a socket of the event loop, and so non-blocking, only when there is something to send.
 */
function readOn(reader: Reader): void {
  const { room } = reader;
  if (room === 0) return;
  read(0, Buffer.allocUnsafe(room), 0, room, null, (error, length, buffer) => {
    if (error?.code === "EAGAIN") setTimeout(readOn, NOTHING_YET, reader);
    else if (error !== null || length === 0) reader.ended();
    else {
      reader.received(buffer.subarray(0, length));
      readOn(reader);
    }
  });
}

/** Opens its socket only when there is something to send, or when somebody asks. Until then, fd 0 stays as it is. */
class BunChannel implements Channel {
  #opened: Opened | undefined;

  get remoteAddress(): string | undefined {
    return this.#open().remoteAddress;
  }

  get backlog(): number {
    return this.#opened?.output.backlog ?? 0;
  }

  get gone(): boolean {
    return this.#opened?.output.gone ?? false;
  }

  write(bytes: Uint8Array): void {
    this.#open().output.write(bytes);
  }

  async flush(): Promise<void> {
    await this.#opened?.output.flush();
  }

  #open(): Opened {
    return (this.#opened ??= openOutput());
  }
}

interface Opened {
  readonly output: Output;
  readonly remoteAddress: string | undefined;
}

function openOutput(): Opened {
  const socket = statOf(0)?.isSocket() === true ? new SocketOutput() : null;
  return {
    output: socket !== null && isSameFile(0, 1) ? socket : new FileOutput(),
    remoteAddress: socket?.remoteAddress,
  };
}

/** Sends bytes in their order. */
abstract class Output {
  #waiting: Uint8Array[] = [];
  #backlog = 0;
  #gone = false;
  #busy = false;
  #onIdle: (() => void)[] = [];

  get backlog(): number {
    return this.#backlog;
  }

  get gone(): boolean {
    return this.#gone;
  }

  write(bytes: Uint8Array): void {
    if (this.#gone || bytes.length === 0) return;
    this.#waiting.push(bytes);
    this.#backlog += bytes.length;
    if (!this.#busy) this.next();
  }

  async flush(): Promise<void> {
    if (this.#busy) await new Promise<void>((resolve) => this.#onIdle.push(resolve));
  }

  /** Sends these bytes, or the first of them, and calls took() or lost(), now or later. */
  protected abstract send(bytes: Uint8Array): void;

  /** To be called when this many of the bytes given to send() have left. */
  protected took(count: number): void {
    const rest = this.#waiting[0]?.subarray(count);
    if (rest === undefined || rest.length === 0) this.#waiting.shift();
    else this.#waiting[0] = rest;
    this.#backlog -= count;
  }

  protected lost(): void {
    this.#gone = true;
    this.#waiting = [];
    this.#backlog = 0;
    this.next();
  }

  /** To be called when the next bytes can be sent. */
  protected next(): void {
    this.#busy = this.#waiting.length > 0;
    if (this.#busy) {
      this.#waiting = [Buffer.concat(this.#waiting)];
      this.send(this.#waiting[0] ?? Buffer.alloc(0));
    } else for (const resolve of this.#onIdle.splice(0)) resolve();
  }
}

/** fd 0 as a socket of the event loop. */
class SocketOutput extends Output {
  #socket: BunSocket | undefined;

  constructor() {
    super();
    const lost = (): void => {
      if (!this.gone) this.lost();
    };
    // open() is called before this returns.
    void Bun.connect({
      fd: 0,
      allowHalfOpen: true,
      socket: {
        open: (socket) => {
          this.#socket = socket;
          // The request has been read already. Nothing more is read.
          socket.pause();
        },
        data: () => undefined,
        drain: () => {
          this.next();
        },
        error: lost,
        close: lost,
      },
    }).catch(lost);
  }

  get remoteAddress(): string | undefined {
    return this.#socket?.remoteAddress;
  }

  protected send(bytes: Uint8Array): void {
    const count = this.#socket?.write(bytes) ?? -1;
    if (count < 0) {
      this.lost();
      return;
    }
    this.took(count);
    if (count === bytes.length) this.next();
  }
}

/** fd 1 as a pipe or a file. A thread writes to it. */
class FileOutput extends Output {
  protected send(bytes: Uint8Array): void {
    write(1, bytes, (error, count) => {
      if (error?.code === "EAGAIN")
        setTimeout(() => {
          this.next();
        }, NOTHING_YET);
      else if (error !== null) this.lost();
      else {
        this.took(count);
        this.next();
      }
    });
  }
}
