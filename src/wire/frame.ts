import { Csync2revError } from "../errors.ts";

/** The longest body of a requester's frame, in bytes. */
export const REQUEST_BODY_LIMIT = 1024;
/** The longest body of a handler's frame, in bytes. */
export const REPLY_BODY_LIMIT = 16384;
/** The bytes of a frame before its body: the length, u16 big-endian. */
export const FRAME_HEADER = 2;
/** The length of a challenge and of a request's nonce, in bytes. */
export const NONCE_LENGTH = 32;
/** A box is longer than its text by this many bytes: Poly1305's authenticator. */
export const BOX_OVERHEAD = 16;

/** One frame: its length, then `body` (1 to 65535 bytes; the caller observes the limit of its side). */
export function encodeFrame(body: Uint8Array): Uint8Array {
  const frame = new Uint8Array(FRAME_HEADER + body.length);
  frame[0] = body.length >> 8;
  frame[1] = body.length & 0xff;
  frame.set(body, FRAME_HEADER);
  return frame;
}

/**
 * Takes the first frame off `bytes`. Returns its body and the bytes after it, or null while bytes are missing.
 * Throws `frame` as soon as the length is known to be 0 or above `limit`, before any of the body has arrived.
 */
export function takeFrame(bytes: Uint8Array, limit: number): { body: Uint8Array; rest: Uint8Array } | null {
  const [high, low] = bytes;
  if (high === undefined || low === undefined) return null;
  const length = (high << 8) | low;
  if (length === 0) throw new Csync2revError("frame", "a frame of length 0");
  if (length > limit)
    throw new Csync2revError("frame", `a frame of ${length} bytes, at most ${limit} are allowed`);
  const end = FRAME_HEADER + length;
  if (bytes.length < end) return null;
  return { body: bytes.subarray(FRAME_HEADER, end), rest: bytes.subarray(end) };
}
