import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { startCluster } from "../cluster/cluster.ts";
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

test("a check waits while files arrive: it would take a file that is half made for this host's change", async () => {
  const cluster = await startCluster();
  try {
    const [h1, h2, h3] = [cluster.host("h1"), cluster.host("h2"), cluster.host("h3")];
    for (const host of cluster.hosts) {
      await host.serve("inetd");
      host.write("/srv/data/known", "");
      await host.shell("csync2 -cIr /");
    }
    h2.write("/srv/data/new", "new");
    // Says at each check whether a csync2 receives.
    const [looks, program] = ["/root/looks", "/opt/csync2"];
    h2.write(
      program,
      `#!/bin/sh\ncase "$*" in *'-c -r /') pgrep -f '^csync2 -i' >>${looks}; echo checked >>${looks};; esac\nexec /usr/sbin/csync2 "$@"\n`,
      0o755,
    );
    h2.write("/etc/csync2rev.ini", `csync2 = ${program}\n`);

    const push = h1.spawn(ENDLESS_PUSH);
    const sent = (): number => (existsSync(h1.path("/tmp/sent")) ? h1.read("/tmp/sent").length : 0);
    await h1.until("files are arriving", () => sent() > 3);
    const catchingUp = catchUp(h3, "-P", "h2");
    await h2.until("h2 has been asked", () =>
      h2.syslog("csync2rev").some(({ message }) => message.includes("verb=check")),
    );
    const before = sent();
    await h1.until("more has arrived since", () => sent() > before + 20);
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
  } finally {
    await cluster.close();
  }
});
