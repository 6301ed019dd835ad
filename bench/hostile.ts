/**
 * What a hostile network costs, as Markdown: silent and garbage connections against inetd and xinetd with the limits that are
 * shipped, a member that asks meanwhile, and OpenSSH's sshd under the same load. `npm run bench:hostile`.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  startCluster,
  type Cluster,
  type Host,
  type HostProcess,
  type ServiceText,
} from "../test/cluster/cluster.ts";
import { asking, connectFrom } from "../test/hostile/programs.ts";
import type { Attempt } from "../test/hostile/stranger.ts";

const SILENT = 200;
const GARBAGE = Number(process.env["GARBAGE"] ?? 2000);
/** The attacker's addresses: one is held back by per_source, and twenty are not. */
const ADDRESSES = 20;
/** Between two requests of the member, in milliseconds. */
const ASK_EVERY = 500;
const SSH_PORT = 22;

const shipped = (file: string): string => readFileSync(join(import.meta.dirname, "..", file), "utf8");
const SERVICES: Readonly<Record<"inetd" | "xinetd", ServiceText>> = {
  inetd: { port: 30866, text: shipped("inetd/inetd.conf") },
  xinetd: { port: 30866, text: shipped("xinetd/csync2rev").replace(/disable\s*=\s*yes/, "disable = no") },
};

interface Cost {
  /** Of all processes that serve the port, at their peak: kB of memory that is theirs alone, and their share of what is common. */
  readonly private: number;
  readonly proportional: number;
  readonly connections: number;
}

const cluster = await startCluster({
  hosts: ["h1", "h2", { name: "h3", aliases: Array.from({ length: ADDRESSES - 1 }, (_, i) => `a${i}`) }],
  packages: ["openssh-server"],
});
try {
  console.log(
    `${SILENT} connections at once that say nothing, from ${ADDRESSES} addresses, then ${GARBAGE} garbage ones one after`,
  );
  console.log(`another, while a member asks every ${ASK_EVERY / 1000} s. Node ${process.version}.\n`);
  console.log(
    "| server | load | open at once | private memory each | PSS each | processor time each | member's requests served |",
  );
  console.log("|---|---|---|---|---|---|---|");
  for (const kind of ["inetd", "xinetd"] as const) await measure(cluster, kind);
  await measure(cluster, "sshd");
} finally {
  await cluster.close();
}

async function measure(cluster: Cluster, kind: "inetd" | "xinetd" | "sshd"): Promise<void> {
  await cluster.reset();
  const [h1, h2, h3] = [cluster.host("h1"), cluster.host("h2"), cluster.host("h3")];
  for (const host of [h1, h2]) await host.run(["ip", "route", "add", "10.77.0.0/16", "dev", "eth0"]);
  const port = kind === "sshd" ? SSH_PORT : 30866;
  if (kind === "sshd") await startSshd(h2);
  else await h2.serve(kind, [SERVICES[kind]]);

  const load = async (
    what: string,
    count: number,
    attempts: readonly Attempt[],
    atOnce: number,
  ): Promise<void> => {
    const before = await processorSeconds(h2);
    let over = false;
    let peak: Cost = { private: 0, proportional: 0, connections: 0 };
    const attack = connectFrom(h3, attempts, atOnce).then((outcomes) => {
      over = true;
      return outcomes;
    });
    const [served, asked] = await member(
      h1,
      kind,
      () => over,
      async () => {
        const cost = await costOf(h2, kind);
        if (cost.connections > peak.connections) peak = cost;
      },
    );
    const outcomes = await attack;
    await h2.until("the attack is over", () => servers(h2, kind).length === 0, 120_000);
    const reached = outcomes.filter(({ received }) => received > 0).length;
    const seconds = (await processorSeconds(h2)) - before;
    const each = (kB: number): string =>
      peak.connections === 0 ? "-" : `${(kB / peak.connections / 1000).toFixed(1)} MB`;
    const cells = [
      kind === "sshd" ? "sshd" : `csync2rev, ${kind}`,
      `${count} ${what}, ${reached} greeted`,
      String(peak.connections),
      each(peak.private),
      each(peak.proportional),
      `${((1000 * seconds) / Math.max(1, reached + asked)).toFixed(0)} ms`,
      kind === "sshd" ? "-" : `${served} of ${asked}`,
    ];
    console.log(`| ${cells.join(" | ")} |`);
  };

  const from = (i: number): Pick<Attempt, "from"> => ({
    from: cluster.addresses(i % ADDRESSES === 0 ? "h3" : `a${(i % ADDRESSES) - 1}`)[0] ?? "",
  });
  const silent = Array.from({ length: SILENT }, (_, i): Attempt => ({
    host: "h2",
    port,
    ...from(i),
    patience: 15_000,
  }));
  await load("silent", SILENT, silent, SILENT);
  const noise = Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n".repeat(50)).toString("hex");
  const garbage = Array.from({ length: GARBAGE }, (_, i): Attempt => ({
    host: "h2",
    port,
    ...from(i),
    bytes: noise,
    patience: 15_000,
  }));
  await load("garbage", GARBAGE, garbage, 1);
}

/** Asks again and again until it is over: how often it was served, of how often it asked. */
async function member(
  h1: Host,
  kind: string,
  isOver: () => boolean,
  look: () => Promise<void>,
): Promise<[number, number]> {
  let [served, asked] = [0, 0];
  while (!isOver()) {
    await look();
    if (kind !== "sshd") {
      asked++;
      const seal = { key: cluster.key, text: asking("ping") };
      const [outcome] = await connectFrom(h1, [{ host: "h2", seal, patience: 30_000 }]);
      if ((outcome?.replies.at(-1) as { type?: string } | undefined)?.type === "done") served++;
    }
    await sleep(ASK_EVERY);
  }
  return [served, asked];
}

/** sshd has a second process for each connection, without privileges. */
function servers(host: Host, kind: string): HostProcess[] {
  const pattern = kind === "sshd" ? /^(sshd: (?!.*listener)|.*sshd-session)/ : /csync2rev -i$/;
  return host.processes().filter(({ command }) => pattern.test(command));
}

async function costOf(host: Host, kind: string): Promise<Cost> {
  const found = servers(host, kind);
  const files = found.map(({ pid }) => `/proc/${pid}/smaps_rollup`);
  const { stdout } = files.length === 0 ? { stdout: "" } : await host.run(["cat", ...files]);
  const sum = (field: string): number =>
    [...stdout.matchAll(new RegExp(`^${field}: +(\\d+) kB`, "gm"))].reduce(
      (total, [, kB]) => total + Number(kB),
      0,
    );
  return {
    private: sum("Private_Dirty") + sum("Private_Clean"),
    proportional: sum("Pss"),
    connections: found.filter(({ command }) => !command.includes("[net]")).length,
  };
}

/** What all processes of the host have used, those that ended included: they are children of the superserver or of init. */
async function processorSeconds(host: Host): Promise<number> {
  const { stdout } = await host.run(["sh", "-c", "cat /proc/[0-9]*/stat"]);
  const ticks = stdout
    .split("\n")
    .filter(Boolean)
    .map((line) => {
      const fields = line.slice(line.lastIndexOf(")") + 2).split(" ");
      return fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
    });
  return ticks.reduce((sum, count) => sum + count, 0) / 100;
}

async function startSshd(host: Host): Promise<void> {
  host.write("/etc/passwd", `${host.read("/etc/passwd")}sshd:x:100:65534::/run/sshd:/usr/sbin/nologin\n`);
  await host.run(["mkdir", "-p", "/run/sshd"]);
  const { code, stderr } = await host.run([
    "ssh-keygen",
    "-q",
    "-t",
    "ed25519",
    "-N",
    "",
    "-f",
    "/etc/host_key",
  ]);
  if (code !== 0) throw new Error(`ssh-keygen: ${stderr}`);
  // As many at once as are made; by default sshd starts to turn them away at ten.
  host.write(
    "/etc/sshd_config",
    `Port ${SSH_PORT}\nHostKey /etc/host_key\nMaxStartups 1000\nPerSourceMaxStartups none\nLoginGraceTime 10\nUsePAM no\n`,
  );
  host.spawn(["/usr/sbin/sshd", "-D", "-e", "-f", "/etc/sshd_config"]).stderr.resume();
  await host.until("sshd listens", () => host.listens(SSH_PORT));
}
