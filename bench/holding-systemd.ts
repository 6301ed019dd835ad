// The strangers of holding.ts against the socket unit that is shipped, on a machine of its own whose first process is systemd.
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text as textOf } from "node:stream/consumers";
import { bundled } from "../test/cluster/bundled.ts";
import { debianPackages, PROGRAM, withPackages } from "../test/cluster/cluster.ts";
import { asking, sourceOf } from "../test/hostile/programs.ts";
import type { Attempt, Outcome } from "../test/hostile/stranger.ts";
import { cleanRoot, Machine } from "../test/package/machine.ts";
import { ASKS_FOR, holdingOf, holdUp, NETWORKS, ruleFor, type HeldUp } from "./holding.ts";

const UNITS = join(import.meta.dirname, "../systemd");
const KEY = "k".repeat(64);
const CFG = "nossl * *;\ngroup cluster { host h1 h2; key /etc/csync2.key; include /srv/data; }\n";
/** The machine's own address in each of its two networks: that of the member h2, and that of all strangers. */
const [TO_MEMBER, TO_STRANGERS] = ["10.0.0.1", "10.77.255.1"];
const MEMBER = "10.0.0.2";
const STRANGERS = Array.from({ length: NETWORKS }, (_, i) => `10.77.${i}.2`);
const NETWORK = `set -e; hostname h1; mkdir -p /srv/data; chmod 755 /usr/bin/node /usr/sbin/csync2rev; chmod 600 /etc/csync2.key
for name in member strangers; do
  ip netns add $name
  ip link add $name type veth peer name eth0 netns $name
  ip link set $name up
  ip -n $name link set eth0 up
done
ip address add ${TO_MEMBER}/24 dev member
ip -n member address add ${MEMBER}/24 dev eth0
ip address add ${TO_STRANGERS}/16 dev strangers
${STRANGERS.map((address) => `ip -n strangers address add ${address}/16 dev eth0`).join("\n")}
systemctl daemon-reload
systemctl start csync2rev.socket
`;

/** Measures with and without the rule. Needs root and a cgroup2 file system. */
export async function heldUpBySystemd(): Promise<HeldUp[]> {
  const folder = mkdtempSync(join(tmpdir(), "csync2rev-holding-"));
  try {
    for (const name of ["holding", "stranger"])
      writeFileSync(join(folder, `${name}.mjs`), bundled(sourceOf(name)));
    const rows: HeldUp[] = [];
    for (const rule of [false, true]) rows.push(await measure(folder, rule));
    return rows;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function measure(folder: string, rule: boolean): Promise<HeldUp> {
  const machine = await Machine.boot(await cleanRoot(), PROGRAM);
  try {
    machine.write("/usr/bin/node", readFileSync(process.execPath));
    machine.write("/usr/sbin/csync2rev", readFileSync(PROGRAM));
    machine.write("/etc/csync2.cfg", CFG);
    machine.write("/etc/csync2.key", `${KEY}\n`);
    for (const unit of readdirSync(UNITS))
      machine.write(`/etc/systemd/system/${unit}`, readFileSync(join(UNITS, unit)));
    const { status, stdout } = machine.run(NETWORK);
    if (status !== 0) throw new Error(`the machine cannot be set up: ${stdout}`);
    if (rule) {
      const file = join(folder, "csync2rev.nft");
      writeFileSync(file, ruleFor(MEMBER));
      const nft = withPackages(await debianPackages(["nftables"]), ["nft", "-f", file]);
      await outputOf(machine.inNetwork(nft), "");
    }
    const [node, program] = [process.execPath, (name: string) => join(folder, `${name}.mjs`)];
    const [command = "", ...args] = machine.inNetwork([node, program("holding")], "strangers");
    const attack = spawn(command, args);
    attack.stdin.end(JSON.stringify(holdingOf(TO_STRANGERS, STRANGERS)));
    const seal = { key: KEY, text: asking("ping", { from: "h2", to: "h1" }) };
    const attempts: readonly Attempt[] = [{ host: TO_MEMBER, seal, patience: ASKS_FOR }];
    const member = machine.inNetwork([node, program("stranger")], "member");
    return await holdUp(
      "systemd",
      rule,
      attack,
      async () => JSON.parse(await outputOf(member, JSON.stringify({ attempts, atOnce: 1 }))) as Outcome[],
    );
  } finally {
    await machine.close();
  }
}

async function outputOf([command = "", ...args]: readonly string[], input: string): Promise<string> {
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.end(input);
  return await textOf(child.stdout);
}
