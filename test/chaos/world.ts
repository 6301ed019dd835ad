import { mkdirSync, utimesSync } from "node:fs";
import type { Cluster, Host } from "../cluster/cluster.ts";
import { Model } from "./model.ts";
import { cfgOf, DIRECTORIES, HOSTS, KNOWN, type Plan, realDirectory } from "./plan.ts";

/** Faults that a documented limit can be due to. */
export interface Damage {
  /** Hosts on which csync2 was killed, or that lost power, while it ran: it may have forgotten the files that it was working on. */
  readonly checkCut: Set<string>;
  /** Hosts on which a receiving csync2 ended so: a half-made file can be left. */
  readonly receiverCut: Set<string>;
}

/** csync2rev.ini of every host: short times, since hosts are down on purpose. */
const SETTINGS = [
  ...["idle-timeout = 10", "lock-timeout = 8", "retries = 3"],
  ...["[others]", "connect-timeout = 2", "deadline = 8", "ready-timeout = 4"],
];

/** A round while it goes on: the cluster, what was done to it, and what the truth is. */
export class World {
  readonly cluster: Cluster;
  readonly plan: Plan;
  readonly model = new Model();
  readonly damage: Damage = { checkCut: new Set(), receiverCut: new Set() };
  /** What runs beside the steps. */
  readonly running = new Set<Promise<void>>();
  readonly said: { readonly host: string; readonly command: string; readonly text: string }[] = [];
  versions = 0;
  /** Files are as old as this, in seconds, and each is one second younger than the one before. */
  readonly #began = Math.floor(Date.now() / 1000) - 3600;

  private constructor(cluster: Cluster, plan: Plan) {
    this.cluster = cluster;
    this.plan = plan;
  }

  /** Makes all hosts anew, as the plan has them. */
  static async make(cluster: Cluster, plan: Plan): Promise<World> {
    const world = new World(cluster, plan);
    await cluster.reset(cfgOf(plan));
    await Promise.all(
      world.hosts.map(async (host) => {
        host.write("/etc/csync2rev.ini", SETTINGS.map((line) => `${line}\n`).join(""));
        host.write("/etc/csync2.key2", `${"2".repeat(48)}\n`, 0o600);
        for (const directory of DIRECTORIES)
          mkdirSync(host.path(realDirectory(host.name, directory)), { recursive: true });
        host.write(KNOWN, "known");
        utimesSync(host.path(KNOWN), world.#began, world.#began);
        // These are on all hosts from the beginning, and no host's change.
        await host.csync2("-cIr", "/");
        await host.serve("inetd");
      }),
    );
    return world;
  }

  get hosts(): Host[] {
    return HOSTS.map((name) => this.cluster.host(name));
  }

  /** The next version's time of modification. */
  get seconds(): number {
    return this.#began + this.versions;
  }

  /** Has something go on beside the steps. */
  beside(action: Promise<void>): void {
    const tracked = action.finally(() => this.running.delete(tracked));
    // What fails is found when the round waits for it.
    tracked.catch(() => undefined);
    this.running.add(tracked);
  }

  /** Waits for all that runs beside the steps. */
  async together(): Promise<void> {
    while (this.running.size > 0) await Promise.all([...this.running]);
  }
}

/** csync2's processes on a host: those that it starts itself, and those that receive. */
export function csync2On(host: Host): { readonly own: boolean; readonly receiving: boolean } {
  const commands = host.processes().map(({ command }) => command);
  return {
    own: commands.some((command) => /^(\S*\/)?csync2 (?!-i)/.test(command)),
    receiving: commands.some((command) => /^(\S*\/)?csync2 -i/.test(command)),
  };
}
