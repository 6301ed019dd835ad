import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { endianness } from "node:os";
import { statOf } from "./runtime/descriptors.ts";

/** One TCP socket of this network namespace. */
export interface TcpSocket {
  readonly inode: string;
  readonly localPort: number;
  /** In full, without the short forms of IPv6. */
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** How often in a row the kernel has sent the same bytes without a confirmation. */
  readonly retransmissions: number;
}

/** The TCP sockets with one of these inodes, as the kernel lists them (proc_pid_net(5)); none where it does not. */
export function tcpSockets(inodes: ReadonlySet<string>): readonly TcpSocket[] {
  return ["tcp", "tcp6"]
    .flatMap((table) => linesOf(`/proc/self/net/${table}`))
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , , , , , , , , inode]) => inode !== undefined && inodes.has(inode))
    .map(([, local = "", remote = "", , , , retransmissions = "", , , inode = ""]) => ({
      inode,
      localPort: portOf(local),
      remoteAddress: addressOf(remote),
      remotePort: portOf(remote),
      retransmissions: Number.parseInt(retransmissions, 16),
    }));
}

/** After this many unconfirmed tries, about 25 seconds have passed between hosts that are near each other. */
const IN_VAIN = 7;

/** Whether the other end of a socket has confirmed nothing for a long time: its host is off, or cut off. False if it is not a socket. */
export function isCutOff(fd: number): boolean {
  const stat = statOf(fd);
  if (stat?.isSocket() !== true) return false;
  return tcpSockets(new Set([String(stat.ino)])).some(({ retransmissions }) => retransmissions >= IN_VAIN);
}

/** The inodes of the sockets that a process has open; none of one that has ended. */
export function socketInodes(pid: number): readonly string[] {
  const folder = `/proc/${pid}/fd`;
  try {
    return readdirSync(folder).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`${folder}/${fd}`))?.[1] ?? [];
      } catch {
        return [];
      }
    });
  } catch {
    return [];
  }
}

function linesOf(file: string): readonly string[] {
  try {
    return readFileSync(file, "latin1").split("\n");
  } catch {
    return [];
  }
}

function portOf(end: string): number {
  return Number.parseInt(end.slice(end.indexOf(":") + 1), 16);
}

/** The kernel writes an address as words of four bytes, each as a number of this machine. */
function addressOf(end: string): string {
  const bytes = Buffer.from(end.slice(0, end.indexOf(":")), "hex");
  if (endianness() === "LE") bytes.swap32();
  if (bytes.length === 4) return [...bytes].join(".");
  return (bytes.toString("hex").match(/..../g) ?? []).join(":");
}
