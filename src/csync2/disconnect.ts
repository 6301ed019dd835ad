import { findProgram } from "../programs.ts";
import { socketInodes, tcpSockets, type TcpSocket } from "../sockets.ts";
import { family } from "./processes.ts";

/**
 * Closes a csync2's connections to this port of its peer with ss(8), as a broken network would. csync2 then drops the file that it had in
 * hand, commits what is done, and ends by itself. If it were killed, it would not commit.
 * Throws `system` if there is no ss.
 */
export async function disconnect(pid: number, port: number): Promise<void> {
  const ss = findProgram("ss");
  const inodes = new Set(family(pid).flatMap(socketInodes));
  const open = tcpSockets(inodes).filter(({ remotePort }) => remotePort === port);
  await Promise.all(open.map((socket) => close(ss, socket)));
}

/** Whether it went well shows in csync2. */
async function close(ss: string, { localPort, remoteAddress, remotePort }: TcpSocket): Promise<void> {
  const { spawn } = await import("node:child_process");
  const peer = remoteAddress.includes(":") ? `[${remoteAddress}]` : remoteAddress;
  const which = ["sport", "=", `:${localPort}`, "and", "dst", `${peer}:${remotePort}`];
  await new Promise<void>((resolve) => {
    const end = (): void => {
      resolve();
    };
    const child = spawn(ss, ["--kill", "--tcp", "--numeric", "state", "connected", ...which], {
      stdio: "ignore",
    });
    child.on("error", end).on("exit", end);
  });
}
