import assert from "node:assert/strict";
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { randomFillSync } from "node:crypto";
import { once } from "node:events";
import { describe, test } from "node:test";
import { assertCaughtUp, catchUp, csync2s, dirty, read, untilQuiet } from "../catchup/others.ts";
import { converse, type Conversation } from "../catchup/requester.ts";
import { type Cluster, csync2, csync2rev, type Host, startCluster } from "../cluster/cluster.ts";
import { stopPush, signal } from "../faults/halfway.ts";
import { install } from "./programs.ts";

const FILES = ["/srv/data/a", "/srv/data/b", "/srv/data/c"];
const STALLED =
  /exit=124 .*reason=stalled detail="csync2 \(pid \d+\) got no further for 3 s, as csync2 of the/;
const GONE =
  /exit=124 .*reason=stalled detail="the host that asked has gone, and csync2 \(pid \d+\) got no further/;

describe("nobody keeps a host's lock by doing nothing", { concurrency: 5 }, () => {
  /** h1 has files for the member h2, who takes them in its own manner (null: as it should), and for h3. */
  const inCluster = async (
    settings: string,
    manner: string | null,
    body: (hosts: readonly [Host, Host, Host], cluster: Cluster) => Promise<void>,
  ): Promise<void> => {
    const cluster = await startCluster();
    try {
      const [h1, h2, h3] = ["h1", "h2", "h3"].map((name) => cluster.host(name)) as [Host, Host, Host];
      h1.write("/etc/csync2rev.ini", settings);
      for (const host of cluster.hosts) {
        host.write("/srv/data/own", "the same");
        await host.shell("csync2 -cIr /");
        await host.serve("inetd", host === h2 && manner !== null ? [csync2rev] : [csync2, csync2rev]);
      }
      // More of the first than the kernel takes in advance.
      for (const [i, file] of FILES.entries())
        h1.write(file, randomFillSync(Buffer.alloc(i === 0 ? 10 << 20 : 100_000)));
      if (manner !== null) {
        const stub = h2.spawn([...install(h2, "csync2-stub"), manner]);
        await once(stub.stdout, "data");
      }
      await h1.shell("csync2 -cr /");
      await body([h1, h2, h3], cluster);
    } finally {
      await cluster.close();
    }
  };
  /** h2 asks h1 for a push, and has it begin. */
  const ask = async (
    [h1, h2]: readonly [Host, Host, Host],
    { key }: Cluster,
    verb = "update",
  ): Promise<{ asking: ChildProcessWithoutNullStreams; answer: Promise<Conversation> }> => {
    const asking = h2.spawn("exec socat -t0.2 - TCP:h1:30866");
    const answer = converse(asking, { key, verb, from: "h2", to: "h1" });
    answer.catch(() => undefined);
    await h1.until(
      "csync2 is at it",
      () => csync2s(h1).length > 0 && h1.connectionsTo(csync2.port).length > 0,
    );
    return { asking, answer };
  };
  /** The next member gets all, and nothing is lost or half written: what h2 did not take stays dirty, and comes once it takes it. */
  const endsWell = async ([h1, h2, h3]: readonly [Host, Host, Host], why: RegExp): Promise<void> => {
    assertCaughtUp(await catchUp(h3, "-P", "h1"));
    assert.deepEqual([...h3.tree()], [...h1.tree()]);
    const ended = h1.syslog("csync2rev").filter(({ message }) => /^event=done .* from=h2 /.test(message));
    assert.match(ended.map(({ message }) => message).join("\n"), why);
    for (const file of FILES)
      assert.ok((await dirty(h1, "h2")).includes(file) || h2.read(file) === h1.read(file), file);
    await untilQuiet(h1);
    await h2.stopServices();
    await h2.run("pkill -KILL -f csync2-stub");
    // inetd tries a port again only after ten minutes.
    await h2.until("nothing listens in csync2's place", () => !h2.listens(csync2.port));
    await h2.serve("inetd");
    assertCaughtUp(await catchUp(h2, "-P", "h1"));
    assert.deepEqual([...h2.tree()], [...h1.tree()]);
  };

  for (const manner of ["is-silent", "trickles"])
    test(`a member that takes a push and ${manner.replace("-", " ")}`, () =>
      inCluster("idle-timeout = 3\n", manner, async (hosts, cluster) => {
        await ask(hosts, cluster);
        await endsWell(hosts, STALLED);
      }));

  test("one that trickles its list of files", () =>
    inCluster("idle-timeout = 3\n", "trickles", async (hosts, cluster) => {
      const [h1, , h3] = hosts;
      await h1.shell("csync2 -cIr /; rm /var/lib/csync2/h1.db3; csync2 -cIr /");
      await ask(hosts, cluster, "reconcile");
      await h1.until("csync2 compares", () =>
        h1.processes().some(({ command }) => command.includes(" -T h1 h2")),
      );
      assertCaughtUp(await catchUp(h3, "-P", "h1", "--reconcile"));
      assert.deepEqual([...h3.tree()], [...h1.tree()]);
      await h1.until("it is logged", () =>
        h1.syslog("csync2rev").some(({ message }) => STALLED.test(message)),
      );
      await untilQuiet(h1);
    }));

  for (const [manner, what] of [
    ["endless", "a list of files that has no end"],
    ["endless-long", "a list of long names that has no end"],
  ] as const)
    test(`one with ${what} fills no memory`, () =>
      inCluster("", manner, async (hosts, cluster) => {
        const [h1, , h3] = hosts;
        await h1.shell("rm /var/lib/csync2/h1.db3; csync2 -cIr /");
        const { answer } = await ask(hosts, cluster, "reconcile");
        let peak = 0;
        const look = setInterval(() => {
          const handler = h1.processes().find(({ command }) => command.endsWith("csync2rev -i"));
          if (handler !== undefined) peak = Math.max(peak, h1.peakMemory(handler.pid));
        }, 100);
        const done = (await answer).replies.at(-1);
        clearInterval(look);
        assert.match(
          JSON.stringify(done),
          /"exit":1,.*the databases list files in different orders, and more than 200000 differ, or/,
        );
        assert.ok(peak > 10_000 && peak < 300_000, `${peak} kB at its peak`);
        assertCaughtUp(await catchUp(h3, "-P", "h1", "--reconcile"));
        await untilQuiet(h1);
      }));

  test("one that trickles, and hung up", () =>
    inCluster("", "trickles", async (hosts, cluster) => {
      const { asking } = await ask(hosts, cluster);
      asking.kill("SIGKILL");
      await endsWell(hosts, GONE);
    }));

  test("one that loses power in the middle of a push", () =>
    inCluster("", null, async (hosts, cluster) => {
      const [h1, h2] = hosts;
      const asked = ask(hosts, cluster);
      const pid = await stopPush(h1);
      await asked;
      await h2.powerOff();
      await signal(h1, "CONT", pid);
      const { code, stderr, stdout } = await hosts[2].run("csync2rev --others --json --deadline 120 -P h1");
      assertCaughtUp(read({ code, stderr, stdout }));
      await h2.boot();
      await endsWell(hosts, GONE);
    }));

  test("an honest host whose csync2 hangs is told so, and what to do", () =>
    inCluster("idle-timeout = 3\n", null, async (hosts) => {
      const [h1, h2] = hosts;
      const asking = h2.run("csync2rev --others -P h1");
      const pid = await stopPush(h1);
      await h2.shell("pkill -STOP -f 'csync2 -i'");
      await signal(h1, "CONT", pid);
      const { code, stdout } = await asking;
      assert.equal(code, 1, stdout);
      assert.match(stdout, /^h1: failed: stalled: csync2 \(pid \d+\) got no further for 3 s/m);
      assert.match(stdout, /^ {2}→ look on h2 for what keeps csync2 -i waiting/m);
      await h2.shell("pkill -CONT -f 'csync2 -i'");
      await endsWell(hosts, STALLED);
    }));
});
