// Why a connection could not be made, with Bun.
import { isIPv6 } from "../address.ts";

const [AF_INET, AF_INET6] = [2, 10];
const SOCK_STREAM = 1;
const SOCK_NONBLOCK_CLOEXEC = 0o2004000;
const [SOL_SOCKET, SO_ERROR] = [1, 4];
const POLLOUT = 4;
const EINPROGRESS = 115;
/** What Bun takes for ECONNREFUSED. All Linux platforms that Bun runs on have these numbers. */
const NAMES: Readonly<Record<number, string>> = { 101: "ENETUNREACH", 110: "ETIMEDOUT", 113: "EHOSTUNREACH" };
/** Between two looks at a connection that is being made, in milliseconds. */
const LOOK_EVERY = 20;

/**
 * The errno of a connection that Bun says was refused: Bun says so of a host that cannot be reached too. So the kernel is asked once more,
 * by way of the C library. A connection that is made now is closed at once.
 * @param patience in milliseconds: a port that refuses answers in time
 */
export async function codeOfRefused(
  address: string,
  port: number,
  source: string | undefined,
  patience: number,
): Promise<string> {
  const { dlopen, read } = await import("bun:ffi");
  const { symbols: libc } = dlopen("libc.so.6", {
    socket: { args: ["i32", "i32", "i32"], returns: "i32" },
    bind: { args: ["i32", "ptr", "u32"], returns: "i32" },
    connect: { args: ["i32", "ptr", "u32"], returns: "i32" },
    poll: { args: ["ptr", "u64", "i32"], returns: "i32" },
    getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" },
    close: { args: ["i32"], returns: "i32" },
    __errno_location: { args: [], returns: "ptr" },
  });
  const to = socketAddress(address, port);
  const fd = libc.socket(isIPv6(address) ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK_CLOEXEC, 0);
  if (fd < 0) return "ECONNREFUSED";
  try {
    if (source !== undefined) {
      const from = socketAddress(source, 0);
      libc.bind(fd, from, from.length);
    }
    let errno = libc.connect(fd, to, to.length) === 0 ? 0 : read.i32(libc.__errno_location(), 0);
    if (errno === EINPROGRESS) {
      const until = performance.now() + patience;
      const polled = Buffer.alloc(8);
      polled.writeInt32LE(fd);
      polled.writeInt16LE(POLLOUT, 4);
      while (libc.poll(polled, 1, 0) === 0) {
        if (performance.now() >= until) return "ETIMEDOUT";
        await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY));
      }
      const [value, length] = [Buffer.alloc(4), Buffer.from([4, 0, 0, 0])];
      libc.getsockopt(fd, SOL_SOCKET, SO_ERROR, value, length);
      errno = value.readInt32LE();
    }
    return NAMES[errno] ?? "ECONNREFUSED";
  } finally {
    libc.close(fd);
  }
}

/** An address and a port as connect(2) takes them (ip(7), ipv6(7)). The zone of a link-local address is left out. */
function socketAddress(address: string, port: number): Buffer {
  const [plain = ""] = address.split("%");
  const bytes = isIPv6(plain) ? bytesOfIPv6(plain) : plain.split(".").map(Number);
  const [family, before, after] = bytes.length === 4 ? [AF_INET, 0, 8] : [AF_INET6, 4, 4];
  const head = Buffer.alloc(4);
  head.writeUInt16LE(family);
  head.writeUInt16BE(port, 2);
  return Buffer.concat([head, Buffer.alloc(before), Buffer.from(bytes), Buffer.alloc(after)]);
}

function bytesOfIPv6(address: string): number[] {
  const [left = [], right = []] = address
    .split("::")
    .map((half) => half.split(":").flatMap((word) => (word === "" ? [] : [Number.parseInt(word, 16)])));
  const words = [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right];
  return words.flatMap((word) => [word >> 8, word & 0xff]);
}
