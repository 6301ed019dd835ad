// Boot storms on a cluster of namespaces with real csync2: csync2rev beside the bare approach of csync2's mailing list, which is
// `csync2 -xr` behind inetd, and nc to each peer. Prints a Markdown table.
//   npm run storm                              eight hosts, 2,000 files each of three
//   npm run storm -- --files 200 --limit 60    smaller
//   npm run storm -- --hosts 40 --files 200    forty hosts, csync2rev alone: the bare approach takes hours
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import {
  type Cluster,
  csync2,
  groupOf,
  type Host,
  type ServiceText,
  startCluster,
} from "../test/cluster/cluster.ts";
import { type Peak, watchProcesses } from "./processes.ts";

const { values } = parseArgs({
  options: {
    hosts: { type: "string", default: "8" },
    changing: { type: "string", default: "3" },
    files: { type: "string", default: "2000" },
    bare: { type: "boolean" },
    limit: { type: "string", default: "600" },
    write: { type: "boolean", default: false },
  },
});
const [HOSTS, CHANGING, FILES, LIMIT] = [values.hosts, values.changing, values.files, values.limit].map(
  Number,
) as [number, number, number, number];
/** Beyond so many hosts the bare approach is left out unless --bare asks for it. */
const BARE_UP_TO = 16;
const NAMES = Array.from({ length: HOSTS }, (_, i) => `h${i + 1}`);

/** A way to have a host that boots catch up. */
interface Approach {
  readonly name: string;
  /** What peers run on port 30866. */
  readonly service: ServiceText;
  /** What a host runs when it boots. */
  readonly onBoot: (host: Host) => readonly string[];
}

const OURS: Approach = {
  name: "csync2rev",
  service: { port: 30866, text: "csync2rev stream tcp nowait.1000 root /usr/sbin/csync2rev csync2rev -i\n" },
  onBoot: () => ["csync2rev", "--others", "--quiet", "--deadline", String(LIMIT)],
};
const BARE: Approach = {
  name: "csync2 -xr by nc",
  service: { port: 30866, text: "csync2rev stream tcp nowait.1000 root /usr/sbin/csync2 csync2 -xr\n" },
  onBoot: ({ name }) => [
    "bash",
    "-c",
    `for peer in ${NAMES.filter((other) => other !== name).join(" ")}; do echo '' | nc -w 5 $peer 30866; done; exit 0`,
  ],
};
const CSYNC2: ServiceText = {
  port: csync2.port,
  text: "csync2 stream tcp nowait.1000 root /usr/sbin/csync2 csync2 -i\n",
};

interface Figures {
  readonly complete: number;
  readonly missing: number;
  readonly seconds: number;
  readonly exits: string;
  readonly peak: Peak;
  /** How many checks were asked for by requesters, and how many csync2s ran for them. */
  readonly checks: string;
}

/** Some hosts change files and tell each other; the rest, which were down, boot at the same moment. */
async function bootStorm(cluster: Cluster, approach: Approach): Promise<Figures> {
  const [up, down] = [cluster.hosts.slice(0, CHANGING), cluster.hosts.slice(CHANGING)];
  await prepare(cluster, approach);
  await Promise.all(down.map((host) => host.powerOff()));
  up.forEach(change);
  for (const host of up) {
    const others = up.filter((other) => other !== host).map(({ name }) => name);
    await run(host, ["csync2", "-xr", "-P", others.join(",")]);
  }
  return await measure(cluster, approach, down);
}

/** Some hosts change files, of which nobody hears before the power fails everywhere; all boot at the same moment. */
async function powerCut(cluster: Cluster, approach: Approach): Promise<Figures> {
  await prepare(cluster, approach);
  cluster.hosts.slice(0, CHANGING).forEach(change);
  await Promise.all(cluster.hosts.map((host) => host.powerOff()));
  return await measure(cluster, approach, cluster.hosts);
}

async function prepare(cluster: Cluster, approach: Approach): Promise<void> {
  await cluster.reset(groupOf(NAMES));
  await Promise.all(cluster.hosts.map((host) => host.serve("inetd", [CSYNC2, approach.service])));
  cluster.host("h1").write("/srv/data/first", "the same everywhere\n");
  await run(cluster.host("h1"), ["csync2", "-xr"]);
}

function change(host: Host): void {
  for (let i = 0; i < FILES; i++) host.write(`/srv/data/${host.name}/${i}`, `${host.name} ${i}\n`);
}

/** Shows what is said if it does not end well. */
async function run(host: Host, command: readonly string[]): Promise<number | null> {
  const { code, stdout, stderr } = await host.run(command, { timeout: LIMIT * 1000 });
  if (code !== 0) console.error(`${host.name}: exit status ${code ?? "none"}\n${stdout}${stderr}`);
  return code;
}

/** Boots these hosts and has each catch up at once, until nothing runs any more on any host, or the limit is reached. */
async function measure(cluster: Cluster, approach: Approach, booting: readonly Host[]): Promise<Figures> {
  const began = performance.now();
  const end = began + LIMIT * 1000;
  const watched = watchProcesses(cluster.hosts);
  const exits = await Promise.all(
    booting.map(async (host) => {
      await host.boot();
      return await run(host, approach.onBoot(host)).catch(() => null);
    }),
  );
  while (cluster.hosts.some((host) => host.processes().length > 0) && performance.now() < end)
    await sleep(100);
  const seconds = (performance.now() - began) / 1000;
  const missing = cluster.hosts.map(filesMissing);
  return {
    complete: missing.filter((count) => count === 0).length,
    missing: missing.reduce((sum, count) => sum + count, 0),
    seconds,
    exits: [...new Set(exits)].join(" "),
    peak: watched.stop(),
    checks: checksOf(cluster.hosts),
  };
}

/** Checks by what the handlers log when they are done with one: one that another request's run served has started no csync2. */
function checksOf(hosts: readonly Host[]): string {
  const done = hosts.flatMap((host) =>
    host.syslog("csync2rev").filter(({ message }) => message.includes("event=done verb=check ")),
  );
  const ran = done.filter(({ message }) => !message.includes(" attempts=0 "));
  return done.length === 0 ? "-" : `${ran.length} for ${done.length}`;
}

function filesMissing(host: Host): number {
  const tree = host.tree();
  const wanted = NAMES.slice(0, CHANGING).flatMap((name) =>
    Array.from({ length: FILES }, (_, i) => `${name}/${i}`),
  );
  return ["first", ...wanted].filter((file) => !tree.has(file)).length;
}

const rows: string[] = [
  "| what happens | approach | hosts complete | files missing | seconds | exit statuses | csync2s for checks | processes at the peak | memory at the peak |",
  "| --- | --- | ---: | ---: | ---: | --- | ---: | ---: | ---: |",
];
const faults: string[] = [];
const cluster = await startCluster({ hosts: NAMES });
try {
  for (const [what, storm] of [
    [
      `${HOSTS - CHANGING} of ${HOSTS} hosts boot at once, ${CHANGING} have changed ${FILES} files each`,
      bootStorm,
    ],
    [`power cut: all ${HOSTS} boot at once, ${CHANGING} with ${FILES} changed files each`, powerCut],
  ] as const)
    for (const approach of (values.bare ?? HOSTS <= BARE_UP_TO) ? [OURS, BARE] : [OURS]) {
      const { complete, missing, seconds, exits, peak, checks } = await storm(cluster, approach);
      const cells = [what, approach.name, `${complete} of ${HOSTS}`, missing, seconds.toFixed(1), exits];
      const row = `| ${[...cells, checks, peak.processes, `${peak.memory.toFixed(0)} MB`].join(" | ")} |`;
      rows.push(row);
      console.error(row);
      if (approach === OURS && (missing > 0 || exits !== "0")) faults.push(row);
    }
} finally {
  await cluster.close();
}
const table = `${rows.join("\n")}\n`;
console.log(table);
if (values.write) {
  const { model = "unknown processor" } = cpus()[0] ?? {};
  const made = `Made by \`npm run storm -- --write\` on ${cpus().length} × ${model}, ${new Date().toISOString().slice(0, 10)}.`;
  writeFileSync(
    join(import.meta.dirname, "storm.md"),
    `# Boot storms\n\n${table}\n${made} The bare approach exits 0 because nc does: csync2's own status reaches nobody.\n`,
  );
}
if (faults.length > 0) {
  console.error(`csync2rev left something behind:\n${faults.join("\n")}`);
  process.exitCode = 1;
}
