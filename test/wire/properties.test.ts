import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { COUNT_LIMIT, EXIT_LIMIT, NAME_LIMIT } from "../../src/wire/fields.ts";
import { BOX_OVERHEAD, encodeFrame, REPLY_BODY_LIMIT, takeFrame } from "../../src/wire/frame.ts";
import {
  decodeGreeting,
  decodeReply,
  decodeRequest,
  decodeSealedRequest,
  encodeGreeting,
  encodeReply,
  encodeRequest,
  encodeSealedRequest,
  FAILURE_REASONS,
  FILES_LIMIT,
  REFUSAL_REASONS,
  TEXT_LIMIT,
  type Reply,
  type Request,
} from "../../src/wire/messages.ts";
import { openRequest, replyOpener, replySealer, sealRequest, type Session } from "../../src/wire/seal.ts";
import { keyOf, receiveRequest, whole } from "./receive.ts";

const runs = { numRuns: Number(process.env["FUZZ_RUNS"] ?? 1000) };

const random32 = fc.uint8Array({ minLength: 32, maxLength: 32 });
const config = fc.string({ unit: fc.constantFrom(...Array.from("abcxyz0189")), maxLength: 32 });
const key = fc
  .string({ unit: fc.constantFrom(...Array.from("ABCxyz019._")), minLength: 32, maxLength: 64 })
  .map(keyOf);
const session: fc.Arbitrary<Session> = fc.record({ challenge: random32, nonce: random32, config });
/** Well-formed Unicode, and the strings that break careless programs. */
const nasty = fc.oneof(
  fc.string({ unit: "binary", maxLength: 80 }),
  fc.constantFrom(
    "__proto__",
    "constructor",
    "-x",
    "a,b",
    "\0",
    "\x1b[2J",
    '"\\',
    "\u202e",
    "\u{10ffff}",
    "<0>",
  ),
);
const name = nasty.filter((text) => text !== "" && Buffer.byteLength(text) <= NAME_LIMIT);
const request: fc.Arbitrary<Request> = fc.record({
  verb: name,
  group: name,
  from: name,
  to: name,
  output: fc.boolean(),
});
const count = fc.nat({ max: COUNT_LIMIT });
const reply: fc.Arbitrary<Reply> = fc.oneof(
  fc.record(
    {
      type: fc.constant("accepted" as const),
      groups: fc.array(nasty, { maxLength: 9 }),
      refused: fc.array(
        fc.record({ group: nasty, reason: fc.constantFrom(...REFUSAL_REASONS), detail: nasty }),
        { maxLength: 9 },
      ),
    },
    { requiredKeys: ["type"] },
  ),
  fc.record(
    {
      type: fc.constant("refused" as const),
      reason: fc.constantFrom(...REFUSAL_REASONS),
      detail: nasty,
      groups: fc.constant([]),
    },
    { requiredKeys: ["type", "reason", "detail"] },
  ),
  fc.record({
    type: fc.constant("waiting" as const),
    on: fc.constantFrom("lock" as const, "retry" as const),
    detail: nasty,
  }),
  fc.record({ type: fc.constant("output" as const), line: nasty }),
  fc.record({ type: fc.constant("alive" as const), idle: count }),
  fc.record(
    {
      type: fc.constant("done" as const),
      exit: fc.nat({ max: EXIT_LIMIT }),
      updated: count,
      deleted: count,
      attempts: count,
      seconds: count.map((milliseconds) => milliseconds / 1000),
      pending: count,
      files: fc.array(nasty, { maxLength: FILES_LIMIT }),
      detail: nasty,
      reason: fc.constantFrom(...FAILURE_REASONS),
    },
    { requiredKeys: ["type", "exit", "updated", "deleted", "attempts", "seconds"] },
  ),
);

test("a greeting comes out as it went in", () => {
  fc.assert(
    fc.property(random32, (challenge) => {
      assert.deepEqual(decodeGreeting(encodeGreeting(challenge)), Buffer.from(challenge));
    }),
    runs,
  );
});

test("a request comes out as it went in, however the network cuts it", () => {
  fc.assert(
    fc.property(key, session, request, fc.array(fc.nat({ max: 400 })), (key, session, request, lengths) => {
      const box = sealRequest(key, session, encodeRequest(request));
      const body = encodeSealedRequest({ ...session, box });
      fc.pre(body.length <= 1024);
      const opened = receiveRequest(cut(encodeFrame(body), lengths), key, session.challenge);
      assert.deepEqual(plain(opened), plain(request));
    }),
    runs,
  );
});

test("a sealed request comes out as it went in", () => {
  fc.assert(
    fc.property(
      config,
      random32,
      fc.uint8Array({ minLength: BOX_OVERHEAD, maxLength: 900 }),
      (config, nonce, box) => {
        const {
          config: c,
          nonce: n,
          box: b,
        } = decodeSealedRequest(encodeSealedRequest({ config, nonce, box }));
        assert.deepEqual([c, Buffer.from(n), Buffer.from(b)], [config, Buffer.from(nonce), Buffer.from(box)]);
      },
    ),
    runs,
  );
});

test("a reply comes out as it went in", () => {
  fc.assert(
    fc.property(reply, (reply) => {
      assert.deepEqual(plain(decodeReply(encodeReply(reply))), plain(reply));
    }),
    runs,
  );
});

test("a reply keeps to its frame, however long its texts are", () => {
  const long = fc.string({
    unit: fc.constantFrom("\x01", '"', "ü", "\ud800", "\u{1f600}"),
    minLength: 0,
    maxLength: 9000,
  });
  fc.assert(
    fc.property(fc.array(long, { maxLength: FILES_LIMIT }), long, (files, detail) => {
      const refused = files.map((group) => ({ group, reason: "slave" as const, detail }));
      const done: Reply = {
        type: "done",
        exit: 1,
        updated: 0,
        deleted: 0,
        attempts: 1,
        seconds: 1,
        pending: 9,
        files,
        detail,
      };
      for (const reply of [
        done,
        { type: "accepted", groups: files, refused },
        { type: "accepted", groups: files },
        { type: "output", line: detail },
        { type: "refused", reason: "config", detail },
      ] as const) {
        const text = encodeReply(reply);
        assert.ok(text.length + BOX_OVERHEAD <= REPLY_BODY_LIMIT);
        const decoded = decodeReply(text);
        assert.equal(decoded.type, reply.type);
        if (decoded.type === "accepted") {
          // A requester that hears fewer groups than there are would count the others as refused.
          assert.equal(decoded.groups?.length ?? files.length, files.length);
          assert.equal((decoded.refused?.length ?? 0) > 0, "refused" in reply && files.length > 0);
        }
        if (decoded.type === "done") {
          assert.equal(decoded.pending, 9);
          assert.ok((decoded.detail ?? "").length <= TEXT_LIMIT);
        }
      }
    }),
    { numRuns: Math.min(runs.numRuns, 300) },
  );
});

test("no frame of one session opens in another, under another key, or as the other side's", () => {
  fc.assert(
    fc.property(
      key,
      key,
      session,
      session,
      fc.uint8Array({ maxLength: 200 }),
      (key, otherKey, one, other, text) => {
        fc.pre(key.text !== otherKey.text);
        const box = sealRequest(key, one, text);
        const answer = replySealer(key, one)(text);
        const others = [
          { ...one, challenge: other.challenge },
          { ...one, nonce: other.nonce },
          { ...one, config: `${one.config}x` },
        ].filter((session) => salt(session) !== salt(one));
        assert.deepEqual(openRequest(key, one, box), new Uint8Array(text));
        assert.equal(openRequest(otherKey, one, box), null);
        assert.equal(openRequest(key, one, answer), null);
        assert.equal(replyOpener(key, one)(box), null);
        for (const session of others) {
          assert.equal(openRequest(key, session, box), null);
          assert.equal(replyOpener(key, session)(answer), null);
        }
      },
    ),
    runs,
  );
});

test("replies open in the order in which they were sealed, and in no other", () => {
  const order = fc.array(fc.nat({ max: 4 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(key, session, order, (key, session, order) => {
      const seal = replySealer(key, session);
      const boxes = [0, 1, 2, 3, 4].map((i) => seal(Buffer.of(i)));
      const open = replyOpener(key, session);
      for (const [place, index] of order.entries()) {
        const text = open(boxes[index] ?? new Uint8Array());
        assert.deepEqual(text, place === index ? new Uint8Array([index]) : null);
      }
    }),
    runs,
  );
});

test("a request that is no request once opened is turned down, whatever its JSON says", () => {
  const names = fc.oneof(
    fc.constantFrom("verb", "group", "from", "to", "output", "__proto__", "constructor"),
    fc.string(),
  );
  const text = fc.oneof(
    fc.json().map((json) => Buffer.from(json)),
    fc
      .dictionary(names, fc.oneof(fc.string(), fc.jsonValue()))
      .map((value) => Buffer.from(JSON.stringify(value))),
    fc.uint8Array({ maxLength: 400 }),
  );
  fc.assert(
    fc.property(key, session, text, (key, session, text) => {
      const body = encodeSealedRequest({ ...session, box: sealRequest(key, session, text) });
      fc.pre(body.length <= 1024);
      const result = receiveRequest([encodeFrame(body)], key, session.challenge);
      if (typeof result === "string") assert.equal(result, "message");
      else assert.deepEqual(result, decodeRequest(encodeRequest(result)));
    }),
    runs,
  );
});

test("a number in a reply is whole and in its range, or the reply is none", () => {
  const done = { type: "done", exit: 0 };
  for (const field of ["updated", "deleted", "attempts", "pending", "undecided", "exit", "seconds"])
    for (const value of ["1e999", "-1", "-1e999", "null", '"1"', "1e10", "[]", "true"])
      assert.throws(
        () => decodeReply(Buffer.from(JSON.stringify({ ...done, [field]: "?" }).replace('"?"', value))),
        { code: "message" },
        `${field}: ${value}`,
      );
  for (const field of ["updated", "deleted", "attempts", "pending", "undecided", "exit"])
    assert.throws(() => decodeReply(Buffer.from(JSON.stringify({ ...done, [field]: 0.5 }))), {
      code: "message",
    });
  assert.throws(() => decodeReply(Buffer.from('{"type":"alive","idle":1e999}')), { code: "message" });
  assert.throws(() => decodeReply(Buffer.from('{"type":"done","exit":256}')), { code: "message" });
  // A reason of a later version is not an error: exit and detail tell.
  assert.deepEqual(decodeReply(Buffer.from('{"type":"done","exit":1,"reason":"of-a-later-version"}')), {
    ...{ type: "done", exit: 1, updated: 0, deleted: 0, attempts: 0, seconds: 0 },
  });
});

test("a frame and what follows it come apart where they were put together", () => {
  const body = fc.uint8Array({ minLength: 1, maxLength: 300 });
  fc.assert(
    fc.property(body, fc.uint8Array({ maxLength: 300 }), (body, rest) => {
      const frame = encodeFrame(body);
      assert.deepEqual(whole(frame, 300), body);
      const taken = takeFrame(Buffer.concat([frame, rest]), 300);
      assert.deepEqual(taken && [...taken.rest], [...rest]);
    }),
    runs,
  );
});

function* cut(bytes: Uint8Array, lengths: readonly number[]): Iterable<Uint8Array> {
  let at = 0;
  for (const length of lengths) {
    yield bytes.subarray(at, at + length);
    at += length;
  }
  yield bytes.subarray(at);
}

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

function salt({ challenge, nonce, config }: Session): string {
  return Buffer.concat([challenge, nonce, Buffer.from(config)]).toString("hex");
}
