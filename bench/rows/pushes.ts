import { type Host } from "../../test/cluster/cluster.ts";
import { interleaved, median, timed } from "../measure.ts";
import type { Row } from "../results.ts";
import { Client, type Build, type Extent, succeed, withCluster } from "../stage.ts";

/** What the handler adds to csync2's own time and how much memory it takes for it: one large file, and many small ones. */
export async function pushes({ quick, build }: Extent): Promise<Row[]> {
  const [megabytes, files] = quick ? [50, 2_000] : [1024, 50_000];
  return [
    ...(await push(
      build,
      `One file of ${megabytes} MB`,
      `head -c ${megabytes}M /dev/urandom >file`,
      quick ? 1 : 3,
    )),
    ...(await push(
      build,
      `${files} small files`,
      `for i in {1..${files}}; do echo $i >file$i; done`,
      quick ? 1 : 3,
    )),
  ];
}

async function push(build: Build, subject: string, make: string, runs: number): Promise<Row[]> {
  return await withCluster(build, { hosts: ["h1", "h2"] }, async (cluster) => {
    const [h1, h2] = [cluster.host("h1"), cluster.host("h2")];
    await Promise.all([h1.serve("inetd"), h2.serve("inetd")]);
    await succeed(h2, ["bash", "-c", `cd /srv/data; ${make}`]);
    await succeed(h2, ["csync2", "-cIr", "/"]);
    const client = new Client(h1);
    const memory = { quiet: [] as number[], verbose: [] as number[] };
    const through = (output: boolean) => async (): Promise<number> => {
      await allDirty(h1, h2);
      const watch = watchHandler(h2);
      const { ms, done } = await client.run({ host: "h2", port: 30866, verb: "update", output });
      memory[output ? "verbose" : "quiet"].push(await watch());
      if (done?.exit !== 0 || done.pending !== 0)
        throw new Error(`the push went wrong: ${JSON.stringify(done)}`);
      return ms;
    };
    const took = await interleaved(
      runs,
      {
        csync2: async () => {
          await allDirty(h1, h2);
          return await timed(() => succeed(h2, ["csync2", "-u", "-P", "h1"]));
        },
        quiet: through(false),
        verbose: through(true),
      },
      false,
    );
    await client.close();
    const beside = { what: "`csync2 -u -P me` there", value: took.csync2, unit: "ms" } as const;
    return [
      { subject, measured: { what: "`update`", value: took.quiet, unit: "ms" }, beside, limit: 1.03 },
      {
        subject,
        measured: { what: "`update` with csync2's lines", value: took.verbose, unit: "ms" },
        beside,
        limit: 1.03,
      },
      {
        subject,
        measured: {
          what: "the handler's memory, with csync2's lines",
          value: median(memory.verbose),
          unit: "MB",
        },
        beside: { what: "without", value: median(memory.quiet), unit: "MB" },
        limit: 1.2,
      },
    ];
  });
}

/** Makes everything as if `to` had never had it, and `from` had yet to push it. */
async function allDirty(to: Host, from: Host): Promise<void> {
  await succeed(to, ["bash", "-c", "rm -rf /srv/data/* /var/lib/csync2/*"]);
  await succeed(from, ["csync2", "-mr", "/"]);
}

/** Follows the memory of the handler that comes next; the result is the most it took. */
function watchHandler(host: Host): () => Promise<number> {
  let [peak, ended] = [0, false];
  const watching = (async () => {
    let pid: number | undefined;
    while (!ended) {
      // Looked for once: to read all of /proc ten times a second would count as the handler's time.
      pid ??= host.processes().find(({ command }) => command.includes("csync2rev -i"))?.pid;
      if (pid !== undefined) peak = Math.max(peak, host.peakMemory(pid) / 1024);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  })();
  return async () => {
    ended = true;
    await watching;
    return peak;
  };
}
