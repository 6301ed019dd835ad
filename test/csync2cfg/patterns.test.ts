import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { loadCsync2Cfg } from "../../src/csync2cfg/load.ts";
import type { Csync2Cfg } from "../../src/csync2cfg/model.ts";
import { takes } from "../../src/csync2cfg/patterns.ts";
import { rootsOf } from "../../src/csync2cfg/roots.ts";
import { groupOf, startCluster } from "../cluster/cluster.ts";

const FILES = [
  "a",
  "b.log",
  "c.bak",
  ".hidden",
  "d/a",
  "d/b.log",
  "d/e/a",
  "d/e/c.bak",
  "ab/a",
  "ab/d/e/b.log",
  "x[1]",
];

/** No name of a directory is excluded: csync2 does not look into one, though it takes what a peer pushes below it. */
const LINES = [
  "include /srv/data;",
  "include /srv/data; exclude *.log;",
  "include /srv/data; exclude *.log; include b.log;",
  "include /srv/data; exclude /srv/data/d;",
  "include /srv/data; exclude /srv/data/d; include /srv/data/d/e;",
  "include /srv/data; exclude /srv/data/*/e;",
  "include /srv/data; exclude /srv/data/**/e;",
  "include /srv/data; exclude /srv/data/**.log;",
  "include /srv/data/*/a;",
  "include /srv/data/?;",
  "include /srv/data/[ab]*;",
  "include /srv/data; exclude a;",
  "include /srv/data; exclude *;",
  "include /srv/data; compare /srv/data/a; exclude .*;",
  "include /srv/data; exclude /srv/data/x\\\\[1\\\\];",
  "exclude *.log; include /srv/data;",
  "include /srv/data/d/e/a;",
  "include *.log;",
];

function load(text: string): Csync2Cfg {
  const directory = mkdtempSync(join(tmpdir(), "csync2rev-patterns-"));
  try {
    writeFileSync(join(directory, "k.key"), "k".repeat(32));
    writeFileSync(join(directory, "csync2.cfg"), text.replace("/etc/csync2.key", "k.key"));
    return loadCsync2Cfg({ systemDirectory: directory, configName: "", hostname: "h1" });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test("which files a group takes: as csync2 itself records them", async () => {
  const cluster = await startCluster({ hosts: ["h1"], program: null });
  try {
    const h1 = cluster.host("h1");
    for (const file of FILES) h1.write(`/srv/data/${file}`, "x");
    const all = (await h1.shell("find /srv/data")).trim().split("\n");
    let [taken, left] = [0, 0];
    for (const lines of LINES) {
      const text = groupOf(["h1", "h2"], []).replace("include /srv/data;", lines);
      h1.write("/etc/csync2.cfg", text);
      mkdirSync(h1.path("/root/db"), { recursive: true });
      const printed = await h1.shell(
        "csync2 -D /root/db -cIr / && { csync2 -D /root/db -L || [ $? = 2 ]; }; rm -r /root/db",
      );
      const recorded = printed.split("\n").flatMap((row) => row.split("\t")[1] ?? []);
      const [group] = load(text).groups;
      assert.ok(group);
      assert.deepEqual(all.filter((file) => takes(group, file)).sort(), recorded.sort(), lines);
      taken += recorded.length;
      left += all.length - recorded.length;
    }
    assert.ok(taken > 50 && left > 50);
  } finally {
    await cluster.close();
  }
});

test("the trees that a group names", () => {
  const cfg = groupOf(["h1"], ["include /a /b/*/c /d/e.?;", "exclude /f;", "include *.log %p%/x;"]);
  const { groups, prefixes } = load(`${cfg}prefix p { on h1: /srv/p; }\n`);
  const names = rootsOf(groups, prefixes).map(({ name }) => name);
  assert.deepEqual(names, ["/a", "/b", "/d", "%p%/x", "/srv/data"]);
});
