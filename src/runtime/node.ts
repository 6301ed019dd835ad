// For Node.js. bun.ts has the same exports; package.json's "imports" choose one of them.
import { lookup } from "node:dns/promises";
import { createReadStream, fstatSync } from "node:fs";
import { connect, Socket, type ConnectOpts, type SocketConstructorOpts } from "node:net";
import type { Writable } from "node:stream";
import type { Channel, Reader } from "./channel.ts";
import { NO_ANSWER } from "./channel.ts";
import { isSameFile } from "./descriptors.ts";

/** The file that this program was started from, by the name that was used. */
export function programFile(): string {
  return process.argv[1] ?? process.execPath;
}

/**
 * Keeps memory small while much is read, row by row; to be called after every few hundred kilobytes. V8 would let its space for
 * new objects grow, up to 48 MB. With this factor, that space keeps its size.
 */
export const keepHeapSmall: (read: number) => void = () => {
  // Loaded only then: a handler starts for every connection.
  void import("node:v8").then(({ setFlagsFromString }) => {
    setFlagsFromString("--semi-space-growth-factor=1");
  });
};

/** Every address that a name has, as getaddrinfo(3) gives them. Throws an error with a `code`. */
export async function addressesOf(name: string): Promise<readonly string[]> {
  return (await lookup(name, { all: true })).map(({ address }) => address);
}

/**
 * The errno's name of a connection that could not be made; undefined if the error has none. The rest is for Bun, whose errors do not
 * always tell.
 */
export const codeOf: (
  error: unknown,
  address: string,
  port: number,
  source: string | undefined,
  patience: number,
) => Promise<string | undefined> = (error) => Promise.resolve((error as NodeJS.ErrnoException).code);

/**
 * Connects to a port, sends nothing, and hangs up.
 * @param source the address to connect from; undefined: the kernel chooses
 * @param patience in milliseconds
 * @returns undefined if the connection was made, {@link NO_ANSWER}, or an errno's name
 */
export async function knock(
  address: string,
  port: number,
  source: string | undefined,
  patience: number,
): Promise<string | undefined> {
  return await new Promise((resolve) => {
    const from = source === undefined ? {} : { localAddress: source };
    const socket = connect({ host: address, port, ...from });
    const end = (why?: string): void => {
      socket.destroy();
      resolve(why);
    };
    socket.setTimeout(patience, () => {
      end(NO_ANSWER);
    });
    socket.on("connect", () => {
      end();
    });
    socket.on("error", ({ code, message }: NodeJS.ErrnoException) => {
      end(code ?? message);
    });
  });
}

/** Opens the connection on fds 0 and 1, and starts to read. */
export function openChannel(reader: Reader): Channel {
  const socket = openInput(reader);
  return new NodeChannel(
    socket?.remoteAddress,
    socket !== null && isSameFile(0, 1) ? socket : process.stdout,
  );
}

class NodeChannel implements Channel {
  readonly remoteAddress: string | undefined;
  readonly #output: Writable;
  #gone = false;

  constructor(remoteAddress: string | undefined, output: Writable) {
    this.remoteAddress = remoteAddress;
    this.#output = output;
    output.on("error", () => {
      this.#gone = true;
    });
  }

  get backlog(): number {
    return this.#output.writableLength;
  }

  get gone(): boolean {
    return this.#gone;
  }

  write(bytes: Uint8Array): void {
    if (!this.#gone) this.#output.write(bytes);
  }

  async flush(): Promise<void> {
    if (this.#gone) return;
    await new Promise<void>((resolve) => {
      this.#output.once("error", () => {
        resolve();
      });
      this.#output.write("", () => {
        resolve();
      });
    });
  }
}

/** The socket if fd 0 is a socket or a pipe; otherwise null. */
function openInput(reader: Reader): Socket | null {
  const ended = (): void => {
    reader.ended();
  };
  const stat = fstatSync(0);
  if (!stat.isSocket() && !stat.isFIFO()) {
    const file = createReadStream("", { fd: 0, autoClose: false, highWaterMark: reader.room });
    file.on("data", (bytes) => {
      reader.received(Buffer.from(bytes));
      if (reader.room === 0) file.pause();
    });
    file.on("end", ended).on("error", ended);
    return null;
  }
  const options: SocketConstructorOpts & ConnectOpts = {
    fd: 0,
    allowHalfOpen: true,
    onread: {
      buffer: () => Buffer.allocUnsafe(reader.room),
      callback: (length, buffer) => {
        reader.received(buffer.subarray(0, length));
        return reader.room > 0;
      },
    },
  };
  return new Socket(options).on("end", ended).on("error", ended);
}
