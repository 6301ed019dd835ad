import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { takeFrame, encodeFrame, NONCE_LENGTH, REPLY_BODY_LIMIT } from "../../src/wire/frame.ts";
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

/** All that a handler put on the wire, taken apart: nothing but frames may be in it. */
export interface Conversation {
  readonly replies: readonly Reply[];
  /** What followed the last whole frame, or was no frame of this session, in hex. */
  readonly foreign: string;
}

/** How a test asks: what is not given is as an honest h3 would have it. */
export interface Question extends Partial<Request> {
  readonly key: string;
  readonly config?: string;
}

/** Connects from one host to another's handler, and asks. */
export async function askOver(from: Host, to: string, question: Question): Promise<Conversation> {
  return await converse(from.spawn(["socat", "-t0.2", "-", `TCP:${to}:30866`]), {
    to,
    from: from.name,
    ...question,
  });
}

/** Speaks with a handler through a process's stdin and stdout, to the end of the stream. */
export async function converse(
  child: ChildProcessWithoutNullStreams,
  question: Question,
): Promise<Conversation> {
  const { key: text, config = "", ...fields } = question;
  const key = { file: "", text };
  const request = { verb: "update", group: "cluster", from: "h3", to: "h1", output: false, ...fields };
  const replies: Reply[] = [];
  let open: ((box: Uint8Array) => Uint8Array | null) | undefined;
  let held: Uint8Array = new Uint8Array(0);
  child.stdout.on("data", (chunk: Buffer) => {
    held = Buffer.concat([held, chunk]);
    for (
      let taken = takeFrame(held, REPLY_BODY_LIMIT);
      taken !== null;
      taken = takeFrame(held, REPLY_BODY_LIMIT)
    ) {
      if (open === undefined) {
        const session = { challenge: decodeGreeting(taken.body), nonce: randomBytes(NONCE_LENGTH), config };
        open = replyOpener(key, session);
        const box = sealRequest(key, session, encodeRequest(request));
        child.stdin.write(encodeFrame(encodeSealedRequest({ ...session, box })));
      } else {
        const opened = open(taken.body);
        if (opened === null) return;
        replies.push(decodeReply(opened));
      }
      held = taken.rest;
    }
  });
  child.stderr.resume();
  await once(child, "close");
  return { replies, foreign: Buffer.from(held).toString("hex") };
}
