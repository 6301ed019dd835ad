import assert from "node:assert/strict";
import { Csync2revError } from "../../src/errors.ts";
import type { Key } from "../../src/csync2cfg/model.ts";
import { REQUEST_BODY_LIMIT, takeFrame } from "../../src/wire/frame.ts";
import { decodeRequest, decodeSealedRequest, type Request } from "../../src/wire/messages.ts";
import { openRequest } from "../../src/wire/seal.ts";

export function keyOf(text: string): Key {
  return { file: "/etc/csync2.key", text };
}

export function bytes(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, "hex"));
}

/** The body of a frame that is all there, and nothing behind it. */
export function whole(frame: Uint8Array, limit: number): Uint8Array {
  const taken = takeFrame(frame, limit);
  assert.ok(taken !== null);
  assert.equal(taken.rest.length, 0);
  return taken.body;
}

/**
 * Everything that a handler does with the bytes of a stranger, fed piece by piece: the request, or in one word why there is none:
 * an error's code, or "incomplete" if the input ended first. Anything else that is thrown is a defect.
 */
export function receiveRequest(
  chunks: Iterable<Uint8Array>,
  key: Key,
  challenge: Uint8Array,
): Request | string {
  let received: Uint8Array = new Uint8Array(0);
  try {
    for (const chunk of chunks) {
      received = Buffer.concat([received, chunk]);
      const taken = takeFrame(received, REQUEST_BODY_LIMIT);
      if (taken === null) continue;
      const { config, nonce, box } = decodeSealedRequest(taken.body);
      const text = openRequest(key, { challenge, nonce, config }, box);
      return text === null ? "unauthenticated" : decodeRequest(text);
    }
    return "incomplete";
  } catch (error) {
    if (error instanceof Csync2revError) return error.code;
    throw error;
  }
}
