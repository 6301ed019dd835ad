import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { type Cluster, type Host, csync2rev, groupOf, startCluster, STANDALONE } from "../cluster/cluster.ts";
import { askOver, converse } from "./requester.ts";

/** What is on the wire, seen from the requester: every test here looks at the whole stream. */

let cluster: Cluster;
let h1: Host;
let h2: Host;
let h3: Host;
const GROUP = groupOf(["h1", "h2", "h3"]);

before(async () => {
  cluster = await startCluster({ hosts: ["h1", "h2", "h3", "h4"], cfg: GROUP });
  [h1, h2, h3] = [cluster.host("h1"), cluster.host("h2"), cluster.host("h3")];
});
after(() => cluster.close());
beforeEach(async () => {
  await cluster.reset(GROUP);
  await Promise.all([h1.serve("inetd"), h3.serve("inetd")]);
});

const nothing = "";

describe("each verb runs what it should", () => {
  const ask = (verb: string, output = true): ReturnType<typeof askOver> =>
    askOver(h3, "h1", { key: cluster.key, verb, output });
  const last = ({ replies }: Awaited<ReturnType<typeof askOver>>): unknown => {
    const done = replies.at(-1);
    assert.equal(done?.type, "done");
    const { seconds, ...rest } = done;
    assert.equal(typeof seconds, "number");
    return rest;
  };

  test("ping: nothing", async () => {
    h1.write("/srv/data/a", "a");
    const conversation = await ask("ping");
    assert.deepEqual(conversation.foreign, nothing);
    assert.deepEqual(conversation.replies[0], { type: "accepted", groups: ["cluster"] });
    assert.deepEqual(last(conversation), { type: "done", exit: 0, updated: 0, deleted: 0, attempts: 0 });
    assert.equal((await h1.csync2("-M")).code, 2);
  });

  test("check: marks changes dirty for everybody, touches no other host", async () => {
    await h3.stopServices();
    h1.write("/srv/data/a", "a");
    const conversation = await ask("check");
    const files = ["/srv/data", "/srv/data/a"];
    assert.deepEqual(last(conversation), {
      type: "done",
      exit: 0,
      updated: 0,
      deleted: 0,
      pending: 2,
      files,
      attempts: 1,
    });
    const rows = (await h1.csync2("-M")).stdout.trim().split("\n");
    assert.deepEqual(rows.map((row) => row.split("\t").slice(2).join(" ")).sort(), [
      "h2 /srv/data",
      "h2 /srv/data/a",
      "h3 /srv/data",
      "h3 /srv/data/a",
    ]);
  });

  test("update: pushes what is dirty already, to the requester alone", async () => {
    await h2.serve("inetd");
    h1.write("/srv/data/a", "a");
    await h1.csync2("-cr", "/");
    h1.write("/srv/data/unchecked", "u");
    const conversation = await ask("update");
    assert.deepEqual(last(conversation), {
      type: "done",
      exit: 0,
      updated: 1,
      deleted: 0,
      pending: 0,
      files: [],
      attempts: 1,
    });
    assert.ok(
      conversation.replies.some(
        (reply) => reply.type === "output" && reply.line === "Updating /srv/data/a on h3 ...",
      ),
    );
    assert.deepEqual([[...h3.tree().keys()], [...h2.tree().keys()]], [["a"], []]);
  });

  test("preview: changes nothing on the requester", async () => {
    h1.write("/srv/data/a", "a");
    await h3.csync2("-cIr", "/");
    const conversation = await ask("preview", false);
    const files = ["/srv/data/a"];
    assert.deepEqual(last(conversation), {
      type: "done",
      exit: 0,
      updated: 1,
      deleted: 0,
      pending: 1,
      files,
      attempts: 2,
    });
    assert.deepEqual(
      conversation.replies.map(({ type }) => type),
      ["accepted", "alive", "done"],
    );
    assert.deepEqual([...h3.tree().keys()], []);
  });

  test("reconcile: brings a file that is not dirty here", async () => {
    h1.write("/srv/data/a", "a");
    await h1.csync2("-cIr", "/");
    assert.equal((await h1.csync2("-M")).code, 2);
    assert.deepEqual(last(await ask("update", false)), {
      type: "done",
      exit: 0,
      updated: 0,
      deleted: 0,
      pending: 0,
      files: [],
      attempts: 1,
    });
    assert.deepEqual(last(await ask("reconcile", false)), {
      type: "done",
      exit: 0,
      updated: 1,
      deleted: 0,
      pending: 0,
      files: [],
      attempts: 3,
    });
    assert.equal(h3.read("/srv/data/a"), "a");
  });

  for (const verb of ["delete-everything", "sync", "__proto__"])
    test(`another verb, ${verb}: refused`, async () => {
      const { replies } = await ask(verb);
      assert.deepEqual(replies, [
        {
          type: "refused",
          reason: "unsupported-verb",
          detail: `this csync2rev does not know the verb "${verb}"`,
          groups: [],
        },
      ]);
    });
});

describe("who may not ask is refused, and nothing runs", () => {
  const cases: readonly (readonly [string, Parameters<typeof askOver>[2] | object, string, string])[] = [
    ["a stranger", { from: "h4" }, "h4", "not-a-member"],
    ["a host that calls itself another", { from: "h2" }, "h3", "wrong-address"],
    ["a request meant for another host", { to: "h2" }, "h3", "wrong-host"],
    ["a host asking for itself", { from: "h1" }, "h1", "not-a-member"],
  ];
  for (const [who, fields, from, reason] of cases) {
    test(`${who}: ${reason}`, async () => {
      h1.write("/srv/data/a", "a");
      const conversation = await askOver(cluster.host(from), "h1", {
        key: cluster.key,
        verb: "update",
        ...fields,
      });
      assert.deepEqual(conversation.foreign, nothing);
      assert.deepEqual(
        conversation.replies.map((reply) => (reply.type === "refused" ? reply.reason : reply.type)),
        [reason],
      );
      assert.equal((await h1.csync2("-M")).code, 2);
      const [line] = await h1.logged();
      assert.match(line?.message ?? "", new RegExp(`^event=refused verb=update .*reason=${reason} `));
      assert.deepEqual([line?.facility, line?.severity], ["local0", "warning"]);
    });
  }
});

describe("a csync2 that fails in passing", () => {
  const ask = (verb: string): ReturnType<typeof askOver> =>
    askOver(h3, "h1", { key: cluster.key, verb, output: false });
  const stub = (script: string, settings = ""): void => {
    h1.write("/opt/csync2-stub", `#!/bin/sh\n${script}\nexec csync2 "$@"\n`, 0o755);
    h1.write("/etc/csync2rev.ini", `csync2 = /opt/csync2-stub\n${settings}`);
  };

  const failsTwice = `case "$*" in *-L*) exec csync2 "$@";; esac
    echo >>/tmp/tries
    [ $(wc -l </tmp/tries) -gt 2 ] || { echo "This should not happen: Can't stat /srv/data/.gone." >&2; exit 1; }`;
  test("is tried again, and that is said", async () => {
    stub(failsTwice);
    h1.write("/srv/data/a", "a");
    await h1.csync2("-cr", "/");
    const { replies } = await ask("update");
    const retry = { type: "waiting", on: "retry", detail: "a file vanished during the check" };
    assert.deepEqual(replies.slice(0, -1), [
      { type: "accepted", groups: ["cluster"] },
      { type: "alive", idle: 0 },
      retry,
      retry,
    ]);
    const done = replies.at(-1);
    assert.ok(done?.type === "done");
    assert.deepEqual([done.exit, done.attempts, done.updated, done.pending], [0, 3, 1, 0]);
    assert.equal(h3.read("/srv/data/a"), "a");
  });

  for (const retries of [0, 1])
    test(`is tried again as often as the settings say: ${retries}`, async () => {
      stub(failsTwice, `retries = ${retries}\n`);
      const { replies } = await ask("check");
      const done = replies.at(-1);
      assert.ok(done?.type === "done");
      assert.deepEqual(
        [done.exit, done.attempts, done.detail],
        [1, retries + 1, "This should not happen: Can't stat /srv/data/.gone."],
      );
    });
});

describe("a host that is slow, or that others have tampered with", () => {
  const types = async (): Promise<readonly string[]> => {
    const { replies } = await askOver(h3, "h1", { key: cluster.key, verb: "ping" });
    return replies.map((reply) => (reply.type === "refused" ? reply.reason : reply.type));
  };
  const slowed = async (script: string): Promise<void> => {
    h1.write("/etc/csync2rev.ini", "request-timeout = 1\n");
    h1.write(
      "/opt/slow.cjs",
      `const sleep = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);\n${script}\n`,
    );
    await h1.serve("inetd", [{ ...csync2rev, env: { NODE_OPTIONS: "--require=/opt/slow.cjs" } }]);
  };

  test("a handler that takes longer than request-timeout to start answers", async () => {
    await slowed("sleep(2500);");
    assert.deepEqual(await types(), ["accepted", "done"]);
  });

  test("a request that came in time, while the handler could not look, is answered", async () => {
    // The handler has greeted by then, and waits.
    await slowed("setTimeout(() => sleep(3000), 200);");
    assert.deepEqual(await types(), ["accepted", "done"]);
  });

  test("a hard link in the lock's place is left as it is: refused", async () => {
    h1.write("/run/precious", "precious", 0o644);
    for (const lock of ["/run/csync2rev.lock", "/run/csync2rev.lock.check"]) {
      await h1.run(["sh", "-c", `rm -f /run/csync2rev.lock*; ln /run/precious ${lock}`]);
      const { replies } = await askOver(h3, "h1", { key: cluster.key, verb: "check" });
      const last = replies.at(-1);
      assert.ok(last?.type === "refused");
      assert.deepEqual([last.reason, last.detail.includes("has a second name")], ["config", true]);
      const { stdout } = await h1.run(["sh", "-c", "stat -c %a /run/precious; cat /run/precious"]);
      assert.equal(stdout, "644\nprecious");
    }
  });

  for (const [what, make] of [
    ["a FIFO", "mkfifo"],
    ["a link", "ln -s /run/precious"],
    ["a hard link", "ln /run/precious"],
  ] as const)
    test(`${what} in the log's place holds nobody up, and is left as it is: syslog has the lines`, async () => {
      h1.write("/run/precious", "precious");
      await h1.shell(`rm -f /var/log/own; ${make} /var/log/own`);
      h1.write("/etc/csync2rev.ini", "log = /var/log/own\n");
      assert.deepEqual(await types(), ["accepted", "done"]);
      await h1.logged("csync2rev", 2);
      assert.equal(h1.read("/run/precious"), "precious");
    });
});

describe("nothing but frames reaches the socket", () => {
  /** The greeting, and silence. */
  const silence = { replies: [], foreign: nothing };
  const ask = (): ReturnType<typeof askOver> => askOver(h3, "h1", { key: cluster.key, output: true });

  test("when csync2.cfg is missing", async () => {
    h1.remove("/etc/csync2.cfg");
    assert.deepEqual(await ask(), silence);
    assert.match(
      (await h1.logged())[0]?.message ?? "",
      /^event=error code=config-missing message="found no \\"\/etc\/csync2\.cfg\\"/,
    );
  });

  test("when csync2.cfg is no good", async () => {
    h1.write("/etc/csync2.cfg", "group x{ }\n");
    assert.deepEqual(await ask(), silence);
    assert.match(
      (await h1.logged())[0]?.message ?? "",
      /^event=error code=config-syntax message="\/etc\/csync2\.cfg:1:/,
    );
  });

  test("when the key file cannot be read", async () => {
    h1.remove("/etc/csync2.key");
    assert.deepEqual(await ask(), silence);
    assert.match(
      (await h1.logged())[0]?.message ?? "",
      /^event=error code=key message=".*\/etc\/csync2\.key/,
    );
  });

  for (const mistake of [["-i", "--bogus"], ["--bogus"], ["--others"], ["--help"]])
    test(`when inetd's line has ${mistake.join(" ")}`, async () => {
      await h1.serve("inetd", [{ ...csync2rev, command: ["/usr/sbin/csync2rev", ...mistake] }]);
      assert.deepEqual(await ask(), silence);
      assert.match(
        (await h1.logged())[0]?.message ?? "",
        new RegExp(`^event=error code=usage message=".*${mistake.at(-1) ?? ""}`),
      );
    });

  test("when csync2 crashes", async () => {
    h1.write(
      "/opt/csync2-stub-that-crashes",
      `#!/bin/sh\ncase "$*" in *-L*) exec csync2 "$@";; esac\necho half a line >&2\nkill -SEGV $$\n`,
      0o755,
    );
    h1.write("/etc/csync2rev.ini", "csync2 = /opt/csync2-stub-that-crashes\nretries = 0\n");
    const { replies, foreign } = await ask();
    assert.deepEqual(foreign, nothing);
    assert.deepEqual(replies.slice(0, 3), [
      { type: "accepted", groups: ["cluster"] },
      { type: "alive", idle: 0 },
      { type: "output", line: "half a line" },
    ]);
    const done = replies.at(-1);
    assert.equal(done?.type, "done");
    assert.deepEqual(
      [done.exit, done.detail, done.pending],
      [139, "csync2 was killed by signal 11", undefined],
    );
  });

  test("when csync2 prints binary, endless lines and more", async () => {
    const script =
      '#!/bin/sh\nhead -c 300000 /dev/urandom | tr "\\n" x\nhead -c 300000 /dev/urandom >&2\nexit 0\n';
    h1.write("/opt/csync2-stub-that-babbles", script, 0o755);
    h1.write("/etc/csync2rev.ini", "csync2 = /opt/csync2-stub-that-babbles\n");
    const { replies, foreign } = await ask();
    assert.deepEqual(foreign, nothing);
    assert.equal(replies.at(-1)?.type, "done");
  });

  // test/hostile/faults.test.ts has the executable throw: nothing but the program itself runs in it.
  test("when the program itself throws", { skip: STANDALONE }, async () => {
    h1.write("/opt/throw.cjs", 'setTimeout(() => { throw new Error("thrown by the test"); }, 200);\n');
    await h1.serve("inetd", [{ ...csync2rev, env: { NODE_OPTIONS: "--require=/opt/throw.cjs" } }]);
    const child = h3.spawn("socat -t0.2 - TCP:h1:30866");
    const { replies, foreign } = await converse(child, { key: "x".repeat(64), to: "nobody" });
    assert.deepEqual([replies, foreign], [[], nothing]);
    const silent = h3.spawn("sleep 1 | socat -t0.2 - TCP:h1:30866 | wc -c");
    let bytes = "";
    silent.stdout.setEncoding("utf8").on("data", (text: string) => (bytes += text));
    await new Promise((resolve) => silent.on("close", resolve));
    assert.equal(bytes, "44\n");
    assert.ok(
      (await h1.logged("csync2rev", 2)).some(
        ({ message }) => message.includes("code=internal") && message.includes("thrown by the test"),
      ),
    );
  });

  test("when it runs on two pipes", async () => {
    const address = await converse(h1.spawn("csync2rev -i"), { key: cluster.key, verb: "ping" });
    assert.deepEqual(address.replies, [
      {
        type: "refused",
        reason: "wrong-address",
        detail: "the connection has no known address: stdin is not a socket",
        groups: [],
      },
    ]);
    h1.write("/etc/csync2rev.ini", "verify-address = no\n");
    const trusting = await converse(h1.spawn("csync2rev"), { key: cluster.key, verb: "ping" });
    assert.deepEqual(
      trusting.replies.map(({ type }) => type),
      ["accepted", "done"],
    );
    assert.deepEqual([address.foreign, trusting.foreign], [nothing, nothing]);
  });

  test("when it runs on a file", async () => {
    h1.write("/tmp/frames", Buffer.concat([Buffer.of(0, 60), Buffer.alloc(60, 1)]));
    const { code, stdout, stderr } = await h1.run("csync2rev -i < /tmp/frames | wc -c");
    assert.deepEqual([code, stdout, stderr], [0, "44\n", ""]);
  });
});

test("the log has one line for each event, in syslog and in a file", async () => {
  h1.write("/srv/data/a", "a");
  await h1.csync2("-cr", "/");
  const question = { key: cluster.key, verb: "update" };
  await askOver(h3, "h1", question);
  const lines = (await h1.logged("csync2rev", 2)).map(({ facility, severity, message }) => [
    facility,
    severity,
    message.replace(/seconds=[\d.]+/, "seconds=N"),
  ]);
  const who = "verb=update group=cluster from=h3 address=10.77.0.3";
  assert.deepEqual(lines, [
    ["local0", "info", `event=accepted ${who}`],
    ["local0", "info", `event=done ${who} exit=0 updated=1 deleted=0 pending=0 attempts=1 seconds=N`],
  ]);

  h1.write("/etc/csync2rev.ini", "log = /var/log/csync2rev.log\nident = catchup\nfacility = daemon\n");
  await askOver(h3, "h1", question);
  const file = h1.read("/var/log/csync2rev.log").trim().split("\n");
  assert.deepEqual(
    file.map((line) => line.replace(/^\S+ catchup\[\d+\]: (event=\w+).*$/, "$1")),
    ["event=accepted", "event=done"],
  );

  h1.write("/etc/csync2rev.ini", "log = /nowhere/log\nident = catchup\nfacility = daemon\n");
  await askOver(h3, "h1", question);
  // They are in syslog if the file cannot be written.
  assert.deepEqual(
    (await h1.logged("catchup", 2)).map(({ facility }) => facility),
    ["daemon", "daemon"],
  );
});

test("one handler serves every config name, and -C keeps it to one", async () => {
  const cfg = (path: string): string =>
    GROUP.replace("/srv/data", path).replace("csync2.key", "csync2.key_web");
  for (const host of [h1, h3]) {
    host.write("/etc/csync2_web.cfg", cfg("/srv/web"));
    host.write("/etc/csync2.key_web", `${"w".repeat(64)}\n`);
  }
  h1.write("/srv/web/page", "page");
  const { code, stderr } = await h3.run("csync2rev -o -C web -P h1 -D /var/lib/csync2");
  assert.equal(code, 0, stderr);
  assert.equal(h3.read("/srv/web/page"), "page");
  assert.equal(h1.tree("/var/lib/csync2").has("h1_web.db3"), true);

  await h1.serve("inetd", [{ ...csync2rev, command: [...csync2rev.command, "-C", "web"] }]);
  const other = await askOver(h3, "h1", { key: cluster.key, verb: "ping" });
  assert.deepEqual(other.replies, []);
  const web = await askOver(h3, "h1", { key: "w".repeat(64), config: "web", verb: "ping" });
  assert.deepEqual(
    web.replies.map(({ type }) => type),
    ["accepted", "done"],
  );
});
