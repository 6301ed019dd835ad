import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Csync2Cfg, Group, Host } from "../csync2cfg/model.ts";
import { plaintextOf } from "../csync2cfg/plaintext.ts";
import { errorCode, reason } from "../csync2cfg/source.ts";

/** The pair that csync2 shows to peers, in the directory of csync2.cfg (conn.c). */
export interface CertificatePair {
  readonly certificate: string;
  readonly key: string;
}

/** What to do about a pair that csync2 cannot use. */
export const PAIR_TODO =
  "give this host a certificate and its key, with the subject that those of the other members have";

/** Where the pair of a host is, whether it is there or not. */
export function certificatePair(systemDirectory: string): CertificatePair {
  return {
    certificate: join(systemDirectory, "csync2_ssl_cert.pem"),
    key: join(systemDirectory, "csync2_ssl_key.pem"),
  };
}

/** Whether csync2 uses TLS with a member, one way or the other. */
export function usesTls(cfg: Pick<Csync2Cfg, "nossl">, { me }: Pick<Group, "me">, peer: Host): boolean {
  const isPlain = plaintextOf(cfg);
  return !isPlain(peer, me) || !isPlain(me, peer);
}

/** Why csync2 could not use a pair; null if it can. */
export function troubleOfPair({ certificate, key }: CertificatePair): string | null {
  const texts = [certificate, key].map((file) => {
    try {
      return { file, text: readFileSync(file) };
    } catch (error) {
      return { file, why: reason(errorCode(error)) };
    }
  });
  const unreadable = texts.find(({ why }) => why !== undefined);
  if (unreadable !== undefined)
    return `csync2 uses TLS and cannot read ${unreadable.file}: ${unreadable.why ?? ""}`;
  const [ofCertificate, ofKey] = texts.map(({ text }) => text ?? Buffer.of());
  const parsed = parse(certificate, () => new X509Certificate(ofCertificate ?? ""));
  if (typeof parsed === "string") return parsed;
  const privateKey = parse(key, () => createPrivateKey(ofKey ?? ""));
  if (typeof privateKey === "string") return privateKey;
  return parsed.checkPrivateKey(privateKey) ? null : `${key} is not the key of ${certificate}`;
}

function parse<T>(file: string, read: () => T): T | string {
  try {
    return read();
  } catch {
    return `csync2 uses TLS and ${file} is not in PEM form`;
  }
}

/** Whether these are csync2's words for a host that shows another certificate than it did at first (conn.c); some versions spell them right. */
export function saysWrongCertificate(words: string): boolean {
  return /wrong SSL X509 (?:cetrificate|certificate)/.test(words);
}
