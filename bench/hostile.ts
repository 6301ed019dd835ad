// What a hostile network costs: silent and garbage connections against inetd and xinetd with the limits that are shipped, a member
// that asks meanwhile, and OpenSSH's sshd under the same load. Prints a Markdown table.
// Then strangers who hold on, with and without the nftables rule that is shipped; against systemd too, if root runs it.
//   npm run bench:hostile                    2,000 garbage connections, a quarter of an hour
//   npm run bench:hostile -- --garbage 100   fewer
import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import {
  startCluster,
  type Cluster,
  type Host,
  type HostProcess,
  type ServiceText,
} from "../test/cluster/cluster.ts";
import { asking, connectFrom } from "../test/hostile/programs.ts";
import type { Attempt } from "../test/hostile/stranger.ts";
import { heldUpBySystemd } from "./holding-systemd.ts";
import { heldUp, holdingTable } from "./holding.ts";

const { values } = parseArgs({
  options: { garbage: { type: "string", default: "2000" }, write: { type: "boolean", default: false } },
});
const SILENT = 200;
const GARBAGE = Number(values.garbage);
/** The attacker's addresses: one is held back by per_source, and twenty are not. */
const ADDRESSES = 20;
/** Between two requests of the member, in milliseconds. */
const ASK_EVERY = 500;
const SSH_PORT = 22;

const SERVERS = ["inetd", "xinetd", "sshd"] as const;
type Server = (typeof SERVERS)[number];

const shipped = (file: string): string => readFileSync(join(import.meta.dirname, "..", file), "utf8");
const SERVICES: Readonly<Record<"inetd" | "xinetd", ServiceText>> = {
  inetd: { port: 30866, text: shipped("inetd/inetd.conf") },
  xinetd: { port: 30866, text: shipped("xinetd/csync2rev").replace(/disable\s*=\s*yes/, "disable = no") },
};

/** All processes that serve the port at one moment: kB of memory that is theirs alone, and with their share of what is common. */
interface Memory {
  readonly connections: number;
  readonly private: number;
  readonly proportional: number;
}

/** What one kind of connections did to one server. */
interface Row {
  readonly server: Server;
  readonly load: string;
  /** How many of the hostile connections were greeted. */
  readonly greeted: number;
  /** When most were open at once. */
  readonly peak: Memory;
  /** Of the processor, for each connection, the member's among them. */
  readonly milliseconds: number;
  /** How many of the member's requests were served, and of how many. */
  readonly served: number;
  readonly asked: number;
}

const rows: Row[] = [];
const cluster = await startCluster({
  hosts: ["h1", "h2", { name: "h3", aliases: Array.from({ length: ADDRESSES - 1 }, (_, i) => `a${i}`) }],
  packages: ["openssh-server"],
});
try {
  for (const server of SERVERS) rows.push(...(await measure(cluster, server)));
} finally {
  await cluster.close();
}
const holding = [...(await heldUp(SERVICES)), ...(process.getuid?.() === 0 ? await heldUpBySystemd() : [])];
const { model = "unknown processor" } = cpus()[0] ?? {};
const about = [
  `${SILENT} connections at once that say nothing, from ${ADDRESSES} addresses, then ${GARBAGE} garbage ones one after another, while`,
  `a member asks every ${ASK_EVERY / 1000} s. Memory: what is a connection's own, and with its share of what all have in common.`,
  `Made by \`npm run bench:hostile -- --write\` on ${cpus().length} × ${model}, Node ${process.versions.node}, ${new Date().toISOString().slice(0, 10)}.`,
].join("\n");
const report = `${table(rows)}\n${about}\n\n${holdingTable(holding)}`;
console.log(report);
if (values.write)
  writeFileSync(join(import.meta.dirname, "hostile.md"), `# On a hostile network\n\n${report}\n`);
if (rows.some(({ served, asked }) => served < asked) || holding.some(({ missed }) => missed)) {
  console.error("a member was not served");
  process.exitCode = 1;
}

function table(rows: readonly Row[]): string {
  const lines = rows.map((row) => {
    const sshd = rows.find(({ server, load }) => server === "sshd" && load === row.load);
    const figure = (of: (row: Row) => number, unit: string, digits: number): string =>
      `${of(row).toFixed(digits)} ${unit}${sshd === undefined || sshd === row ? "" : ` (× ${(of(row) / of(sshd)).toFixed(1)})`}`;
    const memory = (of: "private" | "proportional"): string =>
      // One after another they are hardly ever met at work.
      row.load.endsWith("silent") ? figure(({ peak }) => peak[of] / peak.connections / 1000, "MB", 1) : "";
    return [
      row.server === "sshd" ? "sshd" : `csync2rev, ${row.server}`,
      `${row.load}, ${row.greeted} greeted`,
      memory("private"),
      memory("proportional"),
      figure(({ milliseconds }) => milliseconds, "ms", 0),
      row.server === "sshd" ? "" : `${row.served} of ${row.asked}`,
    ];
  });
  const heading = [
    "server",
    "load",
    "memory of its own each (× sshd's)",
    "with its share",
    "processor time each",
    "member's requests served",
  ];
  return [heading, ["---", "---", "---:", "---:", "---:", "---:"], ...lines]
    .map((cells) => `| ${cells.join(" | ")} |\n`)
    .join("");
}

async function measure(cluster: Cluster, server: Server): Promise<Row[]> {
  await cluster.reset();
  const [h1, h2, h3] = [cluster.host("h1"), cluster.host("h2"), cluster.host("h3")];
  for (const host of [h1, h2]) await host.run(["ip", "route", "add", "10.77.0.0/16", "dev", "eth0"]);
  const port = server === "sshd" ? SSH_PORT : 30866;
  if (server === "sshd") await startSshd(h2);
  else await h2.serve(server, [SERVICES[server]]);

  const suffer = async (load: string, attempts: readonly Attempt[], atOnce: number): Promise<Row> => {
    const before = await processorSeconds(h2);
    let over = false;
    let peak: Memory = { connections: 0, private: 0, proportional: 0 };
    const attack = connectFrom(h3, attempts, atOnce).finally(() => (over = true));
    const [served, asked] = await member(
      h1,
      server,
      () => over,
      async () => {
        const memory = await memoryOf(h2, server);
        if (memory.connections > peak.connections) peak = memory;
      },
    );
    const greeted = (await attack).filter(({ received }) => received > 0).length;
    await h2.until("the attack is over", () => servers(h2, server).length === 0, 120_000);
    const seconds = (await processorSeconds(h2)) - before;
    const row = {
      server,
      load,
      greeted,
      peak,
      milliseconds: (1000 * seconds) / (greeted + asked),
      served,
      asked,
    };
    console.error(JSON.stringify(row));
    return row;
  };

  const from = (i: number): Pick<Attempt, "from"> => ({
    from: cluster.addresses(i % ADDRESSES === 0 ? "h3" : `a${(i % ADDRESSES) - 1}`)[0] ?? "",
  });
  const attempt = (i: number): Attempt => ({ host: "h2", port, ...from(i), patience: 15_000 });
  const noise = Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n".repeat(50)).toString("hex");
  return [
    await suffer(
      `${SILENT} silent`,
      Array.from({ length: SILENT }, (_, i) => attempt(i)),
      SILENT,
    ),
    await suffer(
      `${GARBAGE} garbage`,
      Array.from({ length: GARBAGE }, (_, i) => ({ ...attempt(i), bytes: noise })),
      1,
    ),
  ];
}

/** Asks again and again until it is over: how often it was served, of how often it asked. */
async function member(
  h1: Host,
  server: Server,
  isOver: () => boolean,
  look: () => Promise<void>,
): Promise<[number, number]> {
  let [served, asked] = [0, 0];
  while (!isOver()) {
    await look();
    if (server !== "sshd") {
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
function servers(host: Host, server: Server): HostProcess[] {
  const pattern = server === "sshd" ? /^(sshd: (?!.*listener)|.*sshd-session)/ : /csync2rev -i$/;
  return host.processes().filter(({ command }) => pattern.test(command));
}

async function memoryOf(host: Host, server: Server): Promise<Memory> {
  const found = servers(host, server);
  const files = found.map(({ pid }) => `/proc/${pid}/smaps_rollup`);
  const { stdout } = files.length === 0 ? { stdout: "" } : await host.run(["cat", ...files]);
  const sum = (field: string): number =>
    [...stdout.matchAll(new RegExp(`^${field}: +(\\d+) kB`, "gm"))].reduce(
      (total, [, kB]) => total + Number(kB),
      0,
    );
  return {
    connections: found.filter(({ command }) => !command.includes("[net]")).length,
    private: sum("Private_Dirty") + sum("Private_Clean"),
    proportional: sum("Pss"),
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
