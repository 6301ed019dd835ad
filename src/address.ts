/**
 * An address in one spelling: without the IPv4-mapped prefix (RFC 4291, 2.5.5.2), and an IPv6 address shortened as the kernel shows it.
 * The zone of a link-local address stays.
 */
export function canonicalAddress(address: string): string {
  const [plain = "", ...zone] = address.replace(/^::ffff:(?=\d+\.)/i, "").split("%");
  const short = plain.includes(":") ? new URL(`http://[${plain}]`).hostname.slice(1, -1) : plain;
  return [short, ...zone].join("%");
}

/** Whether a text is an IPv6 address, perhaps with a zone. */
export function isIPv6(text: string): boolean {
  const [plain = ""] = text.split("%");
  return /^[0-9a-f:.]+$/i.test(plain) && plain.includes(":") && URL.canParse(`http://[${plain}]`);
}

export function isLoopback(address: string): boolean {
  return address === "::1" || address.startsWith("127.");
}
