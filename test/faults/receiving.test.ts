import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, beforeEach, describe, test } from "node:test";
import { type Cluster, type Host, startCluster } from "../cluster/cluster.ts";
import { assertCaughtUp, catchUp } from "../catchup/others.ts";

/** Speaks csync2 to h2 as h1 does, and sends a file without end. Counts in /tmp/sent what has left. */
const ENDLESS_PUSH = `
exec 3<>/dev/tcp/h2/30865
say() { printf '%s\\n' "$1" >&3; IFS= read -r answer <&3; }
say "CONFIG "; say "HELLO h1"
say "PATCH $(cat /etc/csync2.key) /srv/data/arriving"
printf 'octet-stream 2000000000\\n' >&3
while head -c 8192 /dev/zero >&3; do echo >>/tmp/sent; sleep 0.05; done
`;

describe("a check waits: it would take a file that is half made for a change of its host", () => {
  let cluster: Cluster;
  let h1: Host, h2: Host, h3: Host;
  // Says at each check whether a csync2 receives.
  const [looks, program] = ["/root/looks", "/opt/csync2"];

  before(async () => {
    cluster = await startCluster();
    [h1, h2, h3] = [cluster.host("h1"), cluster.host("h2"), cluster.host("h3")];
  });
  after(() => cluster.close());
  beforeEach(async () => {
    await cluster.reset();
    for (const host of cluster.hosts) {
      await host.serve("inetd");
      host.write("/srv/data/known", "");
      await host.shell("csync2 -cIr /");
    }
    h2.write("/srv/data/new", "new");
    h2.write(
      program,
      `#!/bin/sh\ncase "$*" in *'-c -r /') pgrep -f '^csync2 -i' >>${looks}; echo checked >>${looks};; esac\nexec /usr/sbin/csync2 "$@"\n`,
      0o755,
    );
    h2.write("/etc/csync2rev.ini", `csync2 = ${program}\n`);
  });
  const askedToCheck = (): boolean =>
    h2.syslog("csync2rev").some(({ message }) => message.includes("verb=check"));

  test("while files arrive", async () => {
    const push = h1.spawn(ENDLESS_PUSH);
    const sent = (): number => (existsSync(h1.path("/tmp/sent")) ? h1.read("/tmp/sent").length : 0);
    await h1.until("files are arriving", () => sent() > 3);
    const catchingUp = catchUp(h3, "-P", "h2");
    await h2.until("h2 has been asked", askedToCheck);
    const then = sent();
    await h1.until("more has arrived since", () => sent() > then + 20);
    assert.ok(!existsSync(h2.path(looks)), "it has not checked yet");
    push.kill("SIGKILL");
    assertCaughtUp(await catchingUp, "h2");
    assert.equal(h2.read(looks), "checked\n");
    assert.equal(h3.read("/srv/data/new"), "new");

    const another = h1.spawn(ENDLESS_PUSH);
    await h1.until("files are arriving again", () =>
      h2.processes().some(({ command }) => command === "csync2 -i"),
    );
    h2.write("/etc/csync2rev.ini", `csync2 = ${program}\nlock-timeout = 1\n`);
    const result = await catchUp(h3, "-P", "h2", "--deadline", "3");
    assert.deepEqual([result.code, result.outcomes], [75, ["busy"]]);
    another.kill("SIGKILL");
  });

  const waitsToCheck = (): boolean =>
    h2.processes().some(({ command }) => /flock --timeout \d+ 3$/.test(command));

  test("while this host is being caught up, also if the peer's csync2 was long busy", async () => {
    // Another csync2 gets the lock between the check and the push.
    h1.write(
      program,
      `#!/bin/sh
case "$*" in
*'-c -r /') flock /run/csync2rev.lock sh -c ': >/tmp/busy; exec sleep 60' </dev/null >/dev/null 2>&1 & ;;
*-M*) until [ -e /tmp/busy ]; do sleep 0.05; done ;;
*'-u -P h2') : >/tmp/pushes; until [ -e /tmp/go ]; do sleep 0.05; done ;;
esac
exec /usr/sbin/csync2 "$@"
`,
      0o755,
    );
    h1.write("/etc/csync2rev.ini", `csync2 = ${program}\n`);
    h1.write("/srv/data/arriving", "arrives");
    const own = catchUp(h2, "-P", "h1");
    await h1.until("it waits for the other csync2", () =>
      h1.processes().some(({ command }) => /flock --timeout .* -u -P h2$/.test(command)),
    );
    assertCaughtUp(await catchUp(h3, "-P", "h2"), "h2");
    assert.equal(h2.read(looks), "checked\n", "h2's check was let in meanwhile");

    await h1.run("pkill sleep");
    await h1.until("h1 is about to push", () => existsSync(h1.path("/tmp/pushes")));
    for (let tries = 0; (await h2.run("flock -n /run/csync2rev.lock.check true")).code === 0; tries++)
      assert.ok(tries < 500, "no more checks are let in");
    const other = catchUp(h3, "-P", "h2");
    await h2.until("h2's handler waits", waitsToCheck);
    h1.write("/tmp/go", "");
    assertCaughtUp(await own, "h1");
    assertCaughtUp(await other, "h2");
    assert.equal(h2.read("/srv/data/arriving"), "arrives");
  });

  test("while this host is being caught up, though nothing has arrived yet", async () => {
    h1.write("/srv/data/arriving", "arrives");
    h1.write(
      program,
      `#!/bin/sh\ncase "$*" in *'-u -P h2') : >/tmp/pushes; until [ -e /tmp/go ]; do sleep 0.05; done;; esac\nexec /usr/sbin/csync2 "$@"\n`,
      0o755,
    );
    h1.write("/etc/csync2rev.ini", `csync2 = ${program}\n`);
    const own = catchUp(h2, "-P", "h1");
    await h1.until("h1 is about to push", () => existsSync(h1.path("/tmp/pushes")));
    const other = catchUp(h3, "-P", "h2");
    await h2.until("h2's handler waits", waitsToCheck);
    assert.ok(!existsSync(h2.path(looks)), "it has not checked yet");
    h1.write("/tmp/go", "");
    assertCaughtUp(await own, "h1");
    assertCaughtUp(await other, "h2");
    assert.equal(h2.read(looks), "checked\n");
    assert.equal(h2.read("/srv/data/arriving"), "arrives");
  });
});
