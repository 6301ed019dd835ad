import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { metricsOfOthers } from "../../src/others/metrics.ts";
import { writeMetrics } from "../../src/metrics.ts";
import { OUTCOMES } from "../../src/requester/outcome.ts";
import { debianPackages, withPackages } from "../cluster/cluster.ts";
import { cleanRoot, Machine } from "./machine.ts";

const TOP = join(import.meta.dirname, "../..");

const CFG = `nossl * *;
group web
{
  host h1 h2;
  key /etc/csync2.key;
  include /srv/data;
  auto younger;
}
`;

/** h2 is another host on the same disk: with a network, a name and a csync2 database of its own. */
const H2 = `
ip netns add h2
ip link add eth0 type veth peer name h2 netns h2
ip address add 10.0.0.1/24 dev eth0
ip link set eth0 up
ip netns exec h2 ip address add 10.0.0.2/24 dev h2
ip netns exec h2 ip link set h2 up
ip netns exec h2 ip link set lo up
mkdir -p /srv/data /var/lib/h2
`;
const H2_SERVICE = `[Service]
ExecStart=ip netns exec h2 systemd-socket-activate --inetd --accept --listen=30866 /usr/sbin/csync2rev -i -N h2 -D /var/lib/h2
KillMode=control-group
`;

let folder: string;
const PLATFORM = process.arch;
let packageFile: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), "csync2rev-package-"));
  packageFile = join(folder, "csync2rev.deb");
  execFileSync(process.execPath, ["--import", "tsx", "packaging/deb.ts", PLATFORM, packageFile], {
    cwd: TOP,
  });
});
after(() => {
  rmSync(folder, { recursive: true });
});

test("lintian finds nothing wrong with the package", async () => {
  const { stdout, status } = await runWith(
    ["lintian", "man-db"],
    ["lintian", "--fail-on", "error,warning", packageFile],
  );
  assert.equal(stdout, "");
  assert.equal(status, 0);
});

test("promtool takes the metrics", async () => {
  const file = join(folder, "csync2rev.prom");
  const peers = OUTCOMES.map((outcome) => ({
    ...{
      peer: `h-${outcome}`,
      myname: "h1",
      group: "web",
      groups: ["web"],
      outcome,
      reason: null,
      detail: null,
      exit: 0,
      updated: 1,
      deleted: 2,
    },
    ...{ pending: outcome === "lost" ? null : 0, files: [], attempts: 1, seconds: 0.25 },
  }));
  const result = { host: "h1", seconds: 1.5, exit: 1, dryRun: false, newMember: false, peers };
  writeMetrics(file, (before) => metricsOfOthers(result, "two", 1_800_000_000, before));
  const command = ["sh", "-c", `promtool check metrics <"${file}" 2>&1`];
  const { stdout, status } = await runWith(["prometheus"], command);
  assert.equal(stdout, "");
  assert.equal(status, 0);
});

test("the same sources make the same package", () => {
  const again = join(folder, "again.deb");
  execFileSync(process.execPath, ["--import", "tsx", "packaging/deb.ts", PLATFORM, again], { cwd: TOP });
  assert.ok(readFileSync(again).equals(readFileSync(packageFile)));
});

describe("in a clean Debian, with its own Node.js and systemd", () => {
  let machine: Machine;
  before(async () => {
    machine = await Machine.boot(await cleanRoot(), packageFile);
  });
  after(() => machine.close());

  const run = (command: string): string => {
    const { status, stdout } = machine.run(command);
    assert.equal(status, 0, `${command}\n${stdout}`);
    return stdout;
  };
  const isActive = (unit: string): string => machine.run(`systemctl is-active ${unit}`).stdout.trim();

  test("the package is installed, and enables nothing", () => {
    const services = run("cat /etc/services /etc/inetd.conf");
    run("dpkg --install /root/csync2rev.deb");
    assert.doesNotMatch(run("dpkg --status csync2rev"), /nodejs/);
    assert.match(run("csync2rev --version"), /^csync2rev \d+\.\d+\.\d+\n$/);
    assert.equal(isActive("csync2rev.socket"), "inactive");
    assert.equal(machine.run("ls /etc/systemd/system/*.wants | grep csync2rev").stdout, "");
    const line = "csync2rev\t30866/tcp\t\t\t# catch-up sync for csync2 (added by the package csync2rev)\n";
    assert.equal(run("cat /etc/services /etc/inetd.conf").replace(line, ""), services);
    assert.match(run("getent services csync2rev"), /30866\/tcp/);
    run("dpkg --install /root/csync2rev.deb");
    assert.equal(run("grep -c ^csync2rev /etc/services"), "1\n");
  });

  test("--test is content once the socket is enabled", () => {
    run(`set -e; hostname h1; ${H2} csync2 -k /etc/csync2.key; chmod 600 /etc/csync2.key`);
    machine.write("/etc/csync2.cfg", CFG);
    machine.write("/etc/systemd/system/h2.service", H2_SERVICE);
    run("systemctl daemon-reload && systemctl start h2 && systemctl enable --now csync2rev.socket");
    assert.match(run("csync2rev --test"), /^0 failed, 1 warning, /m);
  });

  test("a csync2 that runs goes on when its unit is stopped", async () => {
    const slow =
      '#!/bin/sh\ntouch /root/begun\nsleep 4\n/usr/sbin/csync2 "$@"\necho "ended $?" >>/root/ended\n';
    machine.write("/root/slow-csync2", slow);
    machine.write("/etc/csync2rev.ini", "csync2 = /root/slow-csync2\n");
    run("chmod 755 /root/slow-csync2; mkdir /etc/systemd/system/csync2rev@.service.d");
    machine.write("/etc/systemd/system/csync2rev@.service.d/test.conf", "[Service]\nTimeoutStopSec=1\n");
    run("systemctl daemon-reload");
    const inH2 = "ip netns exec h2";
    run(
      `${inH2} systemd-socket-activate --inetd --accept --listen=30865 csync2 -i >/dev/null 2>&1 & echo $! >/root/pid`,
    );
    run(`${inH2} csync2rev -o -N h2 -D /var/lib/h2 >/dev/null 2>&1 &`);
    await machine.until("[ -e /root/begun ]");
    run("systemctl stop 'csync2rev@*.service'");
    assert.equal(machine.run("cat /root/ended").status, 1, "csync2 still runs");
    await machine.until("grep -q 'ended 0' /root/ended");
    run("kill $(cat /root/pid); rm /etc/csync2rev.ini /root/slow-csync2 /root/begun /root/ended /root/pid");
    run("rm -r /etc/systemd/system/csync2rev@.service.d");
  });

  test("csync2rev-others asks again until its peer is there; then the target is reached, and what waits for it starts", async () => {
    const waits = "[Service]\nExecStart=/bin/sleep infinity\n";
    machine.write("/etc/systemd/system/waits.service", waits);
    machine.write("/etc/csync2rev.ini", "[others]\ndeadline = 1\n");
    run("mkdir -p /etc/systemd/system/csync2rev-others.service.d && systemctl stop h2");
    machine.write("/etc/systemd/system/csync2rev-others.service.d/test.conf", "[Service]\nRestartSec=1\n");
    run("systemctl daemon-reload && systemctl add-wants csync2rev-caught-up.target waits.service");
    assert.equal(machine.run("systemctl start csync2rev-others.service").status, 1);
    await machine.until("[ $(systemctl show --value -p NRestarts csync2rev-others) -ge 2 ]");
    assert.equal(isActive("csync2rev-caught-up.target"), "inactive");
    assert.equal(isActive("waits"), "inactive");

    machine.write("/srv/data/file", "one");
    run("rm /etc/csync2rev.ini; systemctl start h2");
    await machine.until("systemctl is-active waits.service");
    assert.equal(isActive("csync2rev-caught-up.target"), "active");
    assert.match(run("journalctl -u csync2rev-others"), /h2 +web +caught-up/);
  });

  test("a service that requires the target waits for it", () => {
    const requires = "[Unit]\nRequires=csync2rev-caught-up.target\nAfter=csync2rev-caught-up.target\n";
    machine.write(
      "/etc/systemd/system/requires.service",
      `${requires}[Service]\nExecStart=/bin/sleep infinity\n`,
    );
    run("systemctl daemon-reload; systemctl stop waits csync2rev-others");
    assert.equal(isActive("csync2rev-caught-up.target"), "inactive");
    run("systemctl start requires");
    assert.equal(isActive("csync2rev-others"), "active");
  });

  test("inetd serves it by the line in docs/install.md, and the journal or syslog has the handler's lines", () => {
    run("systemctl disable --now csync2rev.socket");
    const line = /update-inetd (--group .*')`/.exec(readFileSync(join(TOP, "docs/install.md"), "utf8"))?.[1];
    run(`update-inetd ${line ?? ""} && systemctl restart inetd`);
    assert.match(run("csync2rev --test"), /^0 failed, 1 warning, /m);
    assert.match(run("journalctl -t csync2rev"), /event=done verb=ping group=web from=h1/);
  });

  test("it is removed and purged, and nothing is left", () => {
    run("systemctl stop h2; dpkg --remove csync2rev");
    assert.equal(machine.run("ls /usr/sbin/csync2rev").status, 2);
    assert.match(run("cat /etc/inetd.conf"), /^#<off># csync2rev/m);
    run("dpkg --purge csync2rev");
    assert.equal(machine.run("grep csync2rev /etc/services /etc/inetd.conf").stdout, "");
    run("rm -r /root/csync2rev.deb /etc/systemd/system/csync2rev-others.service.d");
    assert.equal(run("find / -xdev -name '*csync2rev*'; find /run -name '*csync2rev*'"), "");
  });
});

/** Runs a command as if these packages were installed. */
async function runWith(
  packages: readonly string[],
  command: readonly string[],
): Promise<{ readonly status: number | null; readonly stdout: string }> {
  const [program = "", ...args] = withPackages(await debianPackages(packages), command);
  return spawnSync(program, args, { encoding: "utf8" });
}
