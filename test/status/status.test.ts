import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type Cluster, type Host, startCluster } from "../cluster/cluster.ts";
import type { StatusResult } from "../../src/status/status.ts";

/** h1, h2 and h3 share the group open; h1 and h2 alone share secret, which has a key of its own. */
const CFG = `nossl * *;
group open {
    host h1 h2 h3;
    key /etc/csync2.key;
    include /srv/open;
}
group secret {
    host h1 h2;
    key /etc/secret.key;
    include /srv/secret;
}
`;

describe("csync2rev --status", () => {
  let cluster: Cluster, h1: Host, h2: Host, h3: Host;
  before(async () => {
    cluster = await startCluster({ cfg: CFG });
    [h1, h2, h3] = ["h1", "h2", "h3"].map((name) => cluster.host(name)) as [Host, Host, Host];
    for (const host of [h1, h2, h3]) {
      host.write("/etc/secret.key", `${"s".repeat(40)}\n`, 0o600);
      await host.serve("inetd");
    }
    for (const name of ["a", "b", "c"]) h1.write(`/srv/open/${name}`, name);
    h1.write("/srv/secret/x", "x");
    await h1.csync2("-cr", "/");
    // Pushed to h2, so that the rest waits for h3.
    await h1.csync2("-u", "-P", "h2", "-G", "open");
    h3.write("/srv/open/from-h3", "3");
    await h3.csync2("-cr", "/");
    // Changed, and not seen by any check.
    h2.write("/srv/open/unseen", "?");
  });
  after(() => cluster.close());

  const lines = (text: string): string[] => text.replaceAll(/\d+\.\d s/g, "N s").split("\n");

  test("shows how many files each peer holds for this host, and this host for each peer", async () => {
    const { code, stdout } = await h3.run(["csync2rev", "--status"]);
    assert.deepEqual(lines(stdout), [
      "PEER  STATUS  HOLDS FOR h3  h3 HOLDS FOR IT",
      "h1    behind             4                2",
      "h2    behind             0                2",
      "",
      "in sync with 0 of 2 peers, as far as csync2 has checked; asked in N s",
      "",
    ]);
    assert.equal(code, 1);
  });

  test("--all shows the matrix of the cluster, of the groups that the asking host shares", async () => {
    const { stdout } = await h3.run(["csync2rev", "--status", "--all"]);
    assert.deepEqual(lines(stdout), [
      "h3 SEES  h3  h1  h2",
      "h3        .   2   2",
      "h1        4   .   0",
      "h2        0   0   .",
      "",
      "in sync with 0 of 2 peers, as far as csync2 has checked; asked in N s",
      "",
    ]);
    const { stdout: json } = await h3.run(["csync2rev", "--status", "--json"]);
    const { peers } = JSON.parse(json) as StatusResult;
    assert.deepEqual(
      peers.map(({ peer, pending, held, holds }) => ({ peer, pending, held, holds })),
      [
        { peer: "h1", pending: 4, held: 2, holds: { h3: 4 } },
        { peer: "h2", pending: 0, held: 2, holds: {} },
      ],
    );
  });

  test("--metrics writes the figures for Prometheus", async () => {
    await h3.run(["csync2rev", "--status", "--metrics", "/run/csync2rev.prom"]);
    const samples = h3
      .read("/run/csync2rev.prom")
      .split("\n")
      .filter((line) => line.startsWith("csync2rev_"));
    assert.deepEqual(samples, [
      "csync2rev_status_tree_gone 0",
      'csync2rev_status_peer_tree_gone{peer="h1",myname="h3",group="open"} 0',
      'csync2rev_status_peer_tree_gone{peer="h2",myname="h3",group="open"} 0',
      'csync2rev_status_pending_files{peer="h1",myname="h3",group="open"} 4',
      'csync2rev_status_pending_files{peer="h2",myname="h3",group="open"} 0',
      'csync2rev_status_held_files{peer="h1",myname="h3",group="open"} 2',
      'csync2rev_status_held_files{peer="h2",myname="h3",group="open"} 2',
    ]);
    h3.write("/run/full/there/file", "");
    const { code, stderr } = await h3.run(["csync2rev", "--status", "--metrics", "/run/full/there"]);
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^csync2rev: cannot write the metrics to \/run\/full\/there: EISDIR|ENOTEMPTY|EEXIST/,
    );
  });

  test("checks nothing, and changes nothing", async () => {
    const before = await Promise.all([h1, h2, h3].map(async (host) => (await host.csync2("-M")).stdout));
    await h3.run(["csync2rev", "--status", "--all"]);
    const after = await Promise.all([h1, h2, h3].map(async (host) => (await host.csync2("-M")).stdout));
    assert.deepEqual(after, before);
  });

  test("is 0 once nobody waits for anything, and names a peer that does not answer", async () => {
    assert.equal((await h3.run(["csync2rev", "--others"])).code, 0);
    await h3.csync2("-u");
    await h2.csync2("-x");
    const { code, stdout } = await h3.run(["csync2rev", "--status"]);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /^in sync with 2 of 2 peers/m);
    await h1.powerOff();
    const down = await h3.run(["csync2rev", "--status", "--connect-timeout", "1"]);
    assert.equal(down.code, 75, down.stdout);
    assert.match(down.stdout, /^h1: unreachable: no-answer: .*no connection within 1 s/m);
  });
});
