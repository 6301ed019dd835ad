import { csync2, csync2rev } from "../../test/cluster/cluster.ts";
import { interleaved, timed } from "../measure.ts";
import type { Row } from "../results.ts";
import { Client, type Extent, letIn, succeed, withCluster } from "../stage.ts";

const EMPTY = { name: "30867", port: 30867, command: ["/usr/bin/node", "/opt/empty.cjs"] };

/** What one request costs: a `ping`, from the connection to `done`, under inetd. */
export async function conversation({ quick, build }: Extent): Promise<Row[]> {
  return await withCluster(build, { hosts: ["h1", "h2"] }, async (cluster) => {
    const [h1, h2] = [cluster.host("h1"), cluster.host("h2")];
    h2.write("/opt/empty.cjs", "");
    await h2.serve("inetd", [csync2, csync2rev, EMPTY]);
    await letIn(h1, [h2], "/bin/true");
    const client = new Client(h1);
    const took = await interleaved(quick ? 25 : 60, {
      ping: async () => (await client.run({ host: "h2", port: 30866, verb: "ping" })).ms,
      empty: async () => (await client.run({ host: "h2", port: EMPTY.port, say: "" })).ms,
      csync2: async () => (await client.run({ host: "h2", port: 30865, say: "BYE\n" })).ms,
      ssh: async () => await timed(() => succeed(h1, ["ssh", "h2", "x"])),
      spawn: async () => await timed(() => succeed(h1, ["true"])),
    });
    await client.close();
    const subject = "One conversation";
    const measured = { what: "`ping`, connect to `done`", value: took.ping, unit: "ms" } as const;
    return [
      {
        subject,
        measured,
        beside: { what: "an empty Node program under the same inetd", value: took.empty, unit: "ms" },
        limit: 0.45,
      },
      {
        subject,
        measured,
        // Minus what it takes to start a program on the host at all, which is the bench's own cost.
        beside: { what: "an ssh forced command", value: took.ssh - took.spawn, unit: "ms" },
        limit: 0.08,
      },
      {
        subject,
        measured,
        beside: { what: "csync2 -i under the same inetd", value: took.csync2, unit: "ms" },
        limit: 3,
      },
    ];
  });
}
