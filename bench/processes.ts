import { readFileSync } from "node:fs";
import type { Host } from "../test/cluster/cluster.ts";

/** How often the processes are counted, in milliseconds: to count those of forty hosts takes a while itself. */
const COUNT_EVERY = 1_000;

/** The most that was there at one moment, of all programs that the hosts ran. */
export interface Peak {
  readonly processes: number;
  /** Their own memory in MB: what several processes share is counted once (Pss, proc(5)). */
  readonly memory: number;
}

/** Counts what runs on these hosts, the superservers left out, until it is stopped. */
export function watchProcesses(hosts: readonly Host[]): { readonly stop: () => Peak } {
  let [processes, memory] = [0, 0];
  const timer = setInterval(() => {
    const pss = hosts
      .filter(({ up }) => up)
      .flatMap((host) => host.processes().map(({ pid }) => pssOf(host, pid)));
    processes = Math.max(processes, pss.length);
    memory = Math.max(memory, pss.reduce((sum, kilobytes) => sum + kilobytes, 0) / 1024);
  }, COUNT_EVERY);
  return {
    stop: () => {
      clearInterval(timer);
      return { processes, memory };
    },
  };
}

/** In kB; 0 for a process that has ended. */
function pssOf(host: Host, pid: number): number {
  try {
    return Number(
      /^Pss: +(\d+) kB$/m.exec(readFileSync(host.procPath(pid, "smaps_rollup"), "utf8"))?.[1] ?? 0,
    );
  } catch {
    return 0;
  }
}
