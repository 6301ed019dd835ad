import { Matcher } from "./fnmatch.ts";
import type { Csync2Cfg, Host } from "./model.ts";
import { encode } from "./source.ts";

/**
 * Tells whether csync2 goes without TLS from one host to another: a `nossl` line has the hostname of the one and the peername of the other
 * (update.c, daemon.c).
 */
export function plaintextOf({ nossl }: Pick<Csync2Cfg, "nossl">): (from: Host, to: Host) => boolean {
  const lines = nossl.map(({ from, to }) => ({ from: matcherOf(from), to: matcherOf(to) }));
  return (from, to) =>
    lines.some((line) => line.from.matches(encode(from.hostname)) && line.to.matches(encode(to.peername)));
}

function matcherOf(pattern: string): Matcher {
  return new Matcher(encode(pattern), false);
}
