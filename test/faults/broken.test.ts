import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Cluster, csync2, csync2rev, type Host, startCluster } from "../cluster/cluster.ts";
import { assertCaughtUp, type CaughtUp, catchUp, peerOf, read, untilQuiet } from "../catchup/others.ts";
import { changeMuch, stopPush, signal, stopCheck, untilCutOff, untilGivenUp } from "./halfway.ts";

/** Two hosts: h1 has what h2 has missed. Both have run csync2 before. */
async function inCluster(
  settings: string,
  body: (h1: Host, h2: Host, cluster: Cluster) => Promise<void>,
): Promise<void> {
  const cluster = await startCluster({ hosts: ["h1", "h2"], packages: ["libfaketime", "sqlite3"] });
  try {
    const [h1, h2] = [cluster.host("h1"), cluster.host("h2")];
    for (const host of [h1, h2]) await host.shell("csync2 -cIr /");
    await Promise.all([h1.serve("inetd"), h2.serve("xinetd")]);
    h1.write("/etc/csync2rev.ini", settings);
    await body(h1, h2, cluster);
  } finally {
    await cluster.close();
  }
}

/** A further run catches up, and nothing is left running or locked. */
async function endsWell(h1: Host, h2: Host, ...args: readonly string[]): Promise<void> {
  const result = await catchUp(h2, ...args);
  assertCaughtUp(result);
  assert.deepEqual([...h2.tree()], [...h1.tree()]);
  await Promise.all([untilQuiet(h1), untilQuiet(h2)]);
}

/** Ends what csync2's daemon does for a peer that has vanished: without keep-alive it waits for ever. */
async function forgetVanished(host: Host): Promise<void> {
  for (const { command, pid } of host.processes())
    if (command.endsWith("csync2 -i")) await signal(host, "KILL", pid);
}

/** Starts a catch-up, and has something happen once csync2's push or its check has been stopped. */
async function during(
  [h1, h2]: readonly [Host, Host],
  option: "-c" | "-u",
  happens: (pid: number) => unknown,
  ...args: readonly string[]
): Promise<CaughtUp> {
  changeMuch(h1);
  const asked = catchUp(h2, ...args);
  const met = option === "-c" ? stopCheck(h1) : stopPush(h1);
  met.catch(() => undefined); // it is of no interest any more once the catch-up has ended
  const first = await Promise.race([met, asked]);
  assert.ok(typeof first === "number", `csync2 ${option} was not met: ${JSON.stringify(first)}`);
  const [result] = await Promise.all([asked, happens(first)]);
  return result;
}

describe("broken half-way", { concurrency: 6 }, () => {
  // The slow ones first: they mostly wait.
  for (const option of ["-c", "-u"] as const) {
    test(`the peer loses power while its csync2 ${option} runs, and is back later`, () =>
      inCluster("", async (h1, h2) => {
        const result = await during([h1, h2], option, async () => {
          await h1.powerOff();
          await untilGivenUp(h2, csync2rev.port);
          await h1.boot();
        });
        assertCaughtUp(result);
        assert.ok(peerOf(result, "h1").attempts >= 3);
        await forgetVanished(h2);
        // A check that is cut short can have recorded a file that it has not marked: only a comparison shows it.
        await endsWell(h1, h2, ...(option === "-c" ? ["--reconcile"] : []));
      }));
  }

  test("the network is cut while csync2 -u sends a file", () =>
    inCluster("", async (h1, h2) => {
      const result = await during([h1, h2], "-u", async (pid) => {
        await h2.cutNetwork();
        await signal(h1, "CONT", pid);
        await untilCutOff(h1, csync2.port);
        await h2.mendNetwork();
      });
      assertCaughtUp(result);
      await endsWell(h1, h2);
    }));

  test("the peer lost power when its csync2 first ran, and its database was left half made", () =>
    inCluster("retries = 0\n", async (h1, h2) => {
      h1.write("/srv/data/a", "v2");
      await h1.shell("sqlite3 /var/lib/csync2/h1.db3 'DROP TABLE action'");
      const { outcome, detail } = peerOf(await catchUp(h2), "h1");
      assert.equal(outcome, "failed");
      const [, first = "", second = ""] =
        /no such table: action.*: delete its database, run (.*) there, then (.*) on both hosts/.exec(
          detail ?? "",
        ) ?? [];
      await h1.shell(`rm /var/lib/csync2/h1.db3 && ${first}`);
      for (const host of [h1, h2]) await host.shell(second);
      await endsWell(h1, h2);
      assert.equal(h2.read("/srv/data/a"), "v2");
    }));

  for (const name of ["KILL", "SEGV"]) {
    test(`the peer's csync2 ends by SIG${name}`, () =>
      inCluster("", async (h1, h2) => {
        const result = await during([h1, h2], "-u", async (pid) => {
          await signal(h1, name, pid);
          if (name === "SEGV") await signal(h1, "CONT", pid);
        });
        assert.deepEqual([result.code, result.outcomes], [1, ["pending"]], JSON.stringify(result));
        assert.match(peerOf(result, "h1").detail ?? "", /killed by signal (9|11)/);
        await endsWell(h1, h2);
      }));
  }

  test("the peer's csync2 hangs: it is given up on, not killed, and who asks meanwhile hears why", () =>
    inCluster("idle-timeout = 2\nlock-timeout = 0\n", async (h1, h2) => {
      let hung = 0;
      const result = await during([h1, h2], "-u", (pid) => {
        hung = pid;
      });
      const { outcome, detail } = peerOf(result, "h1");
      assert.deepEqual([result.code, outcome], [1, "pending"]);
      assert.ok(detail?.includes(`csync2 (pid ${hung}) has done nothing for 2 s`), detail ?? "");
      const holder = `csync2 (pid ${hung}) holds /run/csync2rev.lock`;
      const asked: string[] = [];
      // The deadline may cut a try short before the peer has answered: then it is asked again.
      while (asked.length < 5 && !asked.some((detail) => detail.includes(holder))) {
        const next = peerOf(await catchUp(h2, "--deadline", "2"), "h1");
        assert.equal(next.outcome, "busy");
        asked.push(next.detail ?? "");
      }
      assert.ok(asked.at(-1)?.includes(holder), asked.join("\n"));
      await signal(h1, "CONT", hung);
      await untilQuiet(h1);
      await endsWell(h1, h2);
    }));

  test("stub: the peer's csync2 prints without end", () =>
    inCluster("csync2 = /opt/csync2\n", async (h1, h2) => {
      h1.write(
        "/opt/csync2",
        '#!/bin/sh\ncase "$*" in *-M*) exit 2;; *-L*) exec csync2 "$@";; esac\nexec yes "$(printf %9000d 0)"\n',
        0o755,
      );
      const child = h2.spawn("csync2rev --others --verbose --deadline 3");
      let printed = 0;
      child.stderr.on("data", (text: Buffer) => (printed += text.length));
      child.stdout.resume();
      const [code] = (await once(child, "exit")) as [number];
      assert.equal(code, 75);
      assert.ok(printed > 50_000, `${printed} bytes came`);
      const handler = h1.processes().find(({ command }) => command.includes("csync2rev -i"));
      const peak = h1.peakMemory(handler?.pid ?? 0);
      assert.ok(peak > 10_000 && peak < 200_000, `${peak} kB at its peak`);
      await h1.run("pkill yes");
      h1.write("/etc/csync2rev.ini", "");
      h1.write("/srv/data/a", "a");
      await untilQuiet(h1);
      await endsWell(h1, h2);
    }));

  test("the handler is killed: csync2 goes on, and the peer is asked again", () =>
    inCluster("", async (h1, h2) => {
      const result = await during([h1, h2], "-u", async (pid) => {
        const handler = h1.processes().find(({ command }) => command.includes("csync2rev -i"));
        await signal(h1, "KILL", handler?.pid ?? 0);
        assert.ok(h1.processes().some((running) => running.pid === pid));
        await signal(h1, "CONT", pid);
      });
      assertCaughtUp(result);
      assert.ok(peerOf(result, "h1").attempts >= 3);
      await endsWell(h1, h2);
    }));

  test("inetd is restarted on both hosts: the push goes on", () =>
    inCluster("", async (h1, h2) => {
      const result = await during([h1, h2], "-u", async (pid) => {
        await Promise.all([h1.serve("inetd"), h2.serve("inetd")]);
        await signal(h1, "CONT", pid);
      });
      assertCaughtUp(result);
      assert.equal(peerOf(result, "h1").attempts, 2);
      await endsWell(h1, h2);
    }));

  test("the peer loses power between check and push, for good", () =>
    inCluster("", async (h1, h2) => {
      const result = await during(
        [h1, h2],
        "-c",
        async (pid) => {
          await signal(h1, "CONT", pid);
          await h1.until("the check is done", () =>
            h1.syslog("csync2rev").some(({ message }) => message.includes("event=done")),
          );
          await h1.powerOff();
        },
        "--deadline",
        "4",
        "--connect-timeout",
        "2",
      );
      assert.ok([75, 1].includes(result.code ?? 0), JSON.stringify(result));
      assert.notEqual(peerOf(result, "h1").outcome, "caught-up");
      await h1.boot();
      await forgetVanished(h2);
      await endsWell(h1, h2);
    }));

  for (const name of ["SIGKILL", "SIGHUP"] as const) {
    test(`the requester ends by ${name}: csync2 on the peer goes on to the end`, () =>
      inCluster("", async (h1, h2) => {
        changeMuch(h1);
        const child = h2.spawn("csync2rev --others");
        const pid = await stopPush(h1);
        child.kill(name);
        assert.deepEqual(await once(child, "exit"), [null, name]);
        await signal(h1, "CONT", pid);
        await untilQuiet(h1);
        assert.deepEqual([...h2.tree()], [...h1.tree()]);
        await h1.until("it is logged", () =>
          h1.syslog("csync2rev").some(({ message }) => /event=done.*verb=reconcile.*exit=0/.test(message)),
        );
        await endsWell(h1, h2);
      }));
  }

  test("Ctrl-C ends the requester at once, with what is known so far", () =>
    inCluster("", async (h1, h2) => {
      changeMuch(h1);
      const child = h2.spawn("csync2rev --others --json");
      let stdout = "";
      child.stdout.on("data", (text: Buffer) => (stdout += text.toString()));
      const pid = await stopPush(h1);
      child.kill("SIGINT");
      assert.deepEqual(await once(child, "close"), [130, null]);
      const { exit, peers } = JSON.parse(stdout) as CaughtUp;
      assert.equal(exit, 130);
      assert.deepEqual(
        peers.map(({ peer, outcome, detail }) => [peer, outcome, detail]),
        [["h1", "lost", "interrupted before it said how it went"]],
      );
      await signal(h1, "CONT", pid);
      await untilQuiet(h1);
      await endsWell(h1, h2);
    }));

  test("name service is silent where the requester is: the deadline and Ctrl-C end the wait for it", () =>
    inCluster("", async (h1, h2) => {
      const nowhere = "10.77.0.200";
      h2.write("/etc/nsswitch.conf", "hosts: files dns\n");
      h2.write("/etc/resolv.conf", `nameserver ${nowhere}\noptions timeout:5 attempts:1\n`);
      h2.write("/etc/hosts", h2.read("/etc/hosts").replace(/^.* h1$/m, ""));
      await h2.shell(`ip neighbour add ${nowhere} lladdr 02:00:00:00:00:c8 nud permanent dev eth0`);
      // Node waits for the resolver to give up before it ends, but what is known is told before.
      const late = await catchUp(h2, "--deadline", "1");
      const { outcome, detail } = peerOf(late, "h1");
      assert.deepEqual(
        [late.code, outcome, detail],
        [75, "unreachable", '"h1" does not resolve here: the deadline passed'],
      );

      const child = h2.spawn("csync2rev --others --json");
      let stdout = "";
      child.stdout.on("data", (text: Buffer) => (stdout += text.toString()));
      await h2.until("it asks for the name", async () =>
        (await h2.shell("cat /proc/net/udp")).includes(":0035 "),
      );
      child.kill("SIGINT");
      const [code] = (await once(child, "close")) as [number];
      const interrupted = peerOf(read({ code, stdout, stderr: "" }), "h1");
      assert.deepEqual(
        [code, interrupted.outcome, interrupted.detail],
        [130, "unreachable", '"h1" does not resolve here: interrupted'],
      );
      h2.write("/etc/hosts", h1.read("/etc/hosts"));
      await endsWell(h1, h2);
    }));

  test("csync2 hangs where the requester is: the deadline and Ctrl-C end every mode", () =>
    inCluster("", async (h1, h2) => {
      for (const hangs of ["-L", "-M"]) {
        const stub = `#!/bin/sh\ncase "$*" in *${hangs}*) exec sleep 600;; esac\nexec /usr/sbin/csync2 "$@"\n`;
        h2.write("/opt/hangs", stub, 0o755);
        h2.write("/etc/csync2rev.ini", "csync2 = /opt/hangs\n");
        const run = (mode: string): ReturnType<Host["run"]> =>
          h2.run(`timeout 60 csync2rev ${mode} --deadline 2 --connect-timeout 2`);
        const status = await run("--status");
        assert.equal(status.code, 1, status.stdout);
        assert.match(
          status.stdout,
          /^h1: failed: csync2 on this host could not list the files that it holds$/m,
        );
        const others = await run("--others --reconcile");
        assert.equal(others.code, 75, others.stdout);
        assert.match(others.stdout, /^h1: busy: the deadline passed$/m);
        if (hangs === "-L")
          assert.match(
            (await run("--test")).stdout,
            /^failed {3}csync2's database: csync2 has not read it: /m,
          );

        for (const mode of ["--status", "--others --reconcile"]) {
          await h2.shell("pkill sleep");
          await untilQuiet(h2);
          const child = h2.spawn(`exec csync2rev ${mode}`);
          child.stdout.resume();
          await h2.until("csync2 hangs", () => h2.processes().some(({ command }) => command === "sleep 600"));
          child.kill("SIGINT");
          assert.equal(((await once(child, "close")) as [number])[0], 130, mode);
        }
      }
      await h2.shell("pkill sleep");
      h2.remove("/etc/csync2rev.ini");
      h1.write("/srv/data/a", "a");
      await endsWell(h1, h2);
    }));

  test("a deadline ends what is waited for, never a push that runs", () =>
    inCluster("", async (h1, h2) => {
      const result = await during(
        [h1, h2],
        "-u",
        async (pid) => {
          await sleep(4_000);
          await signal(h1, "CONT", pid);
        },
        "--deadline",
        "3",
      );
      assertCaughtUp(result);
      const holder = h1.spawn("flock /run/csync2rev.lock sleep 60");
      await h1.until("the lock is held", () => h1.processes().some(({ command }) => command === "sleep 60"));
      const late = await catchUp(h2, "--deadline", "3");
      assert.deepEqual([late.code, late.outcomes], [75, ["busy"]], JSON.stringify(late));
      assert.match(peerOf(late, "h1").detail ?? "", /^sleep \(pid \d+\) holds .* at the deadline$/);
      await h1.run("pkill sleep");
      holder.kill();
      await endsWell(h1, h2);
    }));

  test("the disk is full on the requester", () =>
    inCluster("retries = 1\n", async (h1, h2) => {
      await h2.run("mount -t tmpfs -o size=20m,mode=755 tmpfs /srv/data");
      changeMuch(h1);
      const result = await catchUp(h2);
      const { outcome, reason, files } = peerOf(result, "h1");
      assert.deepEqual([result.code, outcome, reason], [1, "failed", "disk-full"], JSON.stringify(result));
      assert.ok(files.includes("/srv/data/big"));
      await h2.run("mount -o remount,size=200m /srv/data");
      const again = await catchUp(h2);
      assert.equal(again.code, 0, JSON.stringify(again) + (await h2.run("ls -la /srv/data")).stdout);
      assert.equal((await h2.run("ls /srv/data")).stdout, "a\nbig\nmany\nz\n");
      await Promise.all([untilQuiet(h1), untilQuiet(h2)]);
    }));

  for (const directory of ["/var/lib/csync2", "/run", "/tmp"]) {
    test(`the disk is full on the peer, in ${directory}`, () =>
      inCluster("retries = 1\n", async (h1, h2) => {
        h1.write("/srv/data/a", "a");
        await h1.run(["mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", directory]);
        await h1.run(["dd", "if=/dev/zero", `of=${directory}/fill`, "bs=1k", "count=8"]);
        for (let i = 0; i < 300; i++) h1.write(`/srv/data/many/${i}`, "new");
        const result = await catchUp(h2, "--deadline", "10");
        if (directory === "/var/lib/csync2") {
          assert.equal(result.code, 1, JSON.stringify(result));
          assert.equal(peerOf(result, "h1").outcome, "failed");
          assert.match(peerOf(result, "h1").detail ?? "", /Database Error|database/i);
        } else assert.equal(result.code, 0, JSON.stringify(result));
        await h1.run(["umount", directory]);
        await endsWell(h1, h2);
      }));
  }

  for (const program of ["csync2", "flock", "logger"]) {
    test(`${program} is missing on the peer`, () =>
      inCluster("", async (h1, h2) => {
        h1.write("/srv/data/a", "a");
        const { stdout } = await h1.run(["which", program]);
        await h1.run(["mount", "--bind", "/dev/null", stdout.trim()]);
        const result = await catchUp(h2);
        if (program === "logger") assert.equal(result.code, 0, JSON.stringify(result));
        else {
          assert.deepEqual([result.code, result.outcomes], [77, ["refused"]], JSON.stringify(result));
          assert.match(peerOf(result, "h1").detail ?? "", new RegExp(`there is no program ${program}`));
        }
        await h1.run(["umount", stdout.trim()]);
        await endsWell(h1, h2);
      }));
  }

  test("/dev/log is missing on both hosts", () =>
    inCluster("", async (h1, h2) => {
      h1.write("/srv/data/a", "a");
      for (const host of [h1, h2]) host.remove("/run/log");
      await endsWell(h1, h2);
    }));

  for (const wrong of ["h1", "h2"]) {
    test(`the clock of the ${wrong === "h1" ? "peer" : "requester"} is ten years wrong`, () =>
      inCluster("", async (h1, h2, cluster) => {
        const library = (await h1.run("ls /usr/lib/*/faketime/libfaketime.so.1")).stdout.trim();
        const env = { LD_PRELOAD: library, FAKETIME: "-10y", FAKETIME_DONT_FAKE_MONOTONIC: "1" };
        const year = Number((await h1.run("date +%Y")).stdout);
        assert.equal(Number((await h1.run("date +%Y", { env })).stdout), year - 10);
        await cluster.host(wrong).serve("inetd", [
          { ...csync2, env },
          { ...csync2rev, env },
        ]);
        h1.write("/srv/data/a", "a");
        const { code, stdout } = await h2.run("csync2rev --others", wrong === "h2" ? { env } : {});
        assert.equal(code, 0, stdout);
        assert.deepEqual([...h2.tree()], [...h1.tree()]);
        await endsWell(h1, h2);
      }));
  }

  test("the key is changed between check and push", () =>
    inCluster("", async (h1, h2) => {
      const key = h1.read("/etc/csync2.key");
      const result = await during([h1, h2], "-c", async (pid) => {
        h1.write("/etc/csync2.key", `${"k".repeat(64)}\n`);
        await signal(h1, "CONT", pid);
      });
      assert.deepEqual([result.code, result.outcomes], [77, ["unanswered"]], JSON.stringify(result));
      h1.write("/etc/csync2.key", key, 0o600);
      await endsWell(h1, h2);
    }));
});
