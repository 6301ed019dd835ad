import { interleaved, timed } from "../measure.ts";
import type { Row } from "../results.ts";
import { type Extent, letIn, succeed, withCluster } from "../stage.ts";

/** The command that a booting host runs, with one peer, which has nothing new for it. */
export async function onePeer({ quick, build }: Extent): Promise<Row[]> {
  return await withCluster(build, { hosts: ["h1", "h2"] }, async (cluster) => {
    const [h1, h2] = [cluster.host("h1"), cluster.host("h2")];
    await Promise.all([h1.serve("inetd"), h2.serve("inetd")]);
    await letIn(h1, [h2]);
    h2.write("/srv/data/file", "in sync");
    await succeed(h2, ["csync2", "-xr", "-P", "h1"]);
    const took = await interleaved(quick ? 3 : 25, {
      others: async () => await timed(() => succeed(h1, ["csync2rev", "--others"])),
      ssh: async () => await timed(() => succeed(h1, ["ssh", "h2", "csync2", "-xr", "-P", "h1"])),
    });
    return [
      {
        subject: "One peer in sync",
        measured: { what: "`csync2rev --others` as a whole", value: took.others, unit: "ms" },
        beside: { what: "`ssh peer csync2 -xr -P me`", value: took.ssh, unit: "ms" },
        limit: 0.3,
      },
    ];
  });
}
