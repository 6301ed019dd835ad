import { setTimeout as sleep } from "node:timers/promises";
import type { Host, RunResult } from "../cluster/cluster.ts";
import { changeMode, putFile, putLink, remove, readDisk, stateAt } from "./disk.ts";
import { doFault } from "./faults.ts";
import { ABSENT } from "./model.ts";
import type { ByteString } from "./names.ts";
import { groupsOf, isMember, type Step } from "./plan.ts";
import { csync2On, type World } from "./world.ts";

/** Longer than any run may take, with every timeout in it. In milliseconds. */
const TIMEOUT = 240_000;
/** Seconds after which an administrator ends a push by hand to a host that is down. */
const PATIENCE = 10;

/** Does one step. A step that is not possible, for example because the host is down, does nothing. */
export async function doStep(world: World, step: Step): Promise<void> {
  if (step.after > 0) await sleep(step.after);
  if (step.do === "wait") {
    await world.together();
    return;
  }
  const host = world.cluster.host(step.host);
  switch (step.do) {
    case "write":
      change(world, host, step.path, () => {
        const content = Buffer.alloc(step.size + world.versions * 16 + 16, `${step.path}\n`, "latin1");
        content.write(`v${world.versions}\n`);
        return putFile(host, step.path, content, world.seconds);
      });
      return;
    case "link":
      change(world, host, step.path, () => putLink(host, step.path, `v${world.versions}`));
      return;
    case "chmod": {
      const before = stateAt(host, step.path);
      const after = before.replace(/^file \d+/, `file ${step.mode.toString(8)}`);
      if (!before.startsWith("file ") || world.model.history(step.path).versionOf(after)) return;
      change(world, host, step.path, () => {
        changeMode(host, step.path, step.mode);
        return true;
      });
      return;
    }
    case "remove":
      removeAll(world, host, step.path);
      return;
    case "check":
      if (host.up) await csync2(world, host, ["-cr", "/"]);
      return;
    case "push":
      await push(world, host, step.to);
      return;
    case "catch-up": {
      if (!host.up || !isMember(world.plan, host.name)) return;
      const run = catchUp(world, host, ...step.options).then(() => undefined);
      if (step.wait) await run;
      else world.beside(run);
      return;
    }
    case "power-off":
    case "boot":
    case "cut":
    case "mend":
    case "kill":
    case "hold-lock":
      await doFault(world, host, step);
  }
}

/** Runs `csync2rev --others --json` on a host, and keeps what it said; undefined if the host lost power meanwhile. */
export async function catchUp(world: World, host: Host, ...options: readonly string[]): Promise<RunResult> {
  const command = ["csync2rev", "--others", "--json", ...options];
  const result = await host.run(command, { timeout: TIMEOUT });
  world.said.push({ host: host.name, command: command.join(" "), text: result.stdout + result.stderr });
  return result;
}

/** Changes a path on a host, if this host may write there at all, and tells the model. */
function change(world: World, host: Host, path: ByteString, make: () => boolean): void {
  if (!mayWrite(world, host, path) || !host.up) return;
  const raced = csync2On(host).receiving;
  const before = stateAt(host, path);
  if (before.startsWith("directory ")) return;
  world.versions++;
  if (make()) world.model.history(path).add(host.name, before, stateAt(host, path), raced);
}

/** A removed directory is a removal of each file in it. */
function removeAll(world: World, host: Host, path: ByteString): void {
  if (!mayWrite(world, host, path) || !host.up || stateAt(host, path) === ABSENT) return;
  const raced = csync2On(host).receiving;
  const gone = [...readDisk(host)].filter(([other]) => other === path || other.startsWith(`${path}/`));
  remove(host, path);
  for (const [other, { state, directory }] of gone)
    if (!directory) world.model.history(other).add(host.name, state, ABSENT, raced);
}

/** A slave's own changes go nowhere, so that slaves change nothing here. */
function mayWrite(world: World, host: Host, path: ByteString): boolean {
  const members = groupsOf(world.plan, path).flatMap(({ members }) =>
    members.filter((member) => member.host === host.name),
  );
  return members.length > 0 && members.every(({ slave }) => !slave);
}

async function push(world: World, host: Host, to: string): Promise<void> {
  if (!host.up || to === host.name) return;
  await csync2(world, host, ["-cr", "/"]);
  for (const peername of [to, `${to}-b`]) await csync2(world, host, ["-u", "-P", peername]);
}

/** Runs csync2 as cron would, by the lock. */
async function csync2(world: World, host: Host, args: readonly string[]): Promise<void> {
  const command = [
    "timeout",
    "-s",
    "KILL",
    String(PATIENCE),
    "flock",
    "-o",
    "/run/csync2rev.lock",
    "csync2",
    ...args,
  ];
  const { code } = await host.run(command, { timeout: TIMEOUT });
  if (code === 137) world.damage.checkCut.add(host.name);
}
