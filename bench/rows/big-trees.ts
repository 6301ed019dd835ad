import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { bundled } from "../../test/cluster/bundled.ts";
import type { Host } from "../../test/cluster/cluster.ts";
import { interleaved, timed } from "../measure.ts";
import type { Row } from "../results.ts";
import { type Build, type Extent, succeed, withCluster } from "../stage.ts";

const A_DIRECTORY = 1_000;

/** What csync2rev adds to a check that finds nothing, on hosts with many files. */
export async function bigTrees({ quick, build }: Extent): Promise<Row[]> {
  const rows: Row[] = [];
  for (const files of quick ? [10_000] : [100_000, 1_000_000])
    rows.push(...(await bigTree(build, files, quick || files > 100_000 ? 2 : 7)));
  return rows;
}

async function bigTree(build: Build, files: number, runs: number): Promise<Row[]> {
  return await withCluster(build, { hosts: ["h1", "h2"] }, async (cluster) => {
    const [h1, h2] = [cluster.host("h1"), cluster.host("h2")];
    await Promise.all([h1.serve("inetd"), h2.serve("inetd")]);
    const make = `for d in $(seq ${files / A_DIRECTORY}); do mkdir /srv/data/d$d; cd /srv/data/d$d; seq -f f%g ${A_DIRECTORY} | xargs touch -d @1700000000; done`;
    for (const host of [h1, h2]) {
      await succeed(host, ["bash", "-c", make]);
      await succeed(host, ["csync2", "-cIr", "/"]);
    }
    const looks = new Looks(h2);
    const took = await interleaved(runs, {
      check: async () => await timed(() => succeed(h2, ["csync2", "-cr", "/"])),
      sample: async () => await looks.look("90%"),
      whole: async () => await looks.look(String(files)),
      others: async () => await timed(() => succeed(h1, ["csync2rev", "--others", "--deadline", "600"])),
    });
    await looks.close();
    const subject = `${files.toLocaleString("en")} files, nothing to do`;
    const beside = { what: "`csync2 -cr /`", value: took.check, unit: "ms" } as const;
    const row = (what: string, value: number, limit?: number): Row => ({
      subject,
      measured: { what, value, unit: "ms" },
      beside,
      ...(limit === undefined ? {} : { limit }),
    });
    return [
      row("a look ahead of a check whether the files are there", took.sample, 0.05),
      row("the same with a number as `max-deleted`, which reads all records", took.whole),
      row("`csync2rev --others` as a whole", took.others, 1.05),
    ];
  });
}

/** A process on a host that looks, as a handler does, as often as it is told to. */
class Looks {
  readonly #child: ReturnType<Host["spawn"]>;
  readonly #lines: AsyncIterator<string>;
  #complaint = "";

  constructor(host: Host) {
    const file = "/opt/guard.mjs";
    host.write(file, bundled(join(import.meta.dirname, "../guard.ts")));
    this.#child = host.spawn(["node", file]);
    this.#child.stderr.setEncoding("utf8").on("data", (text: string) => (this.#complaint += text));
    this.#lines = createInterface(this.#child.stdout)[Symbol.asyncIterator]();
  }

  async look(maxDeleted: string): Promise<number> {
    this.#child.stdin.write(`${maxDeleted}\n`);
    const line = await this.#lines.next();
    if (line.done === true) throw new Error(this.#complaint);
    return Number(line.value);
  }

  async close(): Promise<void> {
    this.#child.stdin.end();
    await once(this.#child, "close");
  }
}
