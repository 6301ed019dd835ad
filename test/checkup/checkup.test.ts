import assert from "node:assert/strict";
import { chmodSync } from "node:fs";
import { after, before, beforeEach, describe, test } from "node:test";
import { type Cluster, csync2, csync2rev, groupOf, type Host, startCluster } from "../cluster/cluster.ts";

const HOSTS = ["h1", "h2", "h3"];

interface Checkup {
  readonly host: string;
  readonly exit: number;
  readonly items: readonly { item: string; status: string; detail: string; advice: string | null }[];
  readonly peers: readonly { peer: string; group: string; status: string; outcome: string; detail: string }[];
}

describe("csync2rev --test", () => {
  let cluster: Cluster;
  let h1: Host;
  before(async () => {
    cluster = await startCluster({ hosts: HOSTS });
  });
  after(() => cluster.close());
  beforeEach(async () => {
    await cluster.reset(groupOf(HOSTS).replace("nossl * *;", ""));
    h1 = cluster.host("h1");
    await Promise.all(cluster.hosts.map((host) => host.serve("inetd")));
  });

  /** What it finds wrong, one line each, and its exit status. */
  const troubles = async (...args: readonly string[]): Promise<[number | null, string]> => {
    const { code, stdout, stderr } = await h1.run(["csync2rev", "--test", "-q", ...args]);
    assert.equal(stderr, "");
    return [code, stdout];
  };

  test("goes on if an update removes the program meanwhile", async () => {
    await h1.shell("mkdir /opt/bin && cp /usr/sbin/csync2rev /opt/csync2rev");
    h1.write("/opt/bin/xargs", '#!/bin/sh\nrm -f /opt/csync2rev\nexec /usr/bin/xargs "$@"\n', 0o755);
    const { code, stdout, stderr } = await h1.run("PATH=/opt/bin:$PATH /opt/csync2rev --test");
    assert.deepEqual([code, stderr], [0, ""], stdout);
    assert.match(stdout, /\nall is well\n$/);
    assert.deepEqual([...h1.tree("/opt").keys()], ["bin", "bin/xargs"]);
  });

  test("of a host where all is well says so, item by item", async () => {
    const { code, stdout, stderr } = await h1.run("csync2rev -T");
    assert.equal(stderr, "");
    const lines = stdout.trimEnd().split("\n");
    assert.equal(lines.pop(), "all is well");
    for (const line of lines) assert.match(line, /^ok {7}\S.*: \S/);
    for (const item of ["settings", "configuration", "allow-list of cluster", "key file /etc/csync2.key"])
      assert.ok(stdout.includes(`ok       ${item}: `), item);
    for (const item of ["encryption", "strength of /etc/csync2.key", "program ss"])
      assert.ok(stdout.includes(`ok       ${item}: `), item);
    for (const item of ["program csync2", "program flock", "program logger", "service name", "own name h1"])
      assert.ok(stdout.includes(`ok       ${item}: `), item);
    for (const item of ["port 30866 here", "csync2 on port 30865 of h1", "ping h2", "ping h3"])
      assert.ok(stdout.includes(`ok       ${item}: `), item);
    assert.equal(code, 0);
    assert.deepEqual(await troubles(), [0, ""]);
    assert.deepEqual(
      h1.syslog("csync2rev").filter(({ severity }) => severity !== "info"),
      [],
    );
    assert.deepEqual(
      cluster
        .host("h2")
        .read("/var/log/syslog")
        .match(/csync2 -/g),
      null,
    );
  });

  test("as JSON says the same, and where a peer is down that it may be asked again later", async () => {
    await cluster.host("h3").stopServices();
    const { code, stdout } = await h1.run("csync2rev --test --json");
    const checkup = JSON.parse(stdout) as Checkup;
    assert.deepEqual([code, checkup.exit, checkup.host], [75, 75, "h1"]);
    assert.deepEqual([...new Set(checkup.items.map(({ status }) => status))], ["ok"]);
    const outcomes = checkup.peers.map(({ peer, group, status, outcome }) => [peer, group, status, outcome]);
    assert.deepEqual(outcomes, [
      ["h2", "cluster", "ok", "answered"],
      ["h3", "cluster", "failed", "unreachable"],
    ]);
  });

  test("shows a fingerprint of each key: the same on hosts with the same key, and short", async () => {
    const fingerprint = async (host: string): Promise<string | undefined> =>
      /^ok {7}key of cluster: fingerprint ([0-9a-f]{3}) \(\/etc\/csync2\.key\)$/m.exec(
        (await cluster.host(host).run("csync2rev --test")).stdout,
      )?.[1];
    const ours = await fingerprint("h1");
    assert.ok(ours !== undefined);
    assert.equal(await fingerprint("h2"), ours);
    // Any other key but one of 4,096 has another one: of two others at least one has.
    const others = new Set([ours]);
    for (const letter of ["k", "x"]) {
      h1.write("/etc/csync2.key", `${letter.repeat(40)}\n`, 0o600);
      others.add((await fingerprint("h1")) ?? "none");
    }
    assert.ok(others.size > 1 && !others.has("none"));
  });

  test("asks in every group that two hosts share, and only the peers that -P names", async () => {
    const two = groupOf(HOSTS) + groupOf(["h1", "h2"]).replace("nossl * *;", "").replace("cluster", "two");
    for (const host of cluster.hosts) host.write("/etc/csync2.cfg", two);
    const { stdout } = await h1.run("csync2rev --test -P h2");
    assert.deepEqual(stdout.match(/ping .*/g), [
      "ping h2: answers in group cluster",
      "ping h2: answers in group two",
    ]);
  });

  test("of a cluster of twenty says nothing that is not its own", async () => {
    const strangers = Array.from({ length: 20 }, (_, i) => `stranger${i}`);
    h1.write("/etc/csync2.cfg", groupOf([...HOSTS, ...strangers]), 0o600);
    const { stdout, stderr } = await h1.run("csync2rev --test -q");
    assert.match(stdout, /^failed {3}name stranger19: does not resolve here$/m);
    assert.equal(stderr, "");
  });

  const FAULTS: readonly {
    readonly what: string;
    readonly make: () => unknown;
    readonly exit: number;
    readonly says: readonly RegExp[];
  }[] = [
    {
      what: "an unknown key in csync2rev.ini",
      make: () => {
        h1.write("/etc/csync2rev.ini", "colour = red\n");
      },
      exit: 78,
      says: [/^failed {3}settings: .*"colour"/m, /^failed {3}port 30866 here: .*refuses everybody/m],
    },
    {
      what: "no csync2.cfg",
      make: () => {
        h1.remove("/etc/csync2.cfg");
      },
      exit: 78,
      says: [/^failed {3}configuration: .*csync2\.cfg/m],
    },
    {
      what: "a broken directive",
      make: () => {
        h1.write("/etc/csync2.cfg", groupOf(HOSTS, ["#csync2rev alow h2;"]));
      },
      exit: 78,
      says: [/^failed {3}configuration: \/etc\/csync2\.cfg:\d+:.*alow/m],
    },
    {
      what: "a host that is in no group",
      make: () => {
        h1.write("/etc/csync2.cfg", groupOf(["h2", "h3"]));
      },
      exit: 78,
      says: [/^failed {3}configuration: no group in .* names h1/m],
    },
    {
      what: "a comment that was meant as a directive",
      make: () => {
        h1.write("/etc/csync2.cfg", groupOf(HOSTS, ["# csync2rev allow h2;"]), 0o600);
      },
      exit: 78,
      says: [/^failed {3}configuration: \/etc\/csync2\.cfg:6:6: .*looks like a #csync2rev line/m],
    },
    {
      what: "a comma between hosts, which takes this host out of its group",
      make: () => {
        h1.write("/etc/csync2.cfg", groupOf(["h1,", "h2,", "h3"]), 0o600);
      },
      exit: 78,
      says: [
        /^failed {3}configuration: no group in \/etc\/csync2\.cfg names h1/m,
        /^warning {2}configuration: \/etc\/csync2\.cfg:4:10: found host "h1,", expected blanks between hosts/m,
      ],
    },
    {
      what: "an allow-list that lets nobody in",
      make: () => {
        for (const host of cluster.hosts)
          host.write("/etc/csync2.cfg", groupOf(HOSTS, ["#csync2rev allow;"]), 0o600);
      },
      exit: 77,
      says: [
        /^warning {2}allow-list of cluster: nobody may ask/m,
        /^failed {3}ping h2: refused: not-allowed/m,
      ],
    },
    {
      what: "files that others than root can read or write",
      make: () => {
        h1.write("/etc/csync2rev.ini", "");
        chmodSync(h1.path("/etc/csync2rev.ini"), 0o666);
        chmodSync(h1.path("/etc/csync2.key"), 0o644);
        h1.write("/etc/included.cfg", h1.read("/etc/csync2.cfg"));
        chmodSync(h1.path("/etc/included.cfg"), 0o666);
        h1.write("/etc/csync2.cfg", "config /etc/included.cfg;\n", 0o600);
        // The handler serves it too.
        h1.write("/etc/csync2_web.cfg", "");
        chmodSync(h1.path("/etc/csync2_web.cfg"), 0o666);
      },
      exit: 1,
      says: [
        /^failed {3}ownership: everybody can write \/etc\/csync2_web\.cfg.*\n.*chmod o-w/m,
        /^warning {2}key file \/etc\/csync2\.key: .*\n.*chmod 600/m,
        /^failed {3}ownership: everybody can write \/etc\/included\.cfg.*\n.*chmod o-w/m,
        /^failed {3}ownership: everybody can write \/etc\/csync2rev\.ini.*\n.*chmod o-w/m,
      ],
    },
    {
      what: "pairs of hosts that csync2 sends the key between in clear",
      make: () => {
        h1.write("/etc/csync2.cfg", `nossl h3 h1;\n${groupOf(HOSTS).replace("nossl * *;", "")}`, 0o600);
      },
      exit: 0,
      says: [
        /^warning {2}encryption: nossl: csync2 sends the group's key in clear between h1 and h3\. .*\n.*nossl line out/m,
      ],
    },
    {
      what: "a key that can be guessed",
      make: () => {
        for (const host of cluster.hosts)
          host.write("/etc/csync2.key", "csync2keyofourcluster2024csync2key\n", 0o600);
      },
      exit: 0,
      says: [/^warning {2}strength of \/etc\/csync2\.key: the key can be guessed.*\n.*csync2 -k/m],
    },
    {
      what: "a forgotten configuration that keeps an old key alive, and tells of others",
      make: () => {
        h1.write("/etc/csync2.key_old", `${"o1d".repeat(20)}\n`, 0o600);
        h1.write("/etc/csync2_old.cfg", groupOf(HOSTS).replace("csync2.key", "csync2.key_old"), 0o600);
        h1.write("/etc/csync2_broken.cfg", "group {", 0o600);
      },
      exit: 0,
      says: [
        /^warning {2}csync2_broken\.cfg: cannot be read\n.*--show-config -C broken/m,
        /^warning {2}csync2_old\.cfg: served too, with another key \(\/etc\/csync2\.key_old\) for group cluster.*\n.*delete \/etc\/csync2_old\.cfg/m,
      ],
    },
    {
      what: "a folder of programs that everybody can write",
      make: () => {
        h1.write("/opt/csync2", "#!/bin/sh\n", 0o755);
        chmodSync(h1.path("/opt"), 0o777);
        h1.write("/etc/csync2rev.ini", "csync2 = /opt/csync2\n");
      },
      exit: 1,
      says: [/^failed {3}ownership: everybody can write \/opt, and so act as root/m],
    },
    {
      what: "programs that are missing",
      make: () => {
        h1.write(
          "/etc/csync2rev.ini",
          "csync2 = /opt/nothing\nlock-file = /nowhere/lock\nlog = /nowhere/log\n",
        );
      },
      exit: 1,
      says: [
        /^failed {3}program \/opt\/nothing: /m,
        /^failed {3}lock file: \/nowhere\/lock/m,
        /^failed {3}log: \/nowhere\/log cannot be written: its lines go to syslog/m,
      ],
    },
    {
      what: "a lock file that is a link",
      make: async () => {
        await h1.run("ln -sf /etc/hosts /run/csync2rev.lock");
      },
      exit: 1,
      says: [/^failed {3}lock file: \/run\/csync2rev\.lock is not a file of this user.*\n.*rm /m],
    },
    {
      what: "a log that is a link",
      make: async () => {
        await h1.run("ln -sf /etc/hosts /var/log/link");
        h1.write("/etc/csync2rev.ini", "log = /var/log/link\n");
      },
      exit: 1,
      says: [
        /^failed {3}log: \/var\/log\/link is a link, or has a second name: its lines go to syslog\n.*another file/m,
      ],
    },
    {
      what: "csync2.lock",
      make: () => {
        h1.write("/etc/csync2.lock", "");
      },
      exit: 1,
      says: [
        /^failed {3}csync2\.lock: .*\n.*rm \/etc\/csync2\.lock/m,
        /^failed {3}csync2 on port 30865 of h1: .* says "Found \/etc\/csync2\.lock"/m,
      ],
    },
    {
      what: "what a csync2 left that was ended while it received a file, and other files with such names",
      make: async () => {
        for (const name of ["big", "rc", ".big.Ab12Cd", ".rc.backup", ".gone.Ab12Cd"])
          h1.write(`/srv/data/${name}`, "", 0o600);
        h1.write("/srv/data/.rc.Ab12Cd", "", 0o644);
        await h1.shell("csync2 -cIr /");
      },
      exit: 0,
      says: [
        /^warning {2}half-made files: "\/srv\/data\/\.big\.Ab12Cd": a csync2 was ended .*\n.*delete them/m,
      ],
    },
    {
      what: "no service name",
      make: () => {
        h1.write("/etc/services", "csync2 30865/tcp\n");
      },
      exit: 0,
      says: [/^warning {2}service name: .*\n.*csync2rev 30866\/tcp/m],
    },
    {
      what: "a service name with another port",
      make: () => {
        h1.write("/etc/services", "csync2rev 30867/tcp\n");
      },
      exit: 1,
      says: [
        /^failed {3}service name: csync2rev has port 30867.*\n.*change the line .* csync2rev 30866\/tcp/m,
      ],
    },
    {
      what: "its own name on the loopback, as Debian's installer writes it",
      make: () => {
        h1.write("/etc/hosts", h1.read("/etc/hosts").replace("10.77.0.1", "127.0.1.1"));
      },
      exit: 0,
      says: [
        /^warning {2}own name h1: resolves to 127\.0\.1\.1/m,
        /^warning {2}source address of h1: peers see 10\.77\.0\.1/m,
      ],
    },
    {
      what: "a peer's name that leads back here, and one that leads nowhere",
      make: () => {
        const hosts = h1.read("/etc/hosts").replace("10.77.0.2 h2", "127.0.1.1 h2");
        h1.write("/etc/hosts", hosts.replace("10.77.0.3 h3", ""));
      },
      exit: 1,
      says: [
        /^failed {3}name h2: resolves to 127\.0\.1\.1, which is this host itself/m,
        /^failed {3}name h3: does not resolve here/m,
        /^failed {3}ping h2: refused: wrong-host/m,
        /^failed {3}ping h3: unreachable/m,
      ],
    },
    {
      what: "peers that know this host under another address",
      make: () => {
        const h2 = cluster.host("h2");
        h2.write("/etc/hosts", h2.read("/etc/hosts").replace("10.77.0.1 h1", "10.77.0.9 h1"));
      },
      exit: 77,
      says: [/^failed {3}ping h2: refused: wrong-address .*\n.*correct \/etc\/hosts/m],
    },
    {
      what: "nothing on the ports",
      make: async () => {
        await h1.stopServices();
      },
      exit: 1,
      says: [
        /^failed {3}port 30866 here: .*\n.*inetd\.conf/m,
        /^failed {3}csync2 on port 30865 of h1: csync2 on this host does not answer/m,
      ],
    },
    {
      what: "other programs on the ports",
      make: async () => {
        h1.write("/opt/mail", "#!/bin/sh\necho 220 mail\ncat >/dev/null\n", 0o755);
        const mail = { command: ["/opt/mail"] };
        await h1.serve("inetd", [
          { ...csync2, ...mail },
          { ...csync2rev, ...mail },
        ]);
      },
      exit: 1,
      says: [
        /^failed {3}port 30866 here: .*no greeting/m,
        /^failed {3}csync2 on port 30865 of h1: what listens .* it says "220 mail"/m,
      ],
    },
    {
      what: "the mailing list's csync2 -xr on the port",
      make: async () => {
        await h1.serve("inetd", [csync2, { ...csync2rev, command: ["/usr/sbin/csync2", "-xr"] }]);
      },
      exit: 1,
      says: [
        /^failed {3}port 30866 here: csync2rev does not answer: connected, but it closed .*\n.*csync2 -xr/m,
      ],
    },
    {
      what: "a handler that goes by another name than we",
      make: async () => {
        await h1.serve("inetd", [
          csync2,
          { ...csync2rev, command: ["/usr/sbin/csync2rev", "-i", "-N", "other"] },
        ]);
      },
      exit: 1,
      says: [/^failed {3}port 30866 here: .*another host name or key.*\n.*-N/m],
    },
    {
      what: "another key",
      make: () => {
        h1.write("/etc/csync2.key", `${"k".repeat(40)}\n`, 0o600);
      },
      exit: 77,
      says: [
        /^failed {3}ping h2: unanswered in group cluster.*\n.*fingerprint.*same key file/m,
        /^warning {2}keys: every peer is unanswered: this host's key is probably the odd one$/m,
      ],
    },
  ];
  for (const { what, make, exit, says } of FAULTS)
    test(`finds ${what}, and says what to do`, async () => {
      await make();
      const [code, stdout] = await troubles("--connect-timeout", "2");
      for (const line of says) assert.match(stdout, line);
      assert.equal(code, exit, stdout);
    });
});
