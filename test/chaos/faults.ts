import type { Host } from "../cluster/cluster.ts";
import type { Step } from "./plan.ts";
import { csync2On, type World } from "./world.ts";

export type Fault = Extract<
  Step,
  { readonly do: "power-off" | "boot" | "cut" | "mend" | "kill" | "hold-lock" }
>;

/** Has something go wrong, or come back. Where it makes no difference it does nothing. */
export async function doFault(world: World, host: Host, fault: Fault): Promise<void> {
  if (fault.do === "boot") await host.boot();
  if (!host.up) return;
  switch (fault.do) {
    case "boot":
      return;
    case "power-off":
      noteDamage(world, host);
      await host.powerOff();
      return;
    case "cut":
      await host.cutNetwork();
      return;
    case "mend":
      await host.mendNetwork();
      return;
    case "kill":
      if (fault.program === "csync2") noteDamage(world, host);
      await host.run([
        "pkill",
        "-KILL",
        ...(fault.program === "csync2" ? ["-x", "csync2"] : ["-f", "csync2rev -i"]),
      ]);
      return;
    case "hold-lock":
      world.beside(
        host.run(["flock", "/run/csync2rev.lock", "sleep", String(fault.seconds)]).then(() => undefined),
      );
  }
}

/** Brings everything back: power, network. */
export async function mendAll(world: World): Promise<void> {
  for (const host of world.hosts) {
    await host.boot();
    await host.mendNetwork();
  }
}

/** Notes what the csync2s that are about to end can leave undone. */
function noteDamage({ damage }: World, host: Host): void {
  const { own, receiving } = csync2On(host);
  if (own || receiving) damage.checkCut.add(host.name);
  if (receiving) damage.receiverCut.add(host.name);
}
