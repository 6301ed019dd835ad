import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { after, before, beforeEach, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Cluster, type Superserver, csync2, groupOf, startCluster } from "./cluster.ts";

const SYSTEMD = existsSync("/usr/bin/systemd-socket-activate");
const ECHO = { name: "csync2rev", port: 30866, command: ["/opt/echo"] };

describe("a cluster", () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await startCluster({
      hosts: ["h1", "h2", { name: "h3", aliases: ["h3-sync"] }],
      program: null,
    });
  });
  beforeEach(() => cluster.reset(groupOf(["h1", "h2", "h3"])));
  after(() => cluster.close());

  const push = async (from: string, ...args: string[]): Promise<void> => {
    const result = await cluster.host(from).csync2(...args);
    assert.deepEqual(result, { code: 0, signal: null, stdout: "", stderr: "" });
  };

  for (const kind of ["inetd", "xinetd", "systemd"] as const satisfies Superserver[]) {
    test(`csync2 pushes to a host behind ${kind}`, { skip: kind === "systemd" && !SYSTEMD }, async () => {
      const [h1, h2] = [cluster.host("h1"), cluster.host("h2")];
      await h2.serve(kind, [csync2]);
      h1.write("/srv/data/new/file", "one");
      await push("h1", "-xr", "-P", "h2");
      assert.equal(h2.read("/srv/data/new/file"), "one");
      h1.write("/srv/data/new/file", "two");
      await push("h1", "-xr", "-P", "h2");
      assert.equal(h2.read("/srv/data/new/file"), "two");
      h1.remove("/srv/data/new/file");
      h1.write("/srv/data/other", "three", 0o600);
      await push("h1", "-xr", "-P", "h2");
      assert.deepEqual(h2.tree(), h1.tree());
      assert.deepEqual([...h2.tree().keys()], ["new", "other"]);
      await h2.until("nothing runs any more", () => h2.processes().length === 0);
      await h2.stopServices();
      assert.equal(h2.listens(30865), false);
    });

    test(`${kind} starts what a test gives it`, { skip: kind === "systemd" && !SYSTEMD }, async () => {
      const [h1, h2] = [cluster.host("h1"), cluster.host("h2")];
      h2.write("/opt/echo", '#!/bin/sh\nread -r line\necho "$line $WORD"\n', 0o755);
      await h2.serve(kind, [{ ...ECHO, env: { WORD: "again" } }]);
      const { stdout } = await h1.run("socat -t5 - TCP:h2:30866", { input: "hello\n" });
      assert.equal(stdout, "hello again\n");
    });
  }

  test("inetd and xinetd take text as it is", async () => {
    const [h1, h2] = [cluster.host("h1"), cluster.host("h2")];
    h2.write("/opt/echo", "#!/bin/sh\nread -r line\necho $0 $1 $line\n", 0o755);
    await h2.serve("inetd", [{ port: 30866, text: "csync2rev stream tcp nowait root /opt/echo echo -i" }]);
    const ask = { input: "x\n" };
    assert.equal((await h1.run("socat -t5 - TCP:h2:30866", ask)).stdout, "/opt/echo -i x\n");
    const attributes =
      "socket_type = stream\nprotocol = tcp\nwait = no\nuser = root\nserver = /opt/echo\nserver_args = -o";
    await h2.serve("xinetd", [{ port: 30866, text: `service csync2rev\n{\n${attributes}\n}\n` }]);
    assert.equal((await h1.run("socat -t5 - TCP:h2:30866", ask)).stdout, "/opt/echo -o x\n");
  });

  test("a superserver that ends says why", { skip: !SYSTEMD }, async () => {
    const failing = cluster.host("h2").serve("systemd", [{ ...ECHO, port: 70_000 }]);
    await assert.rejects(failing, /systemd has ended\n.*70000/s);
  });

  test("a host that is off gives no answer, and has its disk and services when it boots", async () => {
    const [h1, h3] = [cluster.host("h1"), cluster.host("h3")];
    await h3.serve("inetd", [csync2]);
    h3.write("/srv/data/kept", "kept");
    await h3.powerOff();
    assert.equal(h3.up, false);
    assert.equal(h3.read("/srv/data/kept"), "kept");
    assert.equal((await h1.run("timeout 0.2 nc -z h3 30865")).code, 124);
    await h3.boot();
    assert.equal((await h1.run("nc -z h3 30865")).code, 0);
  });

  test("power off ends what runs on the host, and the peer notices nothing", async () => {
    const [h1, h3] = [cluster.host("h1"), cluster.host("h3")];
    const server = h3.spawn(["socat", "TCP-LISTEN:7000", "SYSTEM:sleep 60"]);
    await h3.until("the port is open", () => h3.listens(7000));
    const client = h1.spawn("nc h3 7000");
    await h3.until("the connection is there", () =>
      h3.processes().some(({ command }) => command === "sleep 60"),
    );
    const ended = once(server, "exit");
    await h3.powerOff();
    assert.deepEqual(await ended, [null, "SIGKILL"]);
    await sleep(100);
    assert.equal(client.exitCode, null);
    const closed = once(client, "exit");
    client.kill();
    assert.deepEqual(await closed, [null, "SIGTERM"]);
  });

  test("a cut network can be mended", async () => {
    const [h1, h2] = [cluster.host("h1"), cluster.host("h2")];
    await h2.serve("inetd", [csync2]);
    await h2.cutNetwork();
    assert.equal((await h1.run("timeout 0.2 nc -z h2 30865")).code, 124);
    await h2.mendNetwork();
    assert.equal((await h1.run("nc -z h2 30865")).code, 0);
  });

  test("hosts know each other's names, and a name has its own address", async () => {
    assert.deepEqual(cluster.addresses("h3-sync"), ["10.77.1.3"]);
    const { stdout } = await cluster.host("h1").run(["getent", "hosts", "h2", "h3", "h3-sync"]);
    const words = stdout.trim().split(/\s+/);
    assert.deepEqual(words, ["10.77.0.2", "h2", "10.77.0.3", "h3", "10.77.1.3", "h3-sync"]);
    assert.equal((await cluster.host("h2").run(["hostname"])).stdout, "h2\n");
  });

  test("what is logged can be read, exactly", async () => {
    const h1 = cluster.host("h1");
    await h1.run(["logger", "-p", "local0.info", "-t", "csync2rev", "accepted peer=h2 detail=a\\b: <13> c"]);
    await h1.run("logger -p daemon.err -t other --id=7 x");
    await h1.until("both lines are there", () => h1.syslog().length === 2);
    assert.deepEqual(h1.syslog("csync2rev"), [
      {
        facility: "local0",
        severity: "info",
        ident: "csync2rev",
        pid: undefined,
        message: "accepted peer=h2 detail=a\\b: <13> c",
      },
    ]);
    assert.deepEqual(h1.syslog()[1], {
      facility: "daemon",
      severity: "err",
      ident: "other",
      pid: 7,
      message: "x",
    });
  });

  test("programs get a clean environment, input and signals, and no more time than they may have", async () => {
    const h1 = cluster.host("h1");
    const { stdout } = await h1.run(["env"], { env: { EXTRA: "1" } });
    const names = stdout.split("\n").map((line) => line.replace(/=.*/, ""));
    assert.deepEqual(names.sort(), ["", "EXTRA", "HOME", "LANG", "LOGNAME", "PATH", "USER"]);
    assert.equal((await h1.run("wc -c", { input: "four" })).stdout, "4\n");
    assert.equal((await h1.run("exit 7")).code, 7);
    assert.equal((await h1.run("kill -9 $$")).signal, "SIGKILL");
    await assert.rejects(h1.run("sleep 60", { timeout: 100 }), /h1: sleep 60: no end after 100 ms/);
    const child = h1.spawn("trap 'exit 130' INT; sleep 60 & echo ready; wait");
    await once(child.stdout, "data");
    await h1.until("it sleeps", () => h1.processes().some(({ command }) => command === "sleep 60"));
    child.kill("SIGINT");
    assert.deepEqual(await once(child, "exit"), [130, null]);
    assert.equal(h1.processes().length, 1);
    await cluster.reset();
    assert.deepEqual(h1.processes(), []);
  });

  test("node is there", async () => {
    const { stdout } = await cluster.host("h1").run(["/usr/bin/env", "node", "-p", "process.version"]);
    assert.equal(stdout, `${process.version}\n`);
  });

  test("a reset leaves nothing of the case before", async () => {
    const h1 = cluster.host("h1");
    h1.write("/srv/data/a", "a");
    await h1.csync2("-cr", "/");
    await h1.run("mount -t tmpfs -o size=8k tmpfs /srv/data");
    await cluster.reset("other");
    assert.deepEqual([h1.tree().size, readdirSync(h1.path("/var/lib/csync2"))], [0, []]);
    assert.equal(h1.read("/etc/csync2.cfg"), "other");
    assert.equal((await h1.run("findmnt /srv/data")).code, 1);
  });
});

test("csync2 pushes over TLS, from and to the name right of the @, and IPv6 is there", async () => {
  const hosts = [
    { name: "h1", aliases: ["h1-sync"] },
    { name: "h2", aliases: ["h2-sync"] },
  ];
  const cfg = groupOf(["h1@h1-sync", "h2@h2-sync"]).replace("nossl * *;", "");
  const cluster = await startCluster({ hosts, cfg, ipv6: true, program: null });
  try {
    const [h1, h2] = [cluster.host("h1"), cluster.host("h2")];
    await h2.serve("xinetd", [csync2]);
    h1.write("/srv/data/a", "a");
    const { code, stderr } = await h1.csync2("-xrv", "-P", "h2-sync");
    assert.equal(code, 0, stderr);
    assert.match(stderr, /\(SSL\)/);
    assert.match(stderr, /Connect to 10.77.1.2:30865/);
    assert.equal((await h1.run("nc -6 -z h2-sync 30865")).code, 0);
    assert.deepEqual(h2.tree(), h1.tree());
  } finally {
    await cluster.close();
  }
});

test("eight hosts, beside another cluster with the same addresses", async () => {
  const names = ["h1", "h2", "h3", "h4", "h5", "h6", "h7", "h8"];
  const [eight, two] = await Promise.all([
    startCluster({ hosts: names, program: null }),
    startCluster({ hosts: ["h1", "h2"], program: null }),
  ]);
  try {
    await Promise.all([...eight.hosts, ...two.hosts].slice(1).map((host) => host.serve("inetd", [csync2])));
    eight.host("h1").write("/srv/data/a", "a");
    assert.equal((await eight.host("h1").csync2("-xr")).code, 0);
    for (const host of eight.hosts) assert.equal(host.tree().size, 1);
    for (const host of two.hosts) assert.equal(host.tree().size, 0);
  } finally {
    await Promise.all([eight.close(), two.close()]);
  }
});

const STARTED = `
  import { startCluster, csync2 } from "./cluster.ts";
  const cluster = await startCluster({ hosts: ["h1", "h2"], program: null });
  await cluster.host("h2").serve("xinetd", [csync2]);
  await cluster.host("h1").run(["sh", "-c", "setsid sleep " + process.argv[1] + " >/dev/null 2>&1 &"]);
  await cluster.host("h1").until("sleep runs", () =>
    cluster.host("h1").processes().some(({ command }) => command.startsWith("sleep")),
  );
`;

/** The processes on this machine whose command line has `word` in it, besides the one that was given it as its own. */
function processesNaming(word: string): string[] {
  return readdirSync("/proc").filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").startsWith(`sleep\0${word}`);
    } catch {
      return false;
    }
  });
}

for (const [how, script, signal] of [
  ["is killed", `console.log("up"); setInterval(() => {}, 1000);`, "SIGKILL"],
  ["closes it", `console.log("up"); await cluster.close();`, null],
  ["forgets to close it", `console.log("up");`, null],
  ["throws", `console.log("up"); throw new Error("oops");`, null],
] as const) {
  test(`nothing is left of a cluster when its process ${how}`, async () => {
    const word = `98${String(process.pid)}.${String(how.length)}`;
    const options = ["--import", "tsx", "--input-type=module", "--eval", STARTED + script, word];
    const child = spawn(process.execPath, options, {
      cwd: import.meta.dirname,
      stdio: ["ignore", "pipe", "ignore"],
    });
    const exited = once(child, "exit");
    for await (const line of createInterface(child.stdout)) if (line === "up") break;
    if (signal) {
      assert.equal(processesNaming(word).length, 1);
      child.kill(signal);
    }
    await exited;
    const end = performance.now() + 5000;
    while (processesNaming(word).length > 0 && performance.now() < end) await sleep(10);
    assert.deepEqual(processesNaming(word), []);
  });
}
