import type { Host } from "../../test/cluster/cluster.ts";
import type { Row } from "../results.ts";
import { type Extent, succeed, withCluster } from "../stage.ts";

const [FEW, MANY] = [1_000, 1_000_000];
/** Files of the list that are there: as many as are looked at ahead of a push. */
const THERE = 2_000;
const LOOK_EVERY = 15;

/** Stands in for csync2: prints what csync2 would for a database with so many files, the same on both hosts. */
const LISTS = `#!/bin/bash
record=v1:mtime=1700000000:mode=33188:uid=0:gid=0:type=reg:size=0
count=$(cat /opt/count)
match=$'\\nMatch (+): /srv/data on /srv/data/f00000000\\n'
case " $* " in
*" -S "* | *" -L "*) seq -f "$record	/srv/data/f%08.0f" $count ;;
*" -T "*)
  seq -s "$match" -f "Fetched tuple from peer: /srv/data/f%08.0f [$record]" $count >&2
  printf '%s\\n' 'End of query results: OK (cmd_finished).' 'Finished with 0 errors.' >&2
  exit 2
  ;;
*" -M "*) echo 'Finished with 0 errors.' >&2; exit 2 ;;
esac
echo 'Finished with 0 errors.' >&2
`;

/** What a comparison of the databases takes, if they are large, beside what it takes if they are small. */
export async function millionFiles({ build }: Extent): Promise<Row[]> {
  return await withCluster(build, { hosts: ["h1", "h2"] }, async (cluster) => {
    const [h1, h2] = [cluster.host("h1"), cluster.host("h2")];
    for (const host of [h1, h2]) {
      host.write("/opt/csync2-that-lists", LISTS, 0o755);
      host.write("/etc/csync2rev.ini", "csync2 = /opt/csync2-that-lists\n");
      host.write("/srv/data/.keep", "");
      await succeed(host, ["bash", "-c", `cd /srv/data; seq -f f%08.0f ${THERE} | xargs touch`]);
      await host.serve("inetd");
    }
    const peaksOf = async (count: number): Promise<{ requester: number; handler: number }> => {
      for (const host of [h1, h2]) host.write("/opt/count", String(count));
      return {
        requester: await peakWhile(h1, "csync2rev --others", succeed(h1, othersWith("--verify"))),
        handler: await peakWhile(h2, "csync2rev -i", succeed(h1, othersWith("--reconcile"))),
      };
    };
    const [few, many] = [await peaksOf(FEW), await peaksOf(MANY)];
    const row = (what: string, side: keyof typeof few): Row => ({
      subject: "A database of 1,000,000 files",
      measured: { what, value: many[side], unit: "MB" },
      beside: { what: "with 1,000 files", value: few[side], unit: "MB" },
      limit: 1.5,
    });
    return [
      row("the requester of `--others --verify`", "requester"),
      row("the handler of `--others --reconcile`", "handler"),
    ];
  });
}

function othersWith(option: string): readonly string[] {
  return ["csync2rev", "--others", option, "--deadline", "600"];
}

/** The most memory that a process whose command line has `name` in it takes until `work` is done, in MB. */
async function peakWhile(host: Host, name: string, work: Promise<unknown>): Promise<number> {
  let [peak, done] = [0, false];
  const finished = work.finally(() => (done = true));
  // Its error is thrown below.
  finished.catch(() => undefined);
  while (!done) {
    for (const { pid, command } of host.processes())
      if (command.includes(name)) peak = Math.max(peak, host.peakMemory(pid) / 1024);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY));
  }
  await finished;
  return peak;
}
