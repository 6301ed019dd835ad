import type { Host, Service } from "../../test/cluster/cluster.ts";
import { interleaved } from "../measure.ts";
import type { Row } from "../results.ts";
import { Client, type Extent, withCluster } from "../stage.ts";

/** csync2's parser has room for about 9,990 blocks. */
const GROUPS = { empty: 0, big: 1_000, huge: 9_900 };
const HOSTS_PER_GROUP = 10;

/** What a large csync2.cfg adds to the handler. */
export async function bigConfiguration({ quick, build }: Extent): Promise<Row[]> {
  return await withCluster(build, { hosts: ["h1", "h2"] }, async (cluster) => {
    const h2 = cluster.host("h2");
    const names = Object.keys(GROUPS) as (keyof typeof GROUPS)[];
    const services = names.map((name, index) => serviceOf(name, 30870 + index));
    for (const name of names) writeConfiguration(h2, name, GROUPS[name]);
    await h2.serve("inetd", services);
    const client = new Client(cluster.host("h1"));
    const ask = (config: keyof typeof GROUPS) => async (): Promise<number> => {
      const port = services[names.indexOf(config)]?.port ?? 0;
      return (await client.run({ host: "h2", port, verb: "ping", config })).ms;
    };
    const took = await interleaved(quick ? 3 : 30, {
      empty: ask("empty"),
      big: ask("big"),
      huge: ask("huge"),
    });
    await client.close();
    const more = took.big - took.empty;
    return [
      {
        subject: "A csync2.cfg of 1,000 groups and 10,000 hosts",
        measured: { what: "what a `ping` takes more than with one group", value: more, unit: "ms" },
        limit: 60,
      },
      {
        subject: "One of 9,900 groups and 99,000 hosts",
        measured: {
          what: "what a `ping` takes more than with one group",
          value: took.huge - took.empty,
          unit: "ms",
        },
        beside: { what: "9.9 times the row above", value: 9.9 * more, unit: "ms" },
        limit: 1.2,
      },
    ];
  });
}

function serviceOf(config: string, port: number): Service {
  return { name: String(port), port, command: ["/usr/sbin/csync2rev", "-i", "-C", config] };
}

/** One group with the two hosts of the cluster, and `groups` that they are not in. */
function writeConfiguration(host: Host, name: string, groups: number): void {
  const blocks = Array.from({ length: groups }, (_, group) => {
    const hosts = Array.from({ length: HOSTS_PER_GROUP }, (_, index) => `node${group}-${index}`).join(" ");
    return `group g${group} {\n    host ${hosts};\n    key /etc/csync2.key;\n    include /srv/g${group};\n    exclude *~;\n    auto younger;\n}\n`;
  });
  const own = "group cluster {\n    host h1 h2;\n    key /etc/csync2.key;\n    include /srv/data;\n}\n";
  host.write(`/etc/csync2_${name}.cfg`, `nossl * *;\n${blocks.join("")}${own}`);
}
