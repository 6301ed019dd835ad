import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { askOver } from "../catchup/requester.ts";
import { type Cluster, type Host, startCluster } from "../cluster/cluster.ts";
import { catchUp, peerOf } from "../catchup/others.ts";

/** The commonest half-done firewall rule: csync2rev's port is open between the members, csync2's is not. */
describe("a firewall drops what comes to the requester's csync2", () => {
  let cluster: Cluster, h1: Host, h2: Host, h3: Host;
  before(async () => {
    cluster = await startCluster({ packages: ["nftables"] });
    [h1, h2, h3] = [cluster.host("h1"), cluster.host("h2"), cluster.host("h3")];
  });
  after(() => cluster.close());
  beforeEach(async () => {
    await cluster.reset();
    await Promise.all(cluster.hosts.map((host) => host.serve("inetd")));
    await h3.shell("nft add table ip f && nft add chain ip f in '{ type filter hook input priority 0; }'");
    await h3.shell("nft add rule ip f in iifname eth0 tcp dport 30865 drop");
    h1.write("/srv/data/a", "a");
    await h1.shell("csync2 -cr /");
  });
  const words =
    "h1 cannot reach this host's csync2 at 10.77.0.3 port 30865: no answer within 5 s, perhaps because of a firewall";

  for (const verb of ["ping", "update", "preview", "reconcile"])
    test(`${verb}: csync2 is not started, and it says why`, async () => {
      const { replies } = await askOver(h3, "h1", { key: cluster.key, verb });
      const done = replies.at(-1);
      assert.ok(done?.type === "done", JSON.stringify(replies));
      assert.deepEqual([done.exit, done.attempts, done.reason, done.detail], [1, 0, "no-way-back", words]);
      const line = (await h1.logged("csync2rev", 2)).at(-1);
      assert.match(line?.message ?? "", /^event=done .* reason=no-way-back detail="h1 cannot reach /);
    });

  test("--others and --test say so", async () => {
    const result = await catchUp(h3, "-P", "h1");
    const { outcome, reason, detail, pending } = peerOf(result, "h1");
    assert.deepEqual([result.code, outcome, reason, detail], [1, "failed", "no-way-back", words]);
    assert.equal(pending, 2, "what its check has found is known all the same");
    const { code, stdout } = await h3.run(["csync2rev", "--test", "-P", "h1"]);
    assert.equal(code, 1);
    assert.match(
      stdout,
      /^failed +ping h1: failed: no-way-back: in group cluster: h1 cannot reach this host's csync2 /m,
    );
  });

  test("others are served meanwhile: no lock is held", async () => {
    const hindered = askOver(h3, "h1", { key: cluster.key, verb: "update" });
    await h1.until("it has been accepted", () =>
      h1.syslog("csync2rev").some(({ message }) => message.startsWith("event=accepted")),
    );
    const { replies } = await askOver(h2, "h1", { key: cluster.key, verb: "update", from: "h2" });
    assert.ok(!h1.syslog("csync2rev").some(({ message }) => message.includes("no-way-back")));
    const done = replies.at(-1);
    assert.ok(done?.type === "done");
    assert.deepEqual([done.exit, done.pending], [0, 0]);
    await hindered;
  });

  test("where nothing listens csync2 is tried all the same: it may be starting", async () => {
    await h3.shell("nft flush ruleset");
    await h3.stopServices();
    h1.write("/etc/csync2rev.ini", "retries = 0\n");
    const { replies } = await askOver(h3, "h1", { key: cluster.key, verb: "update" });
    const done = replies.at(-1);
    assert.ok(done?.type === "done");
    assert.deepEqual([done.attempts, done.reason], [1, undefined]);
  });
});
