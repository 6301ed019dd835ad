// For Bun. node-crypto.ts has the same exports; package.json's "imports" choose one of them.
import "./bun-api.d.ts";

// node:crypto would take 2.5 ms to load.

/** Random bytes, as many. */
export function randomBytes(count: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(count));
}

/** HKDF with SHA-512 (RFC 5869), for at most 64 bytes: then its second step is one HMAC. */
export function hkdfSha512(key: string, salt: Uint8Array, info: string, length: number): Uint8Array {
  const hmac = (by: Uint8Array, input: string): Uint8Array =>
    new Bun.CryptoHasher("sha512", by).update(input).digest();
  return hmac(hmac(salt, key), `${info}\x01`).subarray(0, length);
}

/** The SHA-256 of a text, in hexadecimal. */
export function sha256(text: string): string {
  return new Bun.CryptoHasher("sha256").update(text).digest("hex");
}

({ hkdfSha512, randomBytes, sha256 }) satisfies typeof import("./node-crypto.ts");
