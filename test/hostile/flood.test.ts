import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { csync2, startCluster } from "../cluster/cluster.ts";
import { asking, connectFrom } from "./programs.ts";

const shipped = (file: string): string => readFileSync(join(import.meta.dirname, "../..", file), "utf8");

/** As nftables/csync2rev.nft says. */
const STRANGERS = 100;
const NETWORKS = 40;
const FROM_EACH = 10;

describe("400 strangers who say nothing, from 40 networks", () => {
  test("with the nftables rule and the file for xinetd that are shipped, a member is served while they hold on", async () => {
    const aliases = Array.from({ length: NETWORKS }, (_, i) => `a${i}`);
    const hosts = ["h1", "h2", { name: "h3", aliases }];
    const cluster = await startCluster({ hosts, packages: ["nftables"] });
    try {
      const [h1, h2, h3] = [cluster.host("h1"), cluster.host("h2"), cluster.host("h3")];
      for (const host of [h2, h3]) await host.shell("ip route add 10.77.0.0/16 dev eth0");
      // They stay as long as the test wants.
      h2.write("/etc/csync2rev.ini", "request-timeout = 60\n");
      const xinetd = shipped("xinetd/csync2rev").replace(/disable\s*=\s*yes/, "disable = no");
      await h1.serve("inetd", [csync2]);
      await h2.serve("xinetd", [csync2, { port: 30866, text: xinetd }]);
      const rules = shipped("nftables/csync2rev.nft").replace("192.0.2.0/24", "10.77.0.1");
      h2.write("/etc/csync2rev.nft", rules);
      await h2.shell("nft -f /etc/csync2rev.nft");
      // A second time changes nothing.
      await h2.shell("nft -f /etc/csync2rev.nft");

      const silent = aliases.flatMap((name) =>
        Array.from({ length: FROM_EACH }, () => ({
          host: "h2",
          from: cluster.addresses(name)[0] ?? "",
          patience: 120_000,
        })),
      );
      connectFrom(h3, silent, silent.length).catch(() => undefined);
      const held = (): number =>
        h2.processes().filter(({ command }) => command.endsWith("csync2rev -i")).length;
      // Those that come at the same time can keep one another out.
      await h2.until("strangers hold on", () => held() >= STRANGERS / 2, 60_000);

      const [outcome] = await connectFrom(h1, [
        { host: "h2", seal: { key: cluster.key, text: asking("ping") } },
      ]);
      assert.deepEqual(
        outcome?.replies.map((reply) => (reply as { type: string }).type),
        ["accepted", "done"],
        JSON.stringify(outcome),
      );
      assert.ok(held() >= STRANGERS / 2 && held() <= STRANGERS, `${held()} strangers`);
    } finally {
      await cluster.close();
    }
  });
});
