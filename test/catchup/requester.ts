import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { encodeFrame, NONCE_LENGTH, REPLY_BODY_LIMIT } from "../../src/wire/frame.ts";
import {
  decodeGreeting,
  decodeReply,
  encodeRequest,
  encodeSealedRequest,
  type Reply,
  type Request,
} from "../../src/wire/messages.ts";
import { replyOpener, sealRequest } from "../../src/wire/seal.ts";
import type { Host } from "../cluster/cluster.ts";
import { Frames } from "../wire/frames.ts";

/** All that a handler put on the wire, taken apart: nothing but frames may be in it. */
export interface Conversation {
  readonly replies: readonly Reply[];
  /** Frames that are not of this session, and what followed the last whole frame, in hex. */
  readonly foreign: string;
}

/** How a test asks: what is not given is as an honest h3 would have it. */
export interface Question extends Partial<Request> {
  readonly key: string;
  readonly config?: string;
}

/** Connects from one host to another's handler, and asks; `heard` gets each reply as it comes. */
export async function askOver(
  from: Host,
  to: string,
  question: Question,
  heard?: (reply: Reply) => void,
): Promise<Conversation> {
  const child = from.spawn(`socat -t0.2 - TCP:${to}:30866`);
  return await converse(child, { to, from: from.name, ...question }, heard);
}

/** Speaks with a handler through a process's stdin and stdout, to the end of the stream. */
export async function converse(
  child: ChildProcessWithoutNullStreams,
  question: Question,
  heard: (reply: Reply) => void = () => undefined,
): Promise<Conversation> {
  const { key: text, config = "", ...fields } = question;
  const key = { file: "", text };
  const request = { verb: "update", group: "cluster", from: "h3", to: "h1", output: false, ...fields };
  const replies: Reply[] = [];
  let open: ((box: Uint8Array) => Uint8Array | null) | undefined;
  const frames = new Frames(REPLY_BODY_LIMIT);
  const foreign: Uint8Array[] = [];
  child.stdout.on("data", (chunk: Buffer) => {
    for (const body of frames.take(chunk)) {
      if (open === undefined) {
        const session = { challenge: decodeGreeting(body), nonce: randomBytes(NONCE_LENGTH), config };
        open = replyOpener(key, session);
        const box = sealRequest(key, session, encodeRequest(request));
        child.stdin.write(encodeFrame(encodeSealedRequest({ ...session, box })));
        continue;
      }
      const opened = open(body);
      if (opened === null) {
        foreign.push(encodeFrame(body));
        continue;
      }
      const reply = decodeReply(opened);
      replies.push(reply);
      heard(reply);
    }
  });
  child.stderr.resume();
  await once(child, "close");
  return { replies, foreign: Buffer.concat([...foreign, frames.rest]).toString("hex") };
}

/** Both ends of a TCP connection. */
export async function connection(): Promise<{ ours: Socket; theirs: Socket }> {
  const server = createServer({ pauseOnConnect: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const ours = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const [theirs] = (await once(server, "connection")) as [Socket];
  server.close();
  return { ours, theirs };
}

/** A connection in the place of a process's stdin and stdout. */
export function asProcess(socket: Socket): ChildProcessWithoutNullStreams {
  const stderr = { resume: () => undefined };
  return Object.assign(socket, {
    stdin: socket,
    stdout: socket,
    stderr,
  }) as unknown as ChildProcessWithoutNullStreams;
}
