// For Bun. node.ts has the same exports; package.json's "imports" choose one of them.
import type { BunSocket } from "./bun-api.d.ts";
import { openChannel } from "./bun-channel.ts";
import { codeOfRefused } from "./bun-connect.ts";
import { NO_ANSWER } from "./channel.ts";

export { openChannel };

/** The file that this program was started from. (argv[1] is a name inside it.) The kernel adds "(deleted)" if an update has replaced it. */
export function programFile(): string {
  return process.execPath.replace(/ \(deleted\)$/, "");
}

/** Garbage is collected when it may be one part in so many of the heap: a large heap takes longer to look through. */
const PARTS = 8;
let garbage = 0;

/**
 * Keeps memory small while much is read, row by row; to be called after every few hundred kilobytes. JavaScriptCore itself would collect
 * the buffers that were read only after some 30 MB.
 * @param read how many bytes have been read since the last call
 */
export function keepHeapSmall(read: number): void {
  garbage += read;
  if (garbage * PARTS < process.memoryUsage().heapUsed) return;
  garbage = 0;
  Bun.gc(true);
}

// What node:dns and node:net have, without them: they take 0.5 and 3 ms to load.

/** Every address that a name has, as getaddrinfo(3) gives them. Throws an error with a `code`. */
export async function addressesOf(name: string): Promise<readonly string[]> {
  try {
    return (await Bun.dns.lookup(name, { backend: "libc" })).map(({ address }) => address);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw Object.assign(new Error(message, { cause }), { code: code?.replace(/^DNS_/, "") });
  }
}

/**
 * The errno's name of a connection that could not be made; undefined if the error has none.
 * @param patience in milliseconds, for what has to be asked of the kernel once more
 */
export async function codeOf(
  error: unknown,
  address: string,
  port: number,
  source: string | undefined,
  patience: number,
): Promise<string | undefined> {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ECONNREFUSED" ? await codeOfRefused(address, port, source, patience) : code;
}

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
    const late = setTimeout(resolve, patience, NO_ANSWER);
    const end = (why?: string): void => {
      clearTimeout(late);
      resolve(why);
    };
    const from = source === undefined ? {} : { localAddress: source };
    const socket = {
      open: (opened: BunSocket) => {
        opened.terminate();
        end();
      },
      data: () => undefined,
    };
    Bun.connect({ hostname: address, port, ...from, socket }).catch(async (cause: unknown) => {
      end((await codeOf(cause, address, port, source, patience)) ?? String(cause));
    });
  });
}

({
  addressesOf,
  codeOf,
  keepHeapSmall,
  knock,
  openChannel,
  programFile,
}) satisfies typeof import("./node.ts");
