import { randomBytes } from "node:crypto";
import { writeSync } from "node:fs";
import { encodeFrame, NONCE_LENGTH } from "../wire/frame.ts";
import { encodeGreeting } from "../wire/messages.ts";

/**
 * Greets the requester before the rest of the handler is loaded: that takes as long as the request takes to come.
 * @returns the challenge
 */
export function greet(): Uint8Array {
  const challenge = randomBytes(NONCE_LENGTH);
  try {
    writeSync(1, encodeFrame(encodeGreeting(challenge)));
  } catch {
    // Whoever has gone already will be missed when the request is read.
  }
  return challenge;
}
