import type { Cluster } from "../../test/cluster/cluster.ts";
import { interleaved, timed } from "../measure.ts";
import type { Row } from "../results.ts";
import { type Extent, letIn, succeed, withCluster } from "../stage.ts";

const PEERS = ["h2", "h3", "h4", "h5", "h6", "h7", "h8"];
/** Files of the tree that makes a real check take its time. */
const FILES = 20_000;

/** Seven peers that have to look for changes first: side by side, beside the mailing list's one after another. */
export async function sevenPeers({ quick, build }: Extent): Promise<Row[]> {
  return await withCluster(build, { hosts: ["h1", ...PEERS] }, async (cluster) => {
    await Promise.all(cluster.hosts.map((host) => host.serve("inetd")));
    const h1 = cluster.host("h1");
    await letIn(
      h1,
      PEERS.map((name) => cluster.host(name)),
    );

    for (const peer of PEERS) {
      const host = cluster.host(peer);
      // Real csync2, but for a check that waits like one that reads a large tree from disks of its own.
      const stub = `#!/bin/sh\ncase " $* " in *" -c "*|*" -xr "*) sleep 2;; esac\nexec /usr/sbin/csync2 "$@"\n`;
      host.write("/opt/csync2-stub-whose-check-waits", stub, 0o755);
      host.write("/etc/csync2rev.ini", "csync2 = /opt/csync2-stub-whose-check-waits\n");
    }
    const waiting = await both(cluster, quick ? 1 : 3, "/opt/csync2-stub-whose-check-waits");
    const rows: Row[] = [row("Seven peers whose check waits 2 s", waiting, 0.35)];
    if (quick) return rows;

    for (const peer of PEERS) {
      const host = cluster.host(peer);
      host.remove("/etc/csync2rev.ini");
      await succeed(host, ["bash", "-c", `cd /srv/data && for i in {1..${FILES}}; do echo >file$i; done`]);
      await succeed(host, ["csync2", "-cIr", "/"]);
    }
    const real = await both(cluster, 2, "csync2");
    return [...rows, row(`Seven peers with ${FILES} files each, all on this machine's processors`, real)];
  });
}

async function both(
  cluster: Cluster,
  runs: number,
  csync2: string,
): Promise<{ others: number; inTurn: number }> {
  const h1 = cluster.host("h1");
  const inTurn = `for peer in ${PEERS.join(" ")}; do ssh $peer ${csync2} -xr -P h1; done`;
  return await interleaved(runs, {
    others: async () => await timed(() => succeed(h1, ["csync2rev", "--others"])),
    inTurn: async () => await timed(() => succeed(h1, ["bash", "-ec", inTurn])),
  });
}

function row(subject: string, took: { others: number; inTurn: number }, limit?: number): Row {
  return {
    subject,
    measured: { what: "`csync2rev --others`", value: took.others, unit: "ms" },
    beside: { what: "`ssh peer csync2 -xr -P me`, peer after peer", value: took.inTurn, unit: "ms" },
    ...(limit === undefined ? {} : { limit }),
  };
}
