import { randomFillSync } from "node:crypto";
import type { Host } from "../cluster/cluster.ts";
import { shell } from "./catchup.ts";

/** Gives a host files to push, so many and so big that csync2 can be met while it checks and sends them. */
export function changeMuch(host: Host, version = "v2"): void {
  host.write("/srv/data/a", version);
  host.write("/srv/data/big", randomFillSync(Buffer.alloc(40 << 20)));
  host.write("/srv/data/z", version);
  for (let i = 0; i < 400; i++) host.write(`/srv/data/many/${i}`, version);
}

/** Waits until csync2 with this option runs on a host, but for what a superserver starts; its pid there. */
export async function meet(host: Host, option: "-c" | "-u"): Promise<number> {
  let pid: number | undefined;
  const runs = new RegExp(`^(\\S*/)?csync2 .*${option}\\b`);
  await host.until(
    `csync2 ${option} runs`,
    () => (pid = host.processes().find(({ command }) => runs.test(command))?.pid) !== undefined,
    30_000,
  );
  return pid ?? 0;
}

/** Sends a signal to a process on a host. */
export async function signal(host: Host, name: string, pid: number): Promise<void> {
  await shell(host, `kill -${name} ${pid}`);
}
