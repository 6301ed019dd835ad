import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { metricsOfOthers } from "../../src/others/metrics.ts";
import { writeMetrics } from "../../src/metrics.ts";
import type { OthersResult } from "../../src/others/others.ts";
import { type Cluster, groupOf, type Host, startCluster } from "../cluster/cluster.ts";

/** The samples of a textfile, by name and labels. Throws for a line that the format does not have. */
function samples(text: string): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  let metric = "";
  for (const line of text.split("\n").slice(0, -1)) {
    const comment = /^# (HELP|TYPE) (csync2rev_[a-z_]+) (.+)$/.exec(line);
    if (comment) {
      if (comment[1] === "HELP") metric = comment[2] ?? "";
      else assert.deepEqual(comment.slice(2), [metric, "gauge"]);
      continue;
    }
    const sample = /^([a-z0-9_]+)(?:\{(?:[a-z]+="(?:[^"\\\n]|\\[\\"n])*",?)+\})? (NaN|\d+(?:\.\d+)?)$/.exec(
      line,
    );
    assert.ok(sample, line);
    assert.equal(sample[1], metric, "each sample stands below its metric");
    const name = line.slice(0, line.lastIndexOf(" "));
    assert.ok(!found.has(name), `${name} twice`);
    found.set(name, Number(sample[2]));
  }
  assert.ok(text.endsWith("\n"));
  return found;
}

describe("csync2rev --others --metrics", () => {
  const FILE = "/var/lib/node-exporter/csync2rev.prom";
  let cluster: Cluster;
  let h1: Host;
  before(async () => {
    cluster = await startCluster({ hosts: ["h1", "h2", "h3"] });
    h1 = cluster.host("h1");
  });
  after(() => cluster.close());
  beforeEach(async () => {
    await cluster.reset(groupOf(["h1", "h2", "h3"]));
    await Promise.all(cluster.hosts.map((host) => host.serve("inetd")));
    mkdirSync(h1.path("/var/lib/node-exporter"));
  });

  test("tells how it went with each peer, and when it last went well", async () => {
    cluster.host("h2").write("/srv/data/file", "one");
    const before = Math.floor(Date.now() / 1000);
    assert.equal((await h1.run(["csync2rev", "-oq", "--metrics", FILE])).code, 0);
    const first = samples(h1.read(FILE));
    const lastRun = first.get("csync2rev_last_run_timestamp_seconds") ?? 0;
    assert.ok(lastRun >= before && lastRun <= Date.now() / 1000 + 1);
    assert.equal(first.get("csync2rev_last_success_timestamp_seconds"), lastRun);
    assert.equal(first.get("csync2rev_last_run_exit_status"), 0);
    assert.equal(first.get('csync2rev_peer_updated_files{peer="h2",myname="h1",group="cluster"}'), 1);
    assert.equal(first.get('csync2rev_peer_pending_files{peer="h2",myname="h1",group="cluster"}'), 0);
    assert.equal(
      first.get('csync2rev_peer_outcome{peer="h2",myname="h1",group="cluster",outcome="caught-up"}'),
      1,
    );
    assert.equal(
      first.get('csync2rev_peer_outcome{peer="h2",myname="h1",group="cluster",outcome="lost"}'),
      0,
    );

    await cluster.host("h3").stopServices();
    await h1.until("the next second", () => Date.now() / 1000 >= lastRun + 1);
    assert.equal((await h1.run(["csync2rev", "-oq", "--deadline", "1", "--metrics", FILE])).code, 75);
    const second = samples(h1.read(FILE));
    const laterRun = second.get("csync2rev_last_run_timestamp_seconds") ?? 0;
    assert.ok(laterRun > lastRun);
    assert.equal(second.get("csync2rev_last_success_timestamp_seconds"), lastRun);
    const lastOf = (peer: string): number | undefined =>
      second.get(`csync2rev_peer_last_success_timestamp_seconds{peer="${peer}",myname="h1",group="cluster"}`);
    assert.deepEqual([lastOf("h2"), lastOf("h3")], [laterRun, lastRun]);
    assert.equal(
      second.get('csync2rev_peer_outcome{peer="h3",myname="h1",group="cluster",outcome="unreachable"}'),
      1,
    );
    assert.equal(second.get('csync2rev_peer_pending_files{peer="h3",myname="h1",group="cluster"}'), NaN);
    assert.deepEqual(readdirSync(h1.path("/var/lib/node-exporter")), ["csync2rev.prom"]);
  });

  test("catches up all the same where the file cannot be written, and says so", async () => {
    cluster.host("h2").write("/srv/data/file", "one");
    const { code, stderr } = await h1.run("csync2rev -o --metrics /nowhere/csync2rev.prom");
    assert.equal(code, 1);
    assert.match(stderr, /^csync2rev: cannot write the metrics to \/nowhere\/csync2rev\.prom: ENOENT/m);
    assert.equal(h1.read("/srv/data/file"), "one");
  });
});

describe("the textfile", () => {
  const RESULT: OthersResult = {
    host: "h1",
    seconds: 1.5,
    exit: 1,
    dryRun: false,
    newMember: false,
    rounds: 1,
    peers: [
      {
        ...{
          peer: 'a"b\\c\nd',
          myname: "h1",
          optional: false,
          group: "web",
          groups: ["web"],
          outcome: "pending",
          reason: null,
          detail: null,
          exit: 1,
          updated: 2,
        },
        ...{ deleted: 3, pending: 4, files: [], attempts: 1, seconds: 0.5 },
      },
    ],
  };
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "csync2rev-metrics-"));
  });
  const cleaned = (body: (file: string) => void) => (): void => {
    try {
      body(join(folder, "csync2rev.prom"));
    } finally {
      rmSync(folder, { recursive: true });
    }
  };

  test(
    "escapes names, and bears the config name",
    cleaned((file) => {
      writeMetrics(file, (before) => metricsOfOthers(RESULT, "two", 100, before));
      const name = 'csync2rev_peer_deleted_files{config="two",peer="a\\"b\\\\c\\nd",myname="h1",group="web"}';
      assert.equal(samples(readFileSync(file, "utf8")).get(name), 3);
    }),
  );

  test(
    "can be read by others whatever the umask, and takes the place of what is there",
    cleaned((file) => {
      const umask = process.umask(0o077);
      try {
        writeFileSync(file, "what another program wrote\ncsync2rev_last_success_timestamp_seconds 7\n");
        writeMetrics(file, (before) => metricsOfOthers(RESULT, "", 100, before));
      } finally {
        process.umask(umask);
      }
      assert.equal(statSync(file).mode & 0o777, 0o644);
      assert.equal(samples(readFileSync(file, "utf8")).get("csync2rev_last_success_timestamp_seconds"), 7);
    }),
  );

  test(
    "is no way to have root read or write another file",
    cleaned((file) => {
      const other = join(folder, "other");
      writeFileSync(other, "csync2rev_last_success_timestamp_seconds 7\n");
      execFileSync("ln", ["-s", other, file]);
      execFileSync("ln", ["-s", other, `${file}.${process.pid}.part`]);
      writeMetrics(file, (before) => metricsOfOthers(RESULT, "", 100, before));
      assert.equal(readFileSync(other, "utf8"), "csync2rev_last_success_timestamp_seconds 7\n");
      assert.equal(samples(readFileSync(file, "utf8")).get("csync2rev_last_success_timestamp_seconds"), 0);
      rmSync(file);
      execFileSync("mkfifo", [file]);
      writeMetrics(file, (before) => metricsOfOthers(RESULT, "", 100, before));
      assert.ok(statSync(file).isFile());
    }),
  );
});
