import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { type Cluster, csync2rev, type Host, startCluster } from "../cluster/cluster.ts";
import { catchUp, peerOf } from "../catchup/others.ts";

const READY_SOON = "[others]\nready-timeout = 1\n";

describe("this host's own csync2, as its peers see it", () => {
  let cluster: Cluster;
  let h1: Host;
  let h2: Host;
  before(async () => {
    cluster = await startCluster({ hosts: ["h1", "h2"] });
    [h1, h2] = [cluster.host("h1"), cluster.host("h2")];
  });
  after(() => cluster.close());
  beforeEach(async () => {
    await cluster.reset();
    await Promise.all([h1, h2].map((host) => host.serve("inetd")));
    h1.write("/srv/data/file", "1");
    h2.write("/etc/csync2rev.ini", READY_SOON);
  });

  /** Starts a program that serves port 30865, in place of csync2 by inetd. */
  async function instead(command: readonly string[]): Promise<void> {
    await h2.serve("inetd", [csync2rev]);
    h2.spawn(command);
    await h2.until("port 30865 is served", () => h2.listens(30865));
  }

  /** What `--others` says of h1, and `--test` of this host, if csync2 cannot be pushed to. */
  async function troubles(): Promise<{ others: string; test: string }> {
    const result = await catchUp(h2);
    const { outcome, reason, detail } = peerOf(result, "h1");
    assert.deepEqual([result.code, outcome, reason], [1, "failed", "not-ready"], JSON.stringify(result));
    const { stdout, stderr, code } = await h2.run(["csync2rev", "--test", "-q"]);
    assert.equal(stderr, "");
    assert.notEqual(code, 0, stdout);
    return { others: detail ?? "", test: stdout };
  }

  test("listens on 127.0.1.1 only, which Debian writes for the own name: not ready, and why", async () => {
    h2.write("/etc/hosts", "127.0.0.1 localhost\n127.0.1.1 h2\n10.77.0.1 h1\n");
    await instead(["csync2", "-ii", "-N", "h2"]);
    const said = await troubles();
    assert.match(
      said.others,
      /does not answer at h2 \(10\.77\.0\.2\) port 30865: nothing listens there; it answers only at 127\.0\.1\.1.*: peers could not push; write 10\.77\.0\.2 instead of 127\.0\.1\.1 into \/etc\/hosts, and start csync2 again/,
    );
    assert.match(said.test, /^failed +csync2 on port 30865 of h2: .*it answers only at 127\.0\.1\.1/m);
  });

  test("127.0.1.1 for the own name, and csync2 listens everywhere: it catches up", async () => {
    h2.write("/etc/hosts", "127.0.0.1 localhost\n127.0.1.1 h2\n10.77.0.1 h1\n");
    assert.equal((await catchUp(h2)).code, 0);
    assert.equal(h2.read("/srv/data/file"), "1");
  });

  test("takes the connection and stays silent: not ready, and the peer's lock is not held meanwhile", async () => {
    await instead(["socat", "TCP-LISTEN:30865,reuseaddr,fork", "EXEC:'sleep 600'"]);
    const said = await troubles();
    assert.match(said.others, /does not answer at h2 \(10\.77\.0\.2\) port 30865: no answer within 5 s/);
    assert.match(said.test, /^failed +csync2 on port 30865 of h2: .* no answer within 5 s/m);
    const pushes = (await h1.logged()).filter(({ message }) => message.includes("verb=update"));
    assert.deepEqual(pushes, []);
  });

  test("is another program: not ready, and what it said", async () => {
    await instead([
      "socat",
      "TCP-LISTEN:30865,reuseaddr,fork",
      "SYSTEM:'echo SSH-2.0-OpenSSH_9.2; cat >/dev/null'",
    ]);
    const said = await troubles();
    assert.match(
      said.others,
      /^what listens at h2 .* is not a csync2 that accepts files: it says "SSH-2\.0-OpenSSH_9\.2"/,
    );
  });

  test("has a database that is spoiled: not ready, with csync2's own word", async () => {
    await h2.csync2("-cIr", "/");
    h2.write("/var/lib/csync2/h2.db3", "this is no database".repeat(1000));
    const said = await troubles();
    assert.match(said.others, /^csync2 on this host cannot read its database: .*not a database/);
    assert.match(said.test, /^failed +csync2's database: csync2 cannot read it: .*not a database/m);
  });

  test("listens on another port than csync2-options has it: not ready, and both are named", async () => {
    h2.write("/etc/csync2rev.ini", `csync2-options = -p 30900\n${READY_SOON}`);
    const said = await troubles();
    assert.match(
      said.others,
      /does not answer at h2 \(10\.77\.0\.2\) port 30900: nothing listens there: .*with -p 30900 as csync2-options in csync2rev\.ini has it/,
    );
  });
});
