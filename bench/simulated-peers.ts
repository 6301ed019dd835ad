import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { encodeFrame, NONCE_LENGTH, REQUEST_BODY_LIMIT, takeFrame } from "../src/wire/frame.ts";
import {
  decodeRequest,
  decodeSealedRequest,
  encodeGreeting,
  encodeReply,
  type Reply,
} from "../src/wire/messages.ts";
import { openRequest, replySealer } from "../src/wire/seal.ts";

// Speaks the handlers' side of the protocol for any number of peers, in one process, on every address that it is reached by; no csync2
// runs behind it. With an argument it never gets beyond
// `accepted`, and says so.
const neverDone = process.argv.length > 2;
const key = { file: "", text: readFileSync("/etc/csync2.key", "latin1").trim() };

createServer((socket) => {
  socket.on("error", () => undefined);
  const challenge = randomBytes(NONCE_LENGTH);
  socket.write(encodeFrame(encodeGreeting(challenge)));
  let held: Uint8Array = new Uint8Array(0);
  socket.on("data", (chunk) => {
    held = Buffer.concat([held, chunk]);
    const taken = takeFrame(held, REQUEST_BODY_LIMIT);
    if (taken !== null) answer(socket, challenge, taken.body);
  });
}).listen(30866, "0.0.0.0", 4096);

function answer(socket: Socket, challenge: Uint8Array, body: Uint8Array): void {
  const { config, nonce, box } = decodeSealedRequest(body);
  const session = { challenge, nonce, config };
  const text = openRequest(key, session, box);
  if (text === null) throw new Error("a request that does not open");
  const { verb } = decodeRequest(text);
  const seal = replySealer(key, session);
  const send = (reply: Reply): void => {
    socket.write(encodeFrame(seal(encodeReply(reply))));
  };
  send({ type: "accepted" });
  if (neverDone) {
    process.stdout.write("accepted\n");
    return;
  }
  // What a peer has for the requester after its check: a push follows.
  const pending = verb === "check" ? 1 : 0;
  send({
    type: "done",
    exit: 0,
    updated: 1 - pending,
    deleted: 0,
    pending,
    files: [],
    attempts: 1,
    seconds: 0,
  });
  socket.end();
}
