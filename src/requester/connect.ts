import { connect, type Socket } from "node:net";
import { codeOf } from "#runtime";
import { Csync2revError } from "../errors.ts";
import { unless } from "./limits.ts";
import type { AskOptions } from "./options.ts";

/** After this long without a word, TCP asks the peer's kernel whether it is still there, in milliseconds. */
const PROBE_AFTER = 10_000;

/** Why there is no connection, or no greeting; each has a remedy of its own. */
export const UNREACHABLE_REASONS = [
  "no-greeting",
  "not-listening",
  "no-answer",
  "no-route",
  "no-name",
] as const;
export type UnreachableReason = (typeof UNREACHABLE_REASONS)[number];

/** Why there is no connection to an address. */
export interface Failure {
  readonly reason: UnreachableReason | null;
  readonly why: string;
}

/** A connection from this address, or from the kernel's choice (null); otherwise a text that says why there is none. */
export async function open(
  address: string,
  localAddress: string | null,
  { port, connectTimeout, limits }: AskOptions,
): Promise<Socket | Failure> {
  const began = performance.now();
  const socket = connect({ host: address, port, ...(localAddress === null ? {} : { localAddress }) });
  socket.setTimeout(connectTimeout * 1000);
  // Whoever waits hears of an error. One that comes later than that must not end the program.
  socket.on("error", () => undefined);
  const late = new Csync2revError("gone", `no connection within ${connectTimeout} s`);
  const standing = new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve).once("error", reject);
    socket.once("timeout", () => {
      reject(late);
    });
  });
  try {
    await unless(["deadline", "interrupt"], limits, standing);
    socket.setKeepAlive(true, PROBE_AFTER);
    return socket;
  } catch (error) {
    socket.destroy();
    if (error === late) return { reason: "no-answer", why: late.message };
    const patience = began + connectTimeout * 1000 - performance.now();
    const code = codeOf(error, address, port, localAddress ?? undefined, patience);
    const cause = await unless(["deadline", "interrupt"], limits, code).then(
      (known) => Object.assign(error as Error, known === undefined ? {} : { code: known }),
      (limit: unknown) => limit,
    );
    return { reason: reasonOf(cause), why: causeOf(cause) };
  }
}

/** The reason that an errno stands for; null if there is none, or if a limit ended the try. */
export function reasonOf(error: unknown): UnreachableReason | null {
  const reasons: Readonly<Record<string, UnreachableReason>> = {
    ECONNREFUSED: "not-listening",
    EHOSTUNREACH: "no-route",
    ENETUNREACH: "no-route",
    EACCES: "no-route",
    EINVAL: "no-route",
    ETIMEDOUT: "no-answer",
    ENOTFOUND: "no-name",
    EAI_AGAIN: "no-name",
  };
  return reasons[(error as NodeJS.ErrnoException).code ?? ""] ?? null;
}

/** An errno in the administrator's words, with the errno itself for searching. */
export function causeOf(error: unknown): string {
  if (error instanceof Csync2revError) return error.message;
  const { code } = error as NodeJS.ErrnoException;
  const words: Readonly<Record<string, string>> = {
    ECONNREFUSED: "nothing listens there",
    ECONNRESET: "the connection was reset",
    EHOSTUNREACH: "no route to it",
    ENETUNREACH: "no route to its network",
    EACCES: "a route or a firewall here forbids it",
    EINVAL: "a route here drops what goes there",
    ETIMEDOUT: "the connection timed out",
    ENOTFOUND: "no such name in DNS or /etc/hosts",
    EAI_AGAIN: "the name service does not answer",
  };
  return code === undefined ? String(error) : `${words[code] ?? "it failed"} (${code})`;
}
