import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { type Cluster, type Host, startCluster } from "../cluster/cluster.ts";
import type { Reply } from "../../src/wire/messages.ts";
import type { OthersResult } from "../../src/others/others.ts";
import { askOver } from "./requester.ts";

/** Which files a group's key is good for, seen from a requester that holds it. */

const KEYS = { secret: "S".repeat(64), open: "O".repeat(64) };

function group(name: string, key: keyof typeof KEYS, lines: readonly string[]): string {
  return `group ${name} { host h1 h2 h3; key /etc/csync2.key_${key}; auto younger; ${lines.join(" ")} }\n`;
}

const SECRET = group("secret", "secret", [
  "include /srv/data/secret; include /srv/data/both;",
  "\n#csync2rev allow h2;\n",
]);
const OPEN = group("open", "open", ["include /srv/data/open; include /srv/data/both;"]);

let cluster: Cluster;
let h1: Host;
let h3: Host;

before(async () => {
  cluster = await startCluster();
  [h1, h3] = [cluster.host("h1"), cluster.host("h3")];
});
after(() => cluster.close());

const start = async (groups: string): Promise<void> => {
  await cluster.reset(`nossl * *;\n${groups}`);
  for (const host of cluster.hosts) {
    for (const [name, key] of Object.entries(KEYS)) host.write(`/etc/csync2.key_${name}`, key, 0o600);
    await host.serve("inetd");
  }
};
/** Asks h1 as h3 would, with the key of group `open` alone. */
const ask = async (verb: string, key = KEYS.open): Promise<readonly Reply[]> =>
  (await askOver(h3, "h1", { key, verb, group: "open", output: true })).replies;
const doneOf = (replies: readonly Reply[]): Extract<Reply, { type: "done" }> => {
  const done = replies.at(-1);
  assert.equal(done?.type, "done", JSON.stringify(replies));
  return done;
};
const dirtyForH3 = async (): Promise<string[]> =>
  (await h1.csync2("-M")).stdout
    .split("\n")
    .map((row) => row.split("\t"))
    .filter(([, , peer]) => peer === "h3")
    .map(([, , , file = ""]) => file);

describe("a member that one group leaves out", () => {
  beforeEach(async () => {
    await start(SECRET + OPEN);
    h1.write("/srv/data/secret/plan", "1");
    h1.write("/srv/data/open/page", "1");
    h1.write("/srv/data/both", "1");
  });

  test("asks with the other group's key: check lists the files of that group alone", async () => {
    const replies = await ask("check");
    assert.deepEqual(replies[0], { type: "accepted", groups: ["open"] });
    const { pending, files } = doneOf(replies);
    assert.deepEqual([pending, files], [3, ["/srv/data/both", "/srv/data/open", "/srv/data/open/page"]]);
    assert.ok((await dirtyForH3()).includes("/srv/data/secret/plan"));
    assert.ok(!JSON.stringify(replies).includes("secret"), "nor do csync2's lines name another");
  });

  test("update pushes the files of that group alone, one that is in both groups too", async () => {
    await h1.csync2("-cr", "/");
    const replies = await ask("update");
    const { exit, updated, pending, files } = doneOf(replies);
    assert.deepEqual([exit, updated, pending, files], [0, 3, 0, []]);
    assert.deepEqual([...h3.tree().keys()], ["both", "open", "open/page"]);
    assert.deepEqual(await dirtyForH3(), ["/srv/data/secret", "/srv/data/secret/plan"]);
    assert.ok(!JSON.stringify(replies).includes("secret"));
  });

  test("preview names the files of that group alone", async () => {
    const replies = await ask("preview");
    const { exit, files = [] } = doneOf(replies);
    assert.equal(exit, 0);
    assert.deepEqual([...files].sort(), ["/srv/data/both", "/srv/data/open", "/srv/data/open/page"]);
    assert.ok(!JSON.stringify(replies).includes("secret"));
    assert.deepEqual([...h3.tree().keys()], []);
  });

  test("reconcile compares, marks and pushes the files of that group alone", async () => {
    await h1.csync2("-cIr", "/");
    const replies = await ask("reconcile");
    assert.deepEqual([doneOf(replies).exit, doneOf(replies).pending], [0, 0]);
    assert.deepEqual([...h3.tree().keys()], ["both", "open", "open/page"]);
    assert.deepEqual(await dirtyForH3(), []);
    assert.ok(!JSON.stringify(replies).includes("secret"));
  });

  test("renew compares and pushes the files of that group alone", async () => {
    for (const host of [h1, h3])
      for (const file of ["secret/plan", "open/page", "both"]) {
        host.write(`/srv/data/${file}`, host.name);
        if (host === h3) await host.shell(`touch -d '1 hour ago' /srv/data/${file}`);
      }
    for (const host of [h1, h3]) await host.shell("csync2 -cIr /");
    const replies = await ask("renew");
    assert.deepEqual([doneOf(replies).exit, doneOf(replies).updated], [0, 2]);
    const content = ["secret/plan", "open/page", "both"].map((file) => h3.read(`/srv/data/${file}`));
    assert.deepEqual(content, ["h3", "h1", "h1"]);
    assert.ok(!JSON.stringify(replies).includes("secret"));
  });

  test("status counts the files of that group alone, and names no host that is not in it", async () => {
    const secret = SECRET.replace("host h1 h2 h3", "host h1 h2 h3 h4");
    for (const host of cluster.hosts) host.write("/etc/csync2.cfg", `nossl * *;\n${secret}${OPEN}`, 0o600);
    await h1.csync2("-cr", "/");
    assert.match((await h1.csync2("-M")).stdout, /\th4\t\/srv\/data\/both$/m);
    const { pending, holds } = doneOf(await ask("status"));
    assert.deepEqual([pending, holds], [3, { h2: 3, h3: 3 }]);
  });

  test("a check that fails on a file of the other group does not name it", async () => {
    h1.write(
      "/opt/csync2-stub",
      `#!/bin/sh\necho "This should not happen: Can't stat /srv/data/secret/plan." >&2\nexit 1\n`,
      0o755,
    );
    h1.write("/etc/csync2rev.ini", "csync2 = /opt/csync2-stub\nretries = 0\n");
    const replies = await ask("check");
    assert.equal(doneOf(replies).exit, 1);
    assert.ok(!JSON.stringify(replies).includes("secret"));
    const [, done] = await h1.logged("csync2rev", 2);
    assert.match(done?.message ?? "", /^event=done .* detail="This should not happen: .*secret/);
  });

  test("with the key of the group that leaves it out it is refused", async () => {
    const [refused] = await ask("check", KEYS.secret);
    assert.ok(refused?.type === "refused");
    assert.equal(refused.reason, "not-allowed");
  });
});

test("--others asks once with each key, and has caught up only when each set of groups has", async () => {
  const third = group("third", "open", ["include /srv/data/third;"]);
  await start(SECRET + OPEN + third);
  for (const file of ["secret/plan", "open/page", "third/a"]) h1.write(`/srv/data/${file}`, "1");
  const run = async (): Promise<OthersResult> =>
    JSON.parse((await h3.run(["csync2rev", "--others", "--json", "-P", "h1"])).stdout) as OthersResult;
  const rows = ({ exit, peers }: OthersResult): unknown => [
    exit,
    peers.map(({ groups, outcome, reason }) => [groups.join("+"), outcome, reason]),
  ];
  assert.deepEqual(rows(await run()), [
    77,
    [
      ["secret", "refused", "not-allowed"],
      ["open+third", "caught-up", null],
    ],
  ]);
  assert.deepEqual([...h3.tree().keys()], ["open", "open/page", "third", "third/a"]);
  h1.write("/etc/csync2.cfg", h1.read("/etc/csync2.cfg").replace("#csync2rev allow h2;", ""), 0o600);
  assert.deepEqual(rows(await run()), [
    0,
    [
      ["secret", "caught-up", null],
      ["open+third", "caught-up", null],
    ],
  ]);
  assert.ok(h3.tree().has("secret/plan"));
});

test("another group with the same key is in the scope too; what is left out of it is named", async () => {
  const third = group("third", "open", ["include /srv/data/third;"]);
  const closed = group("closed", "open", ["include /srv/data/closed;", "\n#csync2rev allow h2;\n"]);
  await start(OPEN + third + closed);
  for (const name of ["open", "third", "closed"]) h1.write(`/srv/data/${name}/a`, "a");
  await h1.csync2("-cr", "/");
  const replies = await ask("update");
  assert.deepEqual(replies[0], {
    type: "accepted",
    groups: ["open", "third"],
    refused: [
      {
        group: "closed",
        reason: "not-allowed",
        detail: 'no "#csync2rev allow" line of group closed there names you',
      },
    ],
  });
  assert.equal(doneOf(replies).pending, 0);
  assert.deepEqual([...h3.tree().keys()], ["open", "open/a", "third", "third/a"]);
  assert.deepEqual(await dirtyForH3(), ["/srv/data/closed", "/srv/data/closed/a"]);
});

for (const [what, name, other] of [
  ["that is a list to csync2", '"open,secret"', SECRET],
  ["that reads as an option", '"-open"', SECRET],
  [
    "that a group outside the scope has too",
    "open",
    SECRET.replace("group secret", "group open").replace("#csync2rev allow h2;", ""),
  ],
] as const)
  test(`a group's name ${what} is refused: csync2 would serve more than the key is good for`, async () => {
    await start(OPEN.replace("group open", `group ${name}`) + other);
    h1.write("/srv/data/open/page", "1");
    h1.write("/srv/data/secret/plan", "1");
    const replies = await ask("check");
    assert.deepEqual(
      replies.map((reply) => (reply.type === "refused" ? reply.reason : reply.type)),
      ["config"],
    );
    assert.equal((await h1.csync2("-M")).code, 2);
  });

test("a group that goes by another name on the requester is pushed all the same", async () => {
  const named = (name: string): string => `nossl * *;\n${group(name, "open", ["include /srv/data;"])}`;
  await cluster.reset((host) => named(host === "h3" ? "www" : "web"));
  for (const host of cluster.hosts) {
    for (const [name, key] of Object.entries(KEYS)) host.write(`/etc/csync2.key_${name}`, key, 0o600);
    await host.serve("inetd");
  }
  h1.write("/srv/data/page", "1");
  await h1.csync2("-cr", "/");
  assert.deepEqual(doneOf(await ask("update")).exit, 0);
  assert.deepEqual([...h3.tree().keys()], ["page"]);
});
