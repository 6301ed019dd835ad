import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { ownPlatform } from "../../packaging/bun.ts";
import { version } from "../../packaging/content.ts";
import { makeDeb } from "../../packaging/deb.ts";
import { buildStandalone } from "../../packaging/standalone.ts";
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

const NO_HISTORY = "this checkout lacks the history that goes back to 1.0.0: git fetch --unshallow";

let folder: string;
let packageFile: string;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), "csync2rev-package-"));
  packageFile = makeDeb(ownPlatform(), await buildStandalone(ownPlatform()), folder);
});
after(() => {
  rmSync(folder, { recursive: true });
});

test("promtool takes the metrics", async () => {
  const file = join(folder, "csync2rev.prom");
  const peers = OUTCOMES.map((outcome) => ({
    ...{
      peer: `h-${outcome}`,
      myname: "h1",
      group: "web",
      optional: false,
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
  const result = { host: "h1", seconds: 1.5, exit: 1, dryRun: false, newMember: false, rounds: 1, peers };
  writeMetrics(file, (before) => metricsOfOthers(result, "two", 1_800_000_000, before));
  const command = ["sh", "-c", `promtool check metrics <"${file}" 2>&1`];
  const { stdout, status } = await runWith(["prometheus"], command);
  assert.equal(stdout, "");
  assert.equal(status, 0);
});

describe("in a clean Debian, with systemd", () => {
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

  test("--test is content once the socket is enabled, and the journal has what it asked", async () => {
    run(`set -e; hostname h1; ${H2} csync2 -k /etc/csync2.key; chmod 600 /etc/csync2.key`);
    machine.write("/etc/csync2.cfg", CFG);
    machine.write("/etc/systemd/system/h2.service", H2_SERVICE);
    run("systemctl daemon-reload && systemctl start h2 && systemctl enable --now csync2rev.socket");
    assert.match(run("csync2rev --test"), /^0 failed, 1 warning, /m);
    // As messages have it.
    await machine.until("journalctl -t csync2rev | grep -q 'event=accepted verb=ping'");
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

  test("ss closes a connection under the restrictions of the unit", () => {
    const unit = readFileSync(join(TOP, "systemd/csync2rev@.service"), "utf8");
    const restrictions = unit.match(/^(?:SystemCall|Restrict|Capability|Lock|UMask).*$/gm) ?? [];
    assert.ok(restrictions.length > 6);
    const properties = restrictions.map((line) => `--property='${line}'`).join(" ");
    machine.write(
      "/root/close",
      `#!/bin/bash
systemd-socket-activate --inetd --accept --listen=30999 sleep 600 2>/dev/null &
until exec 3<>/dev/tcp/127.0.0.1/30999; do sleep 0.1; done 2>/dev/null
ss --kill --tcp --numeric state connected dst 127.0.0.1:30999
read -r -t 60 -u 3; echo "read: $?"
kill %1
`,
    );
    // 1: it was closed; above 128: nothing came in time.
    assert.match(
      run(`systemd-run --quiet --wait --pipe ${properties} bash /root/close; rm /root/close`),
      /^read: 1$/m,
    );
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
    const said = run("systemctl stop h2; dpkg --remove csync2rev");
    assert.match(said, /^csync2rev: these units wait .*:\n {2}systemctl enable waits\.service$/m);
    assert.match(said, /^csync2rev: these files name .*:\n {2}\/etc\/systemd\/system\/requires\.service$/m);
    assert.equal(machine.run("ls /usr/sbin/csync2rev").status, 2);
    assert.match(run("cat /etc/inetd.conf"), /^#<off># csync2rev/m);
    run("dpkg --purge csync2rev");
    assert.equal(machine.run("grep csync2rev /etc/services /etc/inetd.conf").stdout, "");
    run("rm -r /root/csync2rev.deb /etc/systemd/system/csync2rev-others.service.d");
    assert.equal(run("find / -xdev -name '*csync2rev*'; find /run -name '*csync2rev*'"), "");
  });
});

test("a boot does not wait for a peer that is down, and csync2rev-caught-up.target does", async () => {
  const prepare = [
    ...["dpkg --install /root/csync2rev.deb", "csync2 -k /etc/csync2.key"],
    `printf '%s' '${CFG}' >/etc/csync2.cfg`,
    "systemctl enable csync2rev-others.service",
  ];
  const machine = await Machine.boot(await cleanRoot(), packageFile, prepare.join(" && "));
  try {
    const state = (unit: string): string => machine.run(`systemctl is-active ${unit}`).stdout.trim();
    await machine.until("systemctl is-active csync2rev-others.service | grep -qx activating");
    assert.match(machine.run("systemctl is-system-running").stdout, /^(running|degraded)$/m);
    assert.equal(state("multi-user.target"), "active");
    assert.equal(state("csync2rev-caught-up.target"), "inactive");
  } finally {
    await machine.close();
  }
});

const OLD = "b0e3b74";
describe(
  "in a clean Debian, with 1.0.0 and its services",
  { skip: hasCommit(OLD) ? false : NO_HISTORY },
  () => {
    let machine: Machine;
    before(async () => {
      machine = await Machine.boot(await cleanRoot(), packageFile);
      machine.write("/root/old.deb", readFileSync(packageOfOld()));
    });
    after(() => machine.close());

    test("the package is upgraded: what was enabled is enabled, and the boot no longer waits for the catch-up", () => {
      const run = (command: string): string => {
        const { status, stdout } = machine.run(command);
        assert.equal(status, 0, `${command}\n${stdout}`);
        return stdout;
      };
      // It needs Node.js, which is not there: it is not run.
      run("dpkg --install --force-depends /root/old.deb");
      run("systemctl enable csync2rev.socket csync2rev-others.service");
      run("dpkg --install /root/csync2rev.deb");
      assert.equal(run("dpkg-query --show csync2rev"), `csync2rev\t${version}\n`);
      assert.equal(run("csync2rev --version"), `csync2rev ${version}\n`);
      assert.match(
        run("systemctl is-enabled csync2rev.socket csync2rev-boot.service"),
        /^enabled\nenabled$/m,
      );
      assert.equal(
        run("ls /etc/systemd/system/multi-user.target.wants | grep csync2rev"),
        "csync2rev-boot.service\n",
      );
      run("csync2 -k /etc/csync2.key; chmod 600 /etc/csync2.key; systemctl start csync2rev.socket");
      machine.write("/etc/csync2.cfg", CFG);
      assert.match(run("csync2rev --show-config -N h1"), /web/);
      run("dpkg --purge csync2rev; rm /root/csync2rev.deb");
      assert.equal(run("find / -xdev -name '*csync2rev*'"), "");
    });
  },
);

/** Whether this checkout has the history that goes so far back. */
function hasCommit(commit: string): boolean {
  return spawnSync("git", ["cat-file", "-e", commit], { cwd: TOP, stdio: "ignore" }).status === 0;
}

/** Builds the package of 1.0.0, as it was then, with what it was made of. */
function packageOfOld(): string {
  const place = join(folder, "1.0.0");
  const lines = [
    `umask 022; mkdir "$0"; git archive ${OLD} | tar --extract --directory "$0"; cd "$0"`,
    "npm ci --ignore-scripts --no-audit --no-fund; npm run -s package",
  ];
  execFileSync("bash", ["-ec", lines.join("; "), place], { cwd: TOP, stdio: "pipe" });
  return join(place, "csync2rev_1.0.0_all.deb");
}

/** Runs a command as if these packages were installed. */
async function runWith(
  packages: readonly string[],
  command: readonly string[],
): Promise<{ readonly status: number | null; readonly stdout: string }> {
  const [program = "", ...args] = withPackages(await debianPackages(packages), command);
  return spawnSync(program, args, { encoding: "utf8" });
}
