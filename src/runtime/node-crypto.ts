// For Node.js. bun-crypto.ts has the same exports; package.json's "imports" choose one of them. The greeting needs no more than this.
import { createHash, hkdfSync, randomBytes as randomly } from "node:crypto";

/** Random bytes, as many. */
export function randomBytes(count: number): Uint8Array {
  return randomly(count);
}

/** HKDF with SHA-512 (RFC 5869). */
export function hkdfSha512(key: string, salt: Uint8Array, info: string, length: number): Uint8Array {
  return new Uint8Array(hkdfSync("sha512", key, salt, info, length));
}

/** The SHA-256 of a text, in hexadecimal. */
export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
