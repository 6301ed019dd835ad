import { hkdfSha512 } from "#crypto";
import nacl from "tweetnacl";
import type { Key } from "../csync2cfg/model.ts";

/** What makes the keys of a session different from all others: both sides' random bytes and the config name of the request. */
export interface Session {
  readonly challenge: Uint8Array;
  readonly nonce: Uint8Array;
  readonly config: string;
}

/** The box of a request: `text` sealed for this session under `key`. */
export function sealRequest(key: Key, session: Session, text: Uint8Array): Uint8Array {
  return nacl.secretbox(text, secretboxNonce(0), sessionKey(key, session, "request"));
}

/** The text of a request's box; null if another key sealed it, or if it was sealed for another session. */
export function openRequest(key: Key, session: Session, box: Uint8Array): Uint8Array | null {
  return nacl.secretbox.open(box, secretboxNonce(0), sessionKey(key, session, "request"));
}

/** Seals replies one after another. The number of each reply is part of its seal. */
export function replySealer(key: Key, session: Session): (text: Uint8Array) => Uint8Array {
  const sealKey = sessionKey(key, session, "reply");
  let count = 0;
  return (text) => nacl.secretbox(text, secretboxNonce(count++), sealKey);
}

/** Opens replies in the order in which they were sealed; null if one is forged, doubled, missing or out of order. */
export function replyOpener(key: Key, session: Session): (box: Uint8Array) => Uint8Array | null {
  const openKey = sessionKey(key, session, "reply");
  let count = 0;
  return (box) => nacl.secretbox.open(box, secretboxNonce(count++), openKey);
}

/** HKDF-SHA-512 (RFC 5869) over the group key's characters. Because of the label, a reply cannot be taken for a request. */
function sessionKey(key: Key, session: Session, side: "request" | "reply"): Uint8Array {
  const salt = Buffer.concat([session.challenge, session.nonce]);
  const info = `csync2rev/1 ${side}\0${session.config}`;
  return hkdfSha512(key.text, salt, info, nacl.secretbox.keyLength);
}

/** 16 zero bytes, then the counter as u64 big-endian. */
function secretboxNonce(counter: number): Uint8Array {
  const nonce = Buffer.alloc(nacl.secretbox.nonceLength);
  nonce.writeBigUInt64BE(BigInt(counter), 16);
  return nonce;
}
