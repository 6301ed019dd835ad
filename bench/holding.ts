// 400 strangers who say nothing and come again when they are cut off, against inetd, xinetd and systemd with the limits that are shipped,
// with and without the nftables rule: how soon a member is served meanwhile.
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startCluster, type Cluster, type ServiceText } from "../test/cluster/cluster.ts";
import type { Holding } from "../test/hostile/holding.ts";
import { asking, connectFrom, install } from "../test/hostile/programs.ts";
import type { Attempt, Outcome } from "../test/hostile/stranger.ts";

export const NETWORKS = 40;
const FROM_EACH = 10;
/** How soon a stranger who is cut off comes again, in milliseconds. */
const AGAIN = 100;
/** How long the strangers are alone, and how long a member asks then, in milliseconds. */
const ALONE = 10_000;
export const ASKS_FOR = 25_000;
/** Between two requests of the member, in milliseconds. */
const ASK_EVERY = 1000;
/** With the rule, a member is served within so many milliseconds. */
const GOAL = 2000;

/** How it went for a member while the strangers held on. */
export interface HeldUp {
  readonly server: string;
  readonly rule: boolean;
  /** How many strangers were connected when the member began. */
  readonly strangers: number;
  /** For each request of the member, in milliseconds; null if it was not served. */
  readonly times: readonly (number | null)[];
  /** Whether a request was not served although the rule is there. How soon it was depends on the machine: the table shows it. */
  readonly missed: boolean;
}

/** Measures each of the services with and without the rule. */
export async function heldUp(services: Readonly<Record<"inetd" | "xinetd", ServiceText>>): Promise<HeldUp[]> {
  const aliases = Array.from({ length: NETWORKS }, (_, i) => `a${i}`);
  const hosts = ["h1", "h2", { name: "h3", aliases }];
  const cluster = await startCluster({ hosts, packages: ["nftables"] });
  try {
    const rows: HeldUp[] = [];
    for (const server of ["inetd", "xinetd"] as const)
      for (const rule of [false, true])
        rows.push(await measure(cluster, aliases, server, services[server], rule));
    return rows;
  } finally {
    await cluster.close();
  }
}

/** The rows as a Markdown table. */
export function holdingTable(rows: readonly HeldUp[]): string {
  const lines = rows.map(({ server, rule, strangers, times }) => {
    const served = times.filter((time) => time !== null).sort((a, b) => a - b);
    const at = (share: number): string => {
      const time = served[Math.floor(share * (served.length - 1))];
      return time === undefined ? "" : `${(time / 1000).toFixed(2)} s`;
    };
    return [
      server,
      rule ? "with" : "without",
      String(strangers),
      `${served.length} of ${times.length}`,
      at(0.5),
      at(1),
    ];
  });
  const heading = [
    "server",
    "nftables/csync2rev.nft",
    "strangers connected",
    "member's requests served",
    "half of them within",
    "all within",
  ];
  const about = `${NETWORKS * FROM_EACH} strangers from ${NETWORKS} networks connect, say nothing, and come again ${AGAIN / 1000} s after they are cut off. After ${ALONE / 1000} s\na member begins to ask. The goal with the rule: all served, each within ${GOAL / 1000} s.`;
  const cells = [heading, ["---", "---", "---:", "---:", "---:", "---:"], ...lines];
  return `${cells.map((line) => `| ${line.join(" | ")} |\n`).join("")}\n${about}`;
}

async function measure(
  cluster: Cluster,
  aliases: readonly string[],
  server: "inetd" | "xinetd",
  service: ServiceText,
  rule: boolean,
): Promise<HeldUp> {
  await cluster.reset();
  const [h1, h2, h3] = [cluster.host("h1"), cluster.host("h2"), cluster.host("h3")];
  for (const host of [h2, h3]) await host.shell("ip route add 10.77.0.0/16 dev eth0");
  await h2.serve(server, [service]);
  if (rule) {
    h2.write("/etc/csync2rev.nft", ruleFor(cluster.addresses("h1")[0] ?? ""));
    await h2.shell("nft -f /etc/csync2rev.nft");
  }
  const from = aliases.map((name) => cluster.addresses(name)[0] ?? "");
  const attack = h3.spawn(install(h3, "holding"));
  attack.stdin.end(JSON.stringify(holdingOf("h2", from)));
  const attempt: Attempt = {
    host: "h2",
    seal: { key: cluster.key, text: asking("ping") },
    patience: ASKS_FOR,
  };
  return await holdUp(server, rule, attack, () => connectFrom(h1, [attempt]));
}

/** The rule that is shipped, with a member's address in it. */
export function ruleFor(member: string): string {
  const rules = readFileSync(join(import.meta.dirname, "../nftables/csync2rev.nft"), "utf8");
  return rules.replace("192.0.2.0/24", member);
}

/** What the strangers are told who come from these addresses. */
export function holdingOf(host: string, from: readonly string[]): Holding {
  return { host, port: 30866, from, each: FROM_EACH, again: AGAIN };
}

/**
 * Lets a member ask while the strangers hold on.
 * @param attack the strangers' program, as it has begun
 * @param ask makes one connection of the member
 */
export async function holdUp(
  server: string,
  rule: boolean,
  attack: ChildProcessWithoutNullStreams,
  ask: () => Promise<readonly Outcome[]>,
): Promise<HeldUp> {
  let held = "0";
  attack.stdout.setEncoding("utf8").on("data", (text: string) => {
    held = text.trim();
  });
  attack.stderr.resume();
  await sleep(ALONE);
  const strangers = Number(held);
  const times: (number | null)[] = [];
  const end = performance.now() + ASKS_FOR;
  while (performance.now() < end) {
    const [outcome] = await ask();
    const isServed = (outcome?.replies.at(-1) as { type?: string } | undefined)?.type === "done";
    times.push(isServed && outcome !== undefined ? outcome.open : null);
    await sleep(ASK_EVERY);
  }
  attack.kill("SIGKILL");
  const row = { server, rule, strangers, times, missed: rule && times.includes(null) };
  console.error(JSON.stringify(row));
  return row;
}
