import { readFileSync } from "node:fs";
import { canonicalAddress } from "./address.ts";

/**
 * The addresses of a name in /etc/hosts that it does not resolve to. The C library takes only a name's first line there, unless
 * /etc/host.conf has "multi on": Debian has it, some small systems do not.
 * @param resolved what the name resolves to, in the spelling of canonicalAddress(). If none of it is in the file, the file is not used
 */
export function unseenAddresses(name: string, resolved: readonly string[]): readonly string[] {
  let text: string;
  try {
    text = readFileSync("/etc/hosts", "utf8");
  } catch {
    return [];
  }
  const listed = text.split("\n").flatMap((line) => {
    const [address = "", ...names] = line.replace(/#.*/, "").trim().split(/\s+/);
    return names.some((one) => one.toLowerCase() === name.toLowerCase()) ? [spelt(address)] : [];
  });
  return listed.some((address) => resolved.includes(address))
    ? listed.filter((address) => !resolved.includes(address))
    : [];
}

/** In one spelling. What is not an address stays as it is. */
function spelt(text: string): string {
  try {
    return canonicalAddress(text);
  } catch {
    return text;
  }
}
