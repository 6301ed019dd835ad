import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { type Cluster, type Host, startCluster } from "../cluster/cluster.ts";
import type { Holding } from "./holding.ts";
import { asking, connectFrom, install } from "./programs.ts";

const shipped = (file: string): string => readFileSync(join(import.meta.dirname, "../..", file), "utf8");

/** As nftables/csync2rev.nft says. */
const STRANGERS = 50;
const NETWORKS = 40;
const FROM_EACH = 10;

/** Of one network: a /24, or a /64 of IPv6. */
const OF_ONE_NETWORK = 10;

describe("400 strangers who say nothing and come again", () => {
  const aliases = Array.from({ length: NETWORKS }, (_, i) => `a${i}`);
  let cluster: Cluster, h1: Host, h2: Host, h3: Host;
  before(async () => {
    const hosts = ["h1", "h2", { name: "h3", aliases }];
    cluster = await startCluster({ hosts, ipv6: true, packages: ["nftables"] });
    [h1, h2, h3] = [cluster.host("h1"), cluster.host("h2"), cluster.host("h3")];
  });
  beforeEach(async () => {
    await cluster.reset();
    for (const host of [h2, h3])
      await host.shell("ip route add 10.77.0.0/16 dev eth0; ip route add fd77::/64 dev eth0");
    // As on Debian: a name in /etc/hosts may have addresses of both kinds.
    h2.write("/etc/host.conf", "multi on\n");
    // They stay as long as the test wants.
    h2.write("/etc/csync2rev.ini", "request-timeout = 60\n");
    const xinetd = shipped("xinetd/csync2rev").replace(/disable\s*=\s*yes/, "disable = no\n\tflags = IPv6");
    await h2.serve("xinetd", [{ port: 30866, text: xinetd }]);
    const rules = shipped("nftables/csync2rev.nft")
      .replace("192.0.2.0/24", addressOf("h1", 4))
      .replace("2001:db8::/64", addressOf("h1", 6));
    h2.write("/etc/csync2rev.nft", rules);
    await h2.shell("nft -f /etc/csync2rev.nft");
    // A second time changes nothing.
    await h2.shell("nft -f /etc/csync2rev.nft");
  });
  after(() => cluster.close());

  const addressOf = (name: string, family: 4 | 6): string =>
    cluster.addresses(name)[family === 4 ? 0 : 1] ?? "";
  const held = (): number => h2.processes().filter(({ command }) => command.endsWith("csync2rev -i")).length;
  const holdOn = (family: 4 | 6): void => {
    const from = aliases.map((name) => addressOf(name, family));
    const holding: Holding = {
      host: addressOf("h2", family),
      port: 30866,
      from,
      each: FROM_EACH,
      again: 500,
    };
    const strangers = h3.spawn(install(h3, "holding"));
    strangers.stdout.resume();
    strangers.stderr.resume();
    strangers.stdin.end(JSON.stringify(holding));
  };
  const memberIsServed = async (family: 4 | 6): Promise<void> => {
    const seal = { key: cluster.key, text: asking("ping") };
    const [outcome] = await connectFrom(h1, [{ host: addressOf("h2", family), seal }]);
    const types = outcome?.replies.map((reply) => (reply as { type: string }).type);
    assert.deepEqual(types, ["accepted", "done"], JSON.stringify(outcome));
  };

  test("from 40 networks: with the nftables rule and the file for xinetd that are shipped, a member is served meanwhile", async () => {
    holdOn(4);
    await h2.until("as many strangers as may hold on", () => held() === STRANGERS, 60_000);
    await memberIsServed(4);
    await memberIsServed(6);
    await h2.until("no more strangers than that", () => held() <= STRANGERS);
  });

  test("from 40 addresses of one IPv6 /64: they count as one, and a member in the same /64 is served", async () => {
    holdOn(6);
    await h2.until("as many strangers as may hold on", () => held() === OF_ONE_NETWORK, 60_000);
    await memberIsServed(6);
    await h2.until("no more strangers than that", () => held() <= OF_ONE_NETWORK);
  });
});
