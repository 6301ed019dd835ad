import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Cluster, type Host, type ServiceText, csync2, startCluster } from "../test/cluster/cluster.ts";

const COLOUR = process.stdout.isTTY && !process.env["NO_COLOR"];
const style = (code: number) => (text: string) => (COLOUR ? `\u001b[${code}m${text}\u001b[0m` : text);
const [bold, dim, red, green, yellow] = [1, 2, 31, 32, 33].map(style) as [Style, Style, Style, Style, Style];
type Style = (text: string) => string;

const CSYNC2_CFG = `nossl * *;

group web {
    host h1 h2 h3;
    key /etc/csync2.key;
    include /srv/data;
    auto younger;
}
`;
const INDENT = "    ";

let steps = 0;

/** One of the files that this project ships for the superservers. */
function sample(file: string): string {
  return readFileSync(join(import.meta.dirname, "..", file), "utf8").trimEnd();
}

/** Says what happens next, and why. */
function step(title: string, why: string): void {
  steps += 1;
  console.log(`\n${bold(`${steps}. ${title}`)}\n${why.trim()}\n`);
}

/** Runs a command on a host as the reader would type it there, and shows what it prints while it runs. */
async function type(host: Host, line: string): Promise<number | null> {
  console.log(`${INDENT}${bold(`${host.name}#`)} ${line}`);
  const child = host.spawn(line);
  child.stdin.end();
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", show());
  return ended;
}

/** Shows what comes in pieces with its lines indented, and no wider for tabs than need be. */
function show(): (text: string) => void {
  let atStart = true;
  return (text) => {
    process.stdout.write(
      (atStart ? INDENT : "") + text.replaceAll("\t", "  ").replaceAll(/\n(?=[^\n])/g, `\n${INDENT}`),
    );
    atStart = text.endsWith("\n");
  };
}

/** Each file's first line on each host, and whether the hosts agree on all of them. */
function compare(hosts: readonly Host[]): boolean {
  const files = [...new Set(hosts.flatMap((host) => [...host.tree().keys()]))].sort();
  const row = (...cells: string[]): string =>
    INDENT +
    cells
      .map((cell) => cell.padEnd(17))
      .join("")
      .trimEnd();
  console.log(dim(row("/srv/data", ...hosts.map(({ name }) => name))));
  for (const file of files) {
    const found = hosts.map((host) => host.tree().get(file));
    const cells = hosts.map((host, i) =>
      found[i] === undefined ? "-" : host.read(`/srv/data/${file}`).trim(),
    );
    const same = found.every((content) => content === found[0]);
    console.log((same ? (text: string) => text : yellow)(row(file, ...cells)));
  }
  return hosts.every((host) => sameTree(host, hosts[0]));
}

function sameTree(a: Host, b: Host | undefined): boolean {
  return JSON.stringify([...a.tree()]) === JSON.stringify([...(b?.tree() ?? [])]);
}

async function demo(started: (cluster: Cluster) => void): Promise<void> {
  console.log(bold("csync2rev: a member of a csync2 cluster that was down catches up"));

  step(
    "Three hosts",
    `
Each is a set of namespaces on this machine, with its own network address,
/etc, data and csync2 database. csync2, inetd and xinetd are Debian's own,
unpacked into .cache; nothing gets installed. This is their csync2.cfg:`,
  );
  const cluster = await startCluster({ cfg: CSYNC2_CFG });
  started(cluster);
  const [h1, h2, h3] = ["h1", "h2", "h3"].map((name) => cluster.host(name)) as [Host, Host, Host];
  console.log(CSYNC2_CFG.trimEnd().replaceAll(/^(?=.)/gm, INDENT));
  const inetd: ServiceText = { name: "csync2rev", port: 30866, text: sample("inetd/inetd.conf") };
  const xinetd = { ...inetd, text: sample("xinetd/csync2rev").replace(/disable( *)= yes/, "disable$1= no") };
  await Promise.all([
    h1.serve("inetd", [csync2, inetd]),
    h2.serve("xinetd", [csync2, xinetd]),
    h3.serve("inetd", [csync2, inetd]),
  ]);
  console.log(`
On h1 inetd starts csync2 (port 30865) and csync2rev (port 30866) whenever
somebody connects, on h2 xinetd does:
`);
  await type(h1, "grep -v '^#' /etc/inetd.conf");
  await type(h2, "grep -v '#' /etc/xinetd.d/csync2rev");

  step(
    "They start with the same files",
    "csync2 -xr on h1 finds what is new there and pushes it to h2 and h3.",
  );
  h1.write("/srv/data/index.html", "first edition\n");
  h1.write("/srv/data/prices.html", "42\n");
  h1.write("/srv/data/jobs.html", "we are hiring\n");
  await type(h1, "csync2 -xr");
  compare(cluster.hosts);

  step(
    "h3 loses power, and life goes on without it",
    `
On h1 a file is changed, one deleted and one made, and csync2 pushes that to
h2. What h3 misses it can only note in its database (csync2 -M lists it).`,
  );
  await h3.powerOff();
  await type(h1, "echo 'second edition' >/srv/data/index.html");
  await type(h1, "rm /srv/data/jobs.html");
  await type(h1, "echo 'we moved' >/srv/data/news.html");
  await type(h1, "csync2 -xr -P h2");
  await type(h1, "csync2 -M");
  console.log("\nOn h2 another file is changed, and pushed to h1:\n");
  await type(h2, "echo 43.50 >/srv/data/prices.html");
  await type(h2, "csync2 -xr -P h1");

  step(
    "h3 boots",
    `
Its files are stale. Nobody tells it: csync2 only ever pushes, and the next
push may be hours away.`,
  );
  await h3.boot();
  compare(cluster.hosts);

  step(
    "h3 asks the others",
    `
csync2rev connects to h1 and h2, proves with the group's key who it is, and
has each of them check its files and push to h3 what it lacks.`,
  );
  const begin = performance.now();
  const code = await type(h3, "csync2rev --others");
  console.log(
    dim(`${INDENT}(exit status ${code ?? "none"}, ${((performance.now() - begin) / 1000).toFixed(1)} s)`),
  );

  step("The result", "New, changed and deleted files have arrived, each from the peer that had it.");
  const same = compare(cluster.hosts);
  console.log("\nh1 and h2 have nothing left to push (csync2 -M lists nothing):\n");
  await type(h1, "csync2 -M");
  await type(h2, "csync2 -M");
  const logged = (): boolean =>
    h2.syslog("csync2rev").filter((line) => line.message.includes("event=done")).length === 2;
  await h2.until("csync2rev has logged what it did", logged);
  console.log(`\nh2 has logged, by syslog, a line for each event:\n`);
  for (const { facility, severity, message } of h2.syslog("csync2rev")) {
    console.log(fold(`${facility}.${severity} ${message}`));
  }
  if (code !== 0 || !same) throw new Error("h3 has not caught up");
  console.log(`\n${green("The three trees are the same again.")} Now the hosts are switched off; nothing`);
  console.log("is left of them but .cache, with what was fetched.");
}

/** Breaks a long line between words, for a narrow terminal. */
function fold(line: string): string {
  const rows = [""];
  for (const word of line.split(" ")) {
    const row = rows.at(-1) ?? "";
    if (row === "") rows[rows.length - 1] = word;
    else if (row.length + word.length < 70) rows[rows.length - 1] = `${row} ${word}`;
    else rows.push(`  ${word}`);
  }
  return rows.map((row) => INDENT + row).join("\n");
}

let cluster: Cluster | undefined;
const interruption = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    interruption.abort();
  });
}
process.stdout.on("error", () => {
  interruption.abort(); // nobody reads on
});

const ended = demo((started) => (cluster = started)).then(
  () => 0,
  (error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    if (!interruption.signal.aborted) console.error(`\n${red("The demo has failed:")} ${reason}`);
    return 1;
  },
);
const stopped = once(interruption.signal, "abort").then(() => 130);
const code = await Promise.race([ended, stopped]);
await cluster?.close(); // one that is half up ends with this process
if (code === 130)
  console.log(`\n${yellow("Interrupted:")} the hosts are switched off, and nothing is left of them.`);
process.exit(code);
