import { groupOf, csync2rev, type Host, type HostProcess } from "../../test/cluster/cluster.ts";
import { interleaved } from "../measure.ts";
import type { Row } from "../results.ts";
import { Client, type Extent, succeed, withCluster } from "../stage.ts";

const EMPTY = { name: "30867", port: 30867, command: ["/usr/bin/node", "/opt/empty.cjs"] };

/** The handler's memory while csync2 runs, beside a Node that only waits. */
export async function memory({ quick, build }: Extent): Promise<Row[]> {
  return await withCluster(build, { hosts: ["h1", "h2"], cfg: groupOf(["h1", "h2"]) }, async (cluster) => {
    const [h1, h2] = [cluster.host("h1"), cluster.host("h2")];
    h2.write("/opt/empty.cjs", "setTimeout(() => undefined, 1000);");
    h2.write("/opt/csync2-stub-that-takes-a-second", "#!/bin/sh\nsleep 1\n", 0o755);
    h2.write("/etc/csync2rev.ini", "csync2 = /opt/csync2-stub-that-takes-a-second\n");
    await h2.serve("inetd", [csync2rev, EMPTY]);
    const client = new Client(h1);
    const peaks = await interleaved(quick ? 2 : 10, {
      handler: async () => {
        const run = client.run({ host: "h2", port: 30866, verb: "check" });
        const peak = await peakWhile(h2, "sleep 1", "csync2rev -i");
        await run;
        return peak;
      },
      empty: async () => {
        const run = client.run({ host: "h2", port: EMPTY.port, say: "" });
        const peak = await peakWhile(h2, "/opt/empty.cjs", "/opt/empty.cjs");
        await run;
        return peak;
      },
    });
    await client.close();
    const own = await waiting(h1, h2);
    return [
      {
        subject: "Memory",
        measured: { what: "a waiting handler's own", value: own, unit: "MB" },
        limit: 5.5,
      },
      {
        subject: "Memory",
        measured: { what: "the handler, while csync2 runs", value: peaks.handler, unit: "MB" },
        beside: { what: "an empty Node process", value: peaks.empty, unit: "MB" },
      },
    ];
  });
}

/** What the process whose command line has `name` in it has taken, half a second after one with `sign` in it has appeared. */
async function peakWhile(host: Host, sign: string, name: string): Promise<number> {
  const find = (part: string): number | undefined =>
    host.processes().find(({ command }) => command.includes(part))?.pid;
  await host.until(`${sign} runs`, () => find(sign) !== undefined);
  await new Promise((resolve) => setTimeout(resolve, 500));
  const peak = host.peakMemory(find(name) ?? 0);
  if (peak === 0) throw new Error(`${name} has ended`);
  return peak / 1024;
}

/** How many wait at once: they share the program's pages, as they would in earnest. */
const WAITING = 8;

/** What each of several handlers has for itself alone (proc(5), Private_*) that wait for a request, in MB. */
async function waiting(from: Host, to: Host): Promise<number> {
  const clients = Array.from({ length: WAITING }, () => from.spawn("exec socat - TCP:h2:30866 >/dev/null"));
  const handlers = (): readonly HostProcess[] =>
    to.processes().filter(({ command }) => command.endsWith("csync2rev -i"));
  await to.until("all wait", () => handlers().length === WAITING);
  // Memory that only the start needed has been given back by then.
  await new Promise((resolve) => setTimeout(resolve, 2500));
  const files = handlers().map(({ pid }) => `/proc/${pid}/smaps_rollup`);
  const rollups = await succeed(to, ["cat", ...files]);
  for (const client of clients) client.kill();
  const kilobytes = [...rollups.matchAll(/^Private_(?:Clean|Dirty): +(\d+) kB/gm)].map(([, kB]) =>
    Number(kB),
  );
  return kilobytes.reduce((sum, kB) => sum + kB, 0) / 1024 / WAITING;
}
