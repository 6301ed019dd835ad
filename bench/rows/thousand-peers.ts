import { once } from "node:events";
import { join } from "node:path";
import { bundled } from "../../test/cluster/bundled.ts";
import { csync2, type Cluster, type Host } from "../../test/cluster/cluster.ts";
import { interleaved, median, timed } from "../measure.ts";
import type { Row } from "../results.ts";
import { type Extent, withCluster } from "../stage.ts";

/** Conversations that may go on at a time, and what else a Node process has open. */
const DESCRIPTORS = 100;

/** The sender against the number of its peers, all of them simulated on loopback addresses. */
export async function thousandPeers({ quick, build }: Extent): Promise<Row[]> {
  return await withCluster(build, { hosts: ["h1"] }, async (cluster) => {
    const h1 = cluster.host("h1");
    await h1.serve("inetd", [csync2]);
    h1.write("/opt/simulated-peers.mjs", bundled(join(import.meta.dirname, "../simulated-peers.ts")));
    const peers = h1.spawn(["node", "/opt/simulated-peers.mjs"]);
    await h1.until("the peers listen", () => h1.listens(30866));
    const hosts = h1.read("/etc/hosts");
    const sendTo = (count: number) => async (): Promise<Sending> => {
      configure(h1, hosts, count);
      return await send(h1);
    };

    const memory: number[] = [];
    const descriptors: number[] = [];
    const msOf = (count: number) => async (): Promise<number> => {
      const sending = await sendTo(count)();
      if (count === 1000) {
        memory.push(sending.memory);
        descriptors.push(sending.descriptors);
      }
      return sending.ms;
    };
    const took = await interleaved(quick ? 1 : 5, {
      ten: msOf(10),
      hundred: msOf(100),
      thousand: msOf(1000),
    });
    peers.kill();
    await once(peers, "close");
    const interrupted = await interrupt(cluster);

    const subject = "1,000 simulated peers";
    return [
      {
        subject: "10 simulated peers",
        measured: { what: "`csync2rev --others`", value: took.ten, unit: "ms" },
      },
      {
        subject: "100 simulated peers",
        measured: { what: "`csync2rev --others`", value: took.hundred, unit: "ms" },
      },
      {
        subject,
        measured: { what: "`csync2rev --others`", value: took.thousand, unit: "ms" },
        beside: { what: "ten times that of 100", value: took.hundred * 10, unit: "ms" },
        limit: 1,
      },
      { subject, measured: { what: "peak memory", value: median(memory), unit: "MB" }, limit: 150 },
      {
        subject,
        measured: { what: "most descriptors open at once", value: Math.max(...descriptors), unit: "" },
        limit: DESCRIPTORS,
      },
      {
        subject,
        measured: { what: "from Ctrl-C to the result", value: interrupted, unit: "ms" },
        limit: 500,
      },
    ];
  });
}

interface Sending {
  readonly ms: number;
  readonly memory: number;
  readonly descriptors: number;
}

async function send(host: Host): Promise<Sending> {
  const child = host.spawn(["csync2rev", "--others", "--json"]);
  child.stdin.end();
  let out = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (out += text));
  const closed = once(child, "close");
  let [memory, descriptors, ended] = [0, 0, false];
  const ms = timed(() => closed).finally(() => (ended = true));
  while (!ended) {
    const pid = host.processes().find(({ command }) => command.includes("csync2rev --others"))?.pid;
    if (pid !== undefined) {
      memory = Math.max(memory, host.peakMemory(pid) / 1024);
      const { stdout } = await host.run(["ls", `/proc/${pid}/fd`]);
      descriptors = Math.max(descriptors, stdout.split("\n").length - 1);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const took = await ms;
  if (child.exitCode !== 0)
    throw new Error(`csync2rev --others ended with ${child.exitCode ?? "a signal"}: ${out}`);
  return { ms: took, memory, descriptors };
}

/** Stops a sender whose 1,000 peers never get done. */
async function interrupt(cluster: Cluster): Promise<number> {
  const h1 = cluster.host("h1");
  const peers = h1.spawn(["node", "/opt/simulated-peers.mjs", "never-done"]);
  let accepted = 0;
  peers.stdout.on("data", (chunk: Buffer) => (accepted += chunk.toString().split("\n").length - 1));
  await h1.until("the peers listen", () => h1.listens(30866));
  const child = h1.spawn(["csync2rev", "--others", "--json", "--jobs", "1000"]);
  child.stdin.end();
  child.stdout.resume();
  child.stderr.resume();
  await h1.until("1,000 conversations stand", () => accepted === 1000, 30_000);
  const closed = once(child, "close");
  const ms = await timed(async () => {
    child.kill("SIGINT");
    await closed;
  });
  peers.kill();
  if (child.exitCode !== 130) throw new Error(`Ctrl-C: exit ${child.exitCode ?? "none"}`);
  return ms;
}

/** A csync2.cfg with so many peers, each on a loopback address of its own. */
function configure(host: Host, hosts: string, count: number): void {
  const names = Array.from({ length: count }, (_, index) => `peer${index}`);
  const lines = names.map((name, index) => `127.1.${index >> 8}.${index & 255} ${name}\n`);
  host.write("/etc/hosts", hosts + lines.join(""));
  host.write(
    "/etc/csync2.cfg",
    `nossl * *;\ngroup cluster {\n    host h1 ${names.join(" ")};\n    key /etc/csync2.key;\n    include /srv/data;\n}\n`,
  );
}
