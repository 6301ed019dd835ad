import { randomBytes } from "#crypto";
import { writeSync } from "node:fs";
import { encodeFrame, NONCE_LENGTH } from "../wire/frame.ts";
import { encodeGreeting } from "../wire/messages.ts";

/**
 * Greets the requester before the rest of the handler is loaded: loading takes about as long as the request takes to arrive.
 * @returns the challenge
 */
export function greet(): Uint8Array {
  const challenge = randomBytes(NONCE_LENGTH);
  try {
    writeSync(1, encodeFrame(encodeGreeting(challenge)));
  } catch {
    // The requester has gone already. Reading the request will show that.
  }
  return challenge;
}
