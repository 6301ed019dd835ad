import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { encodeFrame, NONCE_LENGTH, REPLY_BODY_LIMIT } from "../src/wire/frame.ts";
import {
  decodeGreeting,
  decodeReply,
  encodeRequest,
  encodeSealedRequest,
  type Done,
} from "../src/wire/messages.ts";
import { replyOpener, sealRequest } from "../src/wire/seal.ts";
import { Frames } from "../test/wire/frames.ts";

/** One connection to make; bytes to say for one that is no csync2rev. */
export type Errand =
  | { readonly host: string; readonly port: number; readonly say: string }
  | {
      readonly host: string;
      readonly port: number;
      readonly verb: string;
      readonly config?: string;
      readonly output?: boolean;
    };

/** How long it took, in milliseconds: to `done`, or to the end of the connection. */
export interface Report {
  readonly ms: number;
  readonly done?: Done;
}

// Runs on a host of the cluster, for as long as it is spoken to: an errand a line, a report a line.
const key = { file: "", text: readFileSync("/etc/csync2.key", "latin1").trim() };
const me = readFileSync("/etc/hostname", "latin1").trim();
for await (const line of createInterface(process.stdin)) {
  const report = await run(JSON.parse(line) as Errand);
  process.stdout.write(`${JSON.stringify(report)}\n`);
}

async function run(errand: Errand): Promise<Report> {
  const began = performance.now();
  const socket = connect({ host: errand.host, port: errand.port, noDelay: true });
  if ("say" in errand) {
    socket.end(errand.say);
    socket.resume();
    await once(socket, "close");
    return { ms: performance.now() - began };
  }
  let open: ((box: Uint8Array) => Uint8Array | null) | undefined;
  const frames = new Frames(REPLY_BODY_LIMIT);
  for await (const chunk of socket) {
    for (const body of frames.take(chunk as Buffer)) {
      if (open === undefined) {
        const { verb, config = "", output = false } = errand;
        const session = { challenge: decodeGreeting(body), nonce: randomBytes(NONCE_LENGTH), config };
        const text = encodeRequest({ verb, group: "cluster", from: me, to: errand.host, output });
        open = replyOpener(key, session);
        socket.write(encodeFrame(encodeSealedRequest({ ...session, box: sealRequest(key, session, text) })));
        continue;
      }
      const opened = open(body);
      if (opened === null) throw new Error("a reply that does not open");
      const reply = decodeReply(opened);
      if (reply.type === "refused") throw new Error(`refused: ${reply.reason}: ${reply.detail}`);
      if (reply.type !== "done") continue;
      const ms = performance.now() - began;
      socket.destroy();
      return { ms, done: reply };
    }
  }
  throw new Error(`${errand.verb}: the connection ended before done`);
}
