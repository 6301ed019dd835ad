import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, test } from "node:test";
import { csync2, groupOf, startCluster, type Host } from "../cluster/cluster.ts";
import { catchUp, peerOf } from "../catchup/others.ts";
import type { StatusResult } from "../../src/status/status.ts";
import { install } from "./programs.ts";

const IMPOSTORS = Array.from({ length: 8 }, (_, i) => `bad${i + 1}`);

/** Bad peers come first in csync2.cfg; h2 and h3 have a file each for h1. */
async function inCluster(
  manner: string,
  count: number,
  body: (h1: Host) => Promise<void>,
  key?: string,
): Promise<void> {
  const [name = "", ...aliases] = IMPOSTORS;
  const names = IMPOSTORS.slice(0, count);
  const cfg = groupOf([...names, "h1", "h2", "h3"]);
  const cluster = await startCluster({ hosts: ["h1", "h2", "h3", { name, aliases }], cfg });
  try {
    const [h1, bad] = [cluster.host("h1"), cluster.host(name)];
    for (const host of [h1, bad]) await host.run(["ip", "route", "add", "10.77.0.0/16", "dev", "eth0"]);
    await h1.serve("inetd", [csync2]);
    for (const host of [cluster.host("h2"), cluster.host("h3")]) {
      await host.serve("inetd");
      host.write(`/srv/data/from-${host.name}`, host.name);
    }
    const program = install(bad, "peer-stub");
    for (const name of names) {
      const address = cluster.addresses(name)[0] ?? "";
      const child = bad.spawn([...program, manner, key ?? cluster.key, "30866", address]);
      await once(child.stdout, "data");
    }
    await body(h1);
  } finally {
    await cluster.close();
  }
}

const arrived = (h1: Host): string[] => [...h1.tree().keys()];

// They mostly wait for a deadline.
describe("a bad peer never costs the files of the others", { concurrency: 3 }, () => {
  test("one that pushes nothing and says for ever that it is alive", () =>
    inCluster("alive-for-ever", 1, async (h1) => {
      const result = await catchUp(h1, "--deadline", "6");
      assert.deepEqual(result.outcomes, ["busy", "caught-up", "caught-up"], JSON.stringify(result));
      assert.deepEqual(arrived(h1), ["from-h2", "from-h3"]);
      assert.match(peerOf(result, "bad1").detail ?? "", /at the deadline$/);
    }));

  describe("strangers in the place of peers, who have no key", () => {
    const impostors = (count: number, body: (h1: Host) => Promise<void>): Promise<void> =>
      inCluster("trickles-a-reply", count, body, "0".repeat(32));

    test("eight of them, under the defaults", () =>
      impostors(8, async (h1) => {
        const result = await catchUp(h1, "--deadline", "6");
        assert.deepEqual(result.outcomes.slice(-2), ["caught-up", "caught-up"], JSON.stringify(result));
        assert.deepEqual(arrived(h1), ["from-h2", "from-h3"]);
      }));

    test("with --jobs 1", () =>
      impostors(2, async (h1) => {
        const result = await catchUp(h1, "--deadline", "6", "--jobs", "1");
        assert.deepEqual(result.outcomes.slice(-2), ["caught-up", "caught-up"], JSON.stringify(result));
      }));

    test("with --status", () =>
      impostors(2, async (h1) => {
        const { stdout } = await h1.run("csync2rev --status --json --deadline 6 --jobs 1");
        const { peers } = JSON.parse(stdout) as StatusResult;
        assert.deepEqual(
          peers.slice(-2).map(({ outcome }) => outcome),
          ["in-sync", "in-sync"],
          stdout,
        );
      }));

    test("with --dry-run", () =>
      impostors(2, async (h1) => {
        const result = await catchUp(h1, "--deadline", "6", "--dry-run");
        assert.deepEqual(result.outcomes.slice(-2), ["pending", "pending"], JSON.stringify(result));
      }));
  });

  for (const [mode, expected] of [
    ["--others", "caught-up"],
    ["--status", "in-sync"],
    ["--test", "answered"],
  ] as const)
    test(`one that loses a request is asked again: ${mode}`, () =>
      inCluster("hangs-up-once", 1, async (h1) => {
        const { stdout } = await h1.run(`csync2rev ${mode} --json --deadline 10 -P bad1`);
        const { peers } = JSON.parse(stdout) as { peers: { outcome: string }[] };
        assert.deepEqual(
          peers.map(({ outcome }) => outcome),
          [expected],
          stdout,
        );
      }));

  test("a greeting of one byte each 0.9 s is no greeting within the connect-timeout", () =>
    inCluster("trickles-its-greeting", 1, async (h1) => {
      const result = await catchUp(h1, "--deadline", "6", "--connect-timeout", "2", "-P", "bad1");
      const { outcome, reason, detail, attempts } = peerOf(result, "bad1");
      assert.deepEqual([outcome, reason], ["unreachable", "no-greeting"], JSON.stringify(result));
      assert.match(detail ?? "", /no greeting within 2 s$/);
      assert.ok(attempts > 1, `asked ${attempts} times: a new try after each`);
    }));
});
