// Stands in for csync2rev on a peer that has turned hostile: it may hold the group's key, and does what no csync2rev would.
import { createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { randomBytes } from "node:crypto";
import { encodeFrame, REQUEST_BODY_LIMIT, takeFrame } from "../../src/wire/frame.ts";
import { decodeRequest, decodeSealedRequest, encodeGreeting } from "../../src/wire/messages.ts";
import { openRequest, replySealer } from "../../src/wire/seal.ts";

const [manner = "", key = "", port = "30866", address = ""] = process.argv.slice(2);

const ESCAPES = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202egnp\r\nforged\0\ufeff";
const ADVICE = "  → to mend this, run here  rm -rf /";
const ACCEPTED = { type: "accepted" };
const DONE = { type: "done", exit: 0, updated: 0, deleted: 0, pending: 0, attempts: 1, seconds: 0 };
/** A check that found something to push, so that the requester goes on to ask for the push. */
const line = (text: string): object => ({ type: "output", line: text });
type Say = (...replies: readonly object[]) => Buffer[];

/** What a peer says once it has been asked; nothing more comes after it but the end. */
const MANNERS: Readonly<Record<string, (socket: Socket, say: Say, verb: string) => Promise<void> | void>> = {
  honest: (socket, say) => {
    for (const frame of say(ACCEPTED, line("a"), DONE)) socket.write(frame);
  },
  /** Once it has lost a request, as a host that is flooded may. */
  "hangs-up-once": (socket, say) => {
    for (const frame of say(ACCEPTED, DONE)) socket.write(frame);
  },
  drops: (socket, say) => {
    const [accepted = "", , done = ""] = say(ACCEPTED, line("a"), DONE);
    socket.write(accepted);
    socket.write(done);
  },
  "drops-accepted": (socket, say) => {
    socket.write(say(ACCEPTED, DONE)[1] ?? "");
  },
  doubles: (socket, say) => {
    const [accepted = "", done = ""] = say(ACCEPTED, DONE);
    for (const frame of [accepted, accepted, done]) socket.write(frame);
  },
  reorders: (socket, say) => {
    const [accepted = "", output = "", done = ""] = say(ACCEPTED, line("a"), DONE);
    for (const frame of [accepted, done, output]) socket.write(frame);
  },
  "cuts-a-frame": (socket, say) => {
    const [accepted = Buffer.alloc(0), done = Buffer.alloc(0)] = say(ACCEPTED, DONE);
    socket.write(Buffer.concat([accepted, done.subarray(0, -1)]));
  },
  "cuts-between": (socket, say) => {
    socket.write(say(ACCEPTED)[0] ?? "");
  },
  "skips-accepted": (socket, say) => {
    socket.write(say(DONE)[0] ?? "");
  },
  flips: (socket, say) => {
    const [accepted = "", done = Buffer.alloc(9)] = say(ACCEPTED, DONE);
    socket.write(accepted);
    socket.write(Buffer.from(done.with(8, (done[8] ?? 0) ^ 1)));
  },
  "no-pending": (socket, say) => {
    for (const frame of say(ACCEPTED, { type: "done", exit: 0 })) socket.write(frame);
  },
  silence: () => undefined,
  "length-0": (socket) => {
    socket.write(Buffer.alloc(2));
  },
  "too-long": (socket) => {
    socket.write(Buffer.alloc(70_000, 0xff));
  },
  "largest-frames": (socket, say) => {
    for (const frame of say(ACCEPTED, ...Array<object>(200).fill(line("\x1b".repeat(2700))), DONE))
      socket.write(frame);
  },
  escapes: (socket, say) => {
    const files = Array.from({ length: 20 }, (_, i) => `-${i}${ESCAPES}`);
    const done = { ...DONE, exit: 1, pending: 20, files, detail: ESCAPES };
    const waiting = { type: "waiting", on: "lock", detail: ESCAPES };
    for (const frame of say(ACCEPTED, waiting, line(ESCAPES), line(`Updating ${ESCAPES}`), done))
      socket.write(frame);
  },
  "escapes-refused": (socket, say) => {
    socket.write(say({ type: "refused", reason: "config", detail: ESCAPES })[0] ?? "");
  },
  advises: async (socket, say, verb) => {
    const done = {
      ...DONE,
      exit: 1,
      pending: 3,
      files: [ADVICE, `/srv/${ADVICE}`, `x\n${ADVICE}`],
      detail: `no\n${ADVICE}`,
    };
    const refused = { type: "refused", reason: "config", detail: `no\n${ADVICE}` };
    const waiting = { type: "waiting", on: "lock", detail: ADVICE };
    for (const frame of verb === "check" || verb === "update"
      ? say(ACCEPTED, line(ADVICE), waiting, done)
      : say(refused)) {
      socket.write(frame);
      // Long enough to be drawn.
      await sleep(200);
    }
  },
  /** The advice for a file below a prefix names it. */
  "advises-on-a-file": (socket, say) => {
    const done = { ...DONE, pending: 1, undecided: 1, files: [`%p%/${ADVICE}`] };
    for (const frame of say(ACCEPTED, done)) socket.write(frame);
  },
  absurd: (socket, say) => {
    const done = {
      ...DONE,
      pending: 9e15,
      updated: 1e308,
      seconds: 1e308,
      files: ["__proto__"],
      __proto__: null,
    };
    for (const frame of say(ACCEPTED, done)) socket.write(frame);
  },
  "trickles-a-reply": async (socket) => {
    await trickle(socket, Buffer.alloc(1000, 1));
  },
  /** Says whenever it is asked that it has something to push, and never pushes. */
  "alive-for-ever": async (socket, say, verb) => {
    if (verb === "check") {
      for (const frame of say(ACCEPTED, { ...DONE, pending: 1, files: ["/srv/data/x"] })) socket.write(frame);
      return;
    }
    const [accepted = "", ...alive] = say(ACCEPTED, ...Array<object>(5_000).fill({ type: "alive", idle: 0 }));
    socket.write(accepted);
    for (const frame of alive) {
      if (socket.destroyed) return;
      socket.write(frame);
      await sleep(100);
    }
  },
  endless: async (socket, say) => {
    socket.write(say(ACCEPTED)[0] ?? "");
    while (!socket.destroyed)
      await new Promise((resolve) => {
        const frames = say(...Array<object>(50).fill(line("x".repeat(2000))));
        if (socket.write(Buffer.concat(frames))) setImmediate(resolve);
        else socket.once("drain", resolve).once("close", resolve);
      });
  },
};

let hasHungUp = false;

/** Writes a byte now and then until the other side has had enough. */
async function trickle(socket: Socket, bytes: Uint8Array): Promise<void> {
  for (const byte of bytes) {
    if (socket.destroyed) return;
    socket.write(Buffer.of(byte));
    await sleep(900);
  }
}

createServer((socket) => {
  socket.on("error", () => socket.destroy());
  if (manner === "trickles-its-greeting") {
    void trickle(socket, encodeFrame(encodeGreeting(randomBytes(32))));
    return;
  }
  if (manner === "no-greeting") return;
  if (manner === "noise") {
    const shout = (): boolean => socket.write(randomBytes(65_536));
    socket.on("drain", shout);
    shout();
    return;
  }
  if (manner === "another-version") {
    socket.write(encodeFrame(Buffer.concat([Buffer.from("csync2rev"), Buffer.of(2), randomBytes(32)])));
    return;
  }
  const challenge = randomBytes(32);
  socket.write(encodeFrame(encodeGreeting(challenge)));
  let received: Uint8Array = new Uint8Array(0);
  socket.on("data", (chunk) => {
    received = Buffer.concat([received, chunk]);
    const taken = takeFrame(received, REQUEST_BODY_LIMIT);
    if (taken === null) return;
    socket.removeAllListeners("data").resume();
    if (manner === "hangs-up" || (manner === "hangs-up-once" && !hasHungUp)) {
      hasHungUp = true;
      socket.end();
      return;
    }
    const { nonce, config, box } = decodeSealedRequest(taken.body);
    const text = openRequest({ file: "", text: key }, { challenge, nonce, config }, box);
    const verb = text === null ? "" : decodeRequest(text).verb;
    const seal = replySealer({ file: "", text: key }, { challenge, nonce, config });
    const say: Say = (...replies) =>
      replies.map((reply) => Buffer.from(encodeFrame(seal(Buffer.from(JSON.stringify(reply))))));
    void Promise.resolve(MANNERS[manner]?.(socket, say, verb)).then(() => {
      if (manner !== "silence") socket.end();
    });
  });
}).listen(Number(port), address, () => {
  process.stdout.write("listening\n");
});
