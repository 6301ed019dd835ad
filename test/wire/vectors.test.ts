// wire-v1.json was made from the protocol's description alone, with libsodium and another HKDF: see its "madeWith".
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { encodeFrame, REPLY_BODY_LIMIT, takeFrame } from "../../src/wire/frame.ts";
import {
  decodeGreeting,
  decodeReply,
  decodeRequest,
  encodeGreeting,
  encodeRequest,
  encodeSealedRequest,
} from "../../src/wire/messages.ts";
import { replyOpener, replySealer, sealRequest } from "../../src/wire/seal.ts";
import { bytes, keyOf, receiveRequest, whole } from "./receive.ts";
import vectors from "./wire-v1.json" with { type: "json" };

for (const vector of vectors.cases) {
  describe(vector.name, () => {
    const key = keyOf(vector.groupKey);
    const session = {
      challenge: bytes(vector.challenge),
      nonce: bytes(vector.nonce),
      config: vector.config,
    };

    test("the greeting", () => {
      const frame = bytes(vector.greetingFrame);
      assert.deepEqual(encodeFrame(encodeGreeting(session.challenge)), frame);
      assert.deepEqual(decodeGreeting(whole(frame, REPLY_BODY_LIMIT)), session.challenge);
    });

    test("the request", () => {
      const frame = bytes(vector.requestFrame);
      const text = Buffer.from(vector.requestPlaintext);
      const box = sealRequest(key, session, text);
      assert.deepEqual(encodeFrame(encodeSealedRequest({ ...session, box })), frame);
      const expected = { output: false, ...(JSON.parse(vector.requestPlaintext) as object) };
      assert.deepEqual(receiveRequest([frame], key, session.challenge), expected);
      assert.deepEqual(Buffer.from(encodeRequest(decodeRequest(text))), text);
    });

    test("the replies", () => {
      const seal = replySealer(key, session);
      const open = replyOpener(key, session);
      for (const { plaintext, frame } of vector.replies) {
        assert.deepEqual(encodeFrame(seal(Buffer.from(plaintext))), bytes(frame));
        const text = open(whole(bytes(frame), REPLY_BODY_LIMIT));
        assert.ok(text !== null);
        assert.equal(Buffer.from(text).toString(), plaintext);
        const { type } = JSON.parse(plaintext) as { type: string };
        assert.equal(decodeReply(text).type, type);
      }
    });

    test("no bit of the request can be flipped", () => {
      const frame = bytes(vector.requestFrame);
      assert.equal(typeof receiveRequest([frame], key, session.challenge), "object");
      for (let bit = 0; bit < frame.length * 8; bit++)
        assert.equal(
          typeof receiveRequest([flipped(frame, bit)], key, session.challenge),
          "string",
          `bit ${bit}`,
        );
    });

    test("no bit of a reply can be flipped", () => {
      for (const [i, { frame }] of vector.replies.entries()) {
        const body = whole(bytes(frame), REPLY_BODY_LIMIT);
        const openedAt = (box: Uint8Array): Uint8Array | null => {
          const open = replyOpener(key, session);
          for (let before = 0; before < i; before++) open(new Uint8Array(0));
          return open(box);
        };
        assert.ok(openedAt(body) !== null);
        for (let bit = 0; bit < body.length * 8; bit++)
          assert.equal(openedAt(flipped(body, bit)), null, `bit ${bit}`);
      }
    });
  });
}

describe("bad requests", () => {
  const { groupKey, challenge, frames } = vectors.badRequests;
  /** What the handler's log will say of each; the requester hears nothing. */
  const codes: Readonly<Record<string, string>> = {
    "answers another challenge (replay)": "unauthenticated",
    "sealed with another group's key": "unauthenticated",
    "last bit flipped": "unauthenticated",
    "length 0": "frame",
    "length 1025": "frame",
    "version 2": "message",
    "config name outside [a-z0-9]": "message",
    "config name longer than 32": "message",
    "cut inside the nonce": "message",
    "box shorter than its authenticator": "message",
    "a reply sent back as a request (reflection)": "unauthenticated",
    "sealed JSON is not an object": "message",
    "sealed text is not JSON": "message",
    "sealed text is not UTF-8": "message",
    "a field is missing": "message",
    "a field has the wrong type": "message",
  };
  test("each has its code", () => {
    assert.deepEqual(frames.map(({ name }) => name).sort(), Object.keys(codes).sort());
  });
  for (const { name, frame } of frames)
    test(name, () => {
      assert.equal(receiveRequest([bytes(frame)], keyOf(groupKey), bytes(challenge)), codes[name]);
    });
});

function flipped(original: Uint8Array, bit: number): Uint8Array {
  const copy = original.slice();
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
}

test("a frame that is not all there is no frame yet, at every length", () => {
  const frame = bytes(vectors.cases[0]?.requestFrame ?? "");
  for (let length = 0; length < frame.length; length++)
    assert.equal(takeFrame(frame.subarray(0, length), 1024), null);
});
