import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { assertCaughtUp, catchUp, peerOf } from "../catchup/others.ts";
import { type Cluster, groupOf, type Host, type ServiceText, startCluster } from "../cluster/cluster.ts";

function group(name: string, hosts: string, include: string): string {
  return `group ${name} {\n  host ${hosts};\n  key /etc/csync2.key;\n  include ${include};\n  auto younger;\n}\n`;
}

/** inetd's lines for a network that has IPv6 only. */
const OVER_IPV6: readonly ServiceText[] = (
  [
    ["csync2", 30865],
    ["csync2rev", 30866],
  ] as const
).map(([name, port]) => ({
  text: `${name} stream tcp6 nowait.1000 root /usr/sbin/${name} ${name} -i\n`,
  port,
}));

describe("the names and addresses of a cluster", () => {
  let cluster: Cluster;
  let h1: Host;
  let h2: Host;
  before(async () => {
    cluster = await startCluster({
      hosts: ["h1", "h2"].map((name) => ({ name, aliases: [`${name}-b`] })),
      cfg: groupOf(["h1", "h2"]),
      ipv6: true,
    });
    [h1, h2] = [cluster.host("h1"), cluster.host("h2")];
  });
  after(() => cluster.close());

  /** What `--test` has to say of a host's names and peers; empty if all is well. */
  async function troubles(host: Host, ...options: readonly string[]): Promise<string> {
    return (await host.run(["csync2rev", "--test", "-q", ...options])).stdout;
  }

  for (const order of [
    ["a", "b"],
    ["b", "a"],
  ])
    test(`two groups over two networks, ${order.join(" first, then ")}: each conversation leaves from its own`, async () => {
      const groups: Readonly<Record<string, string>> = {
        a: group("a", "h1 h2", "/srv/a"),
        b: group("b", "h1@h1-b h2@h2-b", "/srv/b"),
      };
      await cluster.reset(order.map((name) => groups[name] ?? "").join(""));
      for (const host of [h1, h2]) {
        host.write("/etc/hosts", host.read("/etc/hosts").replaceAll(/^fd77.*\n/gm, ""));
        await host.serve("inetd");
      }
      h1.write("/srv/a/file", "over the first network");
      h1.write("/srv/b/file", "over the second network");

      assert.equal(await troubles(h2), "");
      const result = await catchUp(h2);
      assert.deepEqual(
        [result.code, result.outcomes],
        [0, ["caught-up", "caught-up"]],
        JSON.stringify(result),
      );
      assert.deepEqual(
        [h2.read("/srv/a/file"), h2.read("/srv/b/file")],
        ["over the first network", "over the second network"],
      );
      const accepted = (): string[] =>
        h1
          .syslog("csync2rev")
          .map(({ message }) => /^event=accepted verb=reconcile .* from=(\S+) address=(\S+)/.exec(message))
          .filter((found) => found !== null)
          .map(([, from, address]) => `${from ?? ""} ${address ?? ""}`);
      await h1.until("both are logged", () => accepted().length === 2);
      assert.deepEqual(accepted().sort(), ["h2 10.77.0.2", "h2-b 10.77.1.2"]);
    });

  test("names with an address in each of two networks: it leaves from the one that leads there", async () => {
    await cluster.reset(groupOf(["h1", "h2"]));
    for (const host of [h1, h2]) {
      host.write("/etc/host.conf", "multi on\n");
      host.write("/etc/hosts", "10.77.1.1 h1\n10.77.0.1 h1\n10.77.0.2 h2\n10.77.1.2 h2\n");
      await host.serve("inetd");
    }
    h1.write("/srv/data/file", "b");
    const result = await catchUp(h2);
    assert.equal(result.code, 0, JSON.stringify(result));
    const [line] = await h1.logged();
    assert.match(line?.message ?? "", /^event=accepted verb=check .* from=h2 address=10\.77\.1\.2$/);
  });

  for (const [what, hosts] of [
    ["names that have IPv6 addresses only", "h1 h2"],
    ["IPv6 addresses in place of names", "h1@fd77::0:1 h2@fd77::0:2"],
  ] as const)
    test(`${what}: as with IPv4`, async () => {
      await cluster.reset(group("six", hosts, "/srv/data"));
      for (const host of [h1, h2]) {
        host.write("/etc/hosts", "::1 localhost\nfd77::0:1 h1\nfd77::0:2 h2\n");
        await host.serve("inetd", OVER_IPV6);
      }
      h1.write("/srv/data/file", "six");
      const found = await troubles(h2);
      assert.doesNotMatch(found, /^failed/m);
      const result = await catchUp(h2);
      assertCaughtUp(result);
      assert.equal(h2.read("/srv/data/file"), "six");
    });

  test("addresses of both kinds, and /etc/host.conf lacks multi on: csync2 refuses, and --test and --others say why", async () => {
    await cluster.reset(group("six", "h1 h2", "/srv/data"));
    h1.write("/etc/hosts", "fd77::0:1 h1\n10.77.0.2 h2\nfd77::0:2 h2\n");
    h2.write("/etc/hosts", "fd77::0:1 h1\nfd77::0:2 h2\n");
    for (const host of [h1, h2]) await host.serve("inetd", OVER_IPV6);
    h1.write("/srv/data/file", "six");
    assert.match((await h2.csync2("-T", "h2", "h1")).stderr, /h1 did not accept my identification/);
    const { stdout } = await h2.run("csync2rev --others --deadline 10");
    assert.match(
      stdout,
      /^h1: refused: wrong-address: fd77::2 is not an address of "h2" there: it resolves to 10\.77\.0\.2\. .* "multi on" /m,
    );
    assert.match(
      await troubles(h1),
      /^warning {2}\/etc\/hosts: it has fd77::2 for h2, and the name does not resolve to that.*\n.*"multi on" into \/etc\/host\.conf/m,
    );
    h1.write("/etc/host.conf", "multi on\n");
    assertCaughtUp(await catchUp(h2));
    assert.doesNotMatch(await troubles(h1), /\/etc\/hosts/);
  });

  test("-C www, and the peer has no csync2_www.cfg: that is among what may be wrong", async () => {
    await cluster.reset(groupOf(["h1", "h2"]));
    await Promise.all([h1, h2].map((host) => host.serve("inetd")));
    h2.write("/etc/csync2_www.cfg", groupOf(["h1", "h2"]));
    const result = await catchUp(h2, "-C", "www");
    assert.deepEqual([result.code, result.outcomes], [77, ["unanswered"]]);
    assert.match(peerOf(result, "h1").detail ?? "", /^no answer: it has no csync2_www\.cfg, or its key /);
    const [line] = await h1.logged();
    assert.match(line?.message ?? "", /message="config name \\"www\\" was asked for, there is none here"/);
  });

  test("a hostname with a domain, which csync2.cfg does not have: the name that was looked for is told", async () => {
    await cluster.reset(groupOf(["h1", "h2"]));
    await h2.run("hostname h2.example.org");
    const { code, stderr } = await h2.run("csync2rev --others");
    assert.equal(code, 78);
    assert.match(stderr, /^csync2rev: this host, "h2\.example\.org", is in no group of csync2\.cfg: /);
    assert.match(await troubles(h2), /no group in .* names h2\.example\.org/);
  });
});
