// A program that runs on a host of the cluster: makes connections as it is told on stdin, and prints what came of each, as JSON.
import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { text as textOf } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { encodeFrame, REPLY_BODY_LIMIT, takeFrame } from "../../src/wire/frame.ts";
import { decodeGreeting, encodeSealedRequest } from "../../src/wire/messages.ts";
import { replyOpener, sealRequest } from "../../src/wire/seal.ts";
import { Frames } from "../wire/frames.ts";

/** One connection, and what to say on it. */
export interface Attempt {
  readonly host: string;
  readonly port?: number;
  /** The address to come from. */
  readonly from?: string;
  /** Milliseconds after which it hangs up. */
  readonly patience?: number;
  /** These bytes, in hex, whatever the greeting was. */
  readonly bytes?: string;
  /** A request that answers the greeting. */
  readonly seal?: {
    readonly key: string;
    readonly config?: string;
    /** What is in the box, be it JSON or not. */
    readonly text: string;
    /** Answers another challenge than the greeting's. */
    readonly stale?: boolean;
    /** Breaks the box. */
    readonly flip?: boolean;
  };
  /** Lengths of the pieces that it is sent in; the rest goes in one. `gap` is the milliseconds between them. */
  readonly pieces?: readonly number[];
  readonly gap?: number;
  /** Milliseconds for which it does not read, once it has begun to speak. */
  readonly deaf?: number;
  /** Says that nothing more will come. */
  readonly finish?: boolean;
}

export interface Outcome {
  /** How many bytes came. */
  readonly received: number;
  /** The replies that the key opens. */
  readonly replies: readonly unknown[];
  /** Milliseconds from the last byte sent to the end, and from the connection's start. */
  readonly silent: number;
  readonly open: number;
  /** "end", or an errno. */
  readonly how: string;
}

/** How many at once. */
interface Orders {
  readonly attempts: readonly Attempt[];
  readonly atOnce: number;
}

async function make(attempt: Attempt): Promise<Outcome> {
  const began = performance.now();
  let said = began;
  let how = "end";
  const { host, port = 30866, from } = attempt;
  const socket = connect({
    host,
    port,
    noDelay: true,
    ...(from === undefined ? {} : { localAddress: from }),
  });
  const patience = setTimeout(() => socket.destroy(), attempt.patience ?? 60_000);
  let received: Uint8Array = new Uint8Array(0);
  let open: ((box: Uint8Array) => Uint8Array | null) | undefined;
  let speak: Promise<void> | undefined;
  const say = async (bytes: Uint8Array): Promise<void> => {
    let at = 0;
    for (const length of [...(attempt.pieces ?? []), Infinity]) {
      if (at > 0) await sleep(attempt.gap ?? 0);
      if (at >= bytes.length || socket.destroyed) break;
      await write(socket, bytes.subarray(at, at + length));
      said = performance.now();
      at += length;
    }
    if (attempt.finish === true) socket.end();
  };
  try {
    if (attempt.bytes !== undefined) speak = say(Buffer.from(attempt.bytes, "hex"));
    for await (const chunk of socket) {
      received = Buffer.concat([received, chunk as Buffer]);
      if (speak !== undefined || attempt.seal === undefined) continue;
      const greeting = takeFrame(received, REPLY_BODY_LIMIT);
      if (greeting === null) continue;
      const { key, config = "", text, stale = false, flip = false } = attempt.seal;
      const challenge = stale ? randomBytes(32) : decodeGreeting(greeting.body);
      const session = { challenge, nonce: randomBytes(32), config };
      const box = sealRequest({ file: "", text: key }, session, Buffer.from(text));
      box[0] = (box[0] ?? 0) ^ (flip ? 1 : 0);
      open = replyOpener({ file: "", text: key }, session);
      speak = say(encodeFrame(encodeSealedRequest({ ...session, box })));
      if (attempt.deaf !== undefined) await sleep(attempt.deaf);
    }
  } catch (error) {
    how = (error as NodeJS.ErrnoException).code ?? String(error);
  }
  clearTimeout(patience);
  const end = performance.now();
  await speak?.catch(() => undefined);
  return {
    received: received.length,
    replies: open === undefined ? [] : repliesIn(received, open),
    silent: end - said,
    open: end - began,
    how,
  };
}

function repliesIn(received: Uint8Array, open: (box: Uint8Array) => Uint8Array | null): unknown[] {
  const [, ...bodies] = new Frames(REPLY_BODY_LIMIT).take(received);
  return bodies.map((body) => {
    const text = open(body);
    return text === null ? "unreadable" : (JSON.parse(Buffer.from(text).toString()) as unknown);
  });
}

async function write(socket: Socket, bytes: Uint8Array): Promise<void> {
  await new Promise<void>((resolve) =>
    socket.write(bytes, () => {
      resolve();
    }),
  );
}

/** Between two that are begun at once, in milliseconds: with no pause xinetd's listen queue of 64 would overflow, not xinetd. */
const STAGGER = 5;

const { attempts, atOnce } = JSON.parse(await textOf(process.stdin)) as Orders;
const outcomes: Outcome[] = [];
let next = 0;
await Promise.all(
  Array.from({ length: atOnce }, async (_, place) => {
    await sleep(place * STAGGER);
    for (let i = next++; i < attempts.length; i = next++) {
      const attempt = attempts[i];
      if (attempt !== undefined) outcomes[i] = await make(attempt);
    }
  }),
);
process.stdout.write(JSON.stringify(outcomes));
