import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { assertCaughtUp, catchUp } from "../catchup/others.ts";
import { type Cluster, csync2, csync2rev, groupOf, type Host, startCluster } from "../cluster/cluster.ts";

describe("csync2rev.ini", () => {
  let cluster: Cluster;
  let h1: Host;
  let h2: Host;
  let h3: Host;
  before(async () => {
    cluster = await startCluster();
    [h1, h2, h3] = [cluster.host("h1"), cluster.host("h2"), cluster.host("h3")];
  });
  after(() => cluster.close());
  beforeEach(() => cluster.reset(groupOf(["h1", "h2", "h3"])));

  test("hostname and database stand for -N and -D, to csync2 too, on both sides; the options win", async () => {
    await h2.run("hostname web2.example.org");
    h2.write("/etc/csync2rev.ini", "hostname = h2\ndatabase = /srv/database\n");
    h2.write("/srv/database/.keep", "");
    const own = { ...csync2, command: [...csync2.command, "-N", "h2", "-D", "/srv/database"] };
    await h2.serve("inetd", [own, csync2rev]);
    await h1.serve("inetd");
    h1.write("/srv/data/file", "from h1");

    assertCaughtUp(await catchUp(h2, "-P", "h1"), "h1");
    assert.equal(h2.read("/srv/data/file"), "from h1");
    assert.equal((await h2.run(["csync2rev", "--test", "-q", "-P", "h1"])).code, 0);
    h2.write("/srv/data/other", "from h2");
    assertCaughtUp(await catchUp(h1, "-P", "h2"), "h2");
    assert.equal(h1.read("/srv/data/other"), "from h2");
    assert.equal(
      await h2.shell("ls /var/lib/csync2 /srv/database"),
      "/srv/database:\nh2.db3\n\n/var/lib/csync2:\n",
    );

    const { hostname } = JSON.parse(await h2.shell("csync2rev --show-config -N h3")) as { hostname: string };
    assert.equal(hostname, "h3");
  });

  test("what is to be run by hand names both", async () => {
    await cluster.reset(groupOf(["h1", "h2"], ["auto none;"]));
    await h2.run("hostname web2.example.org");
    h2.write("/etc/csync2rev.ini", "hostname = h2\n");
    await h2.serve("inetd", [{ ...csync2, command: [...csync2.command, "-N", "h2"] }, csync2rev]);
    await h1.serve("inetd");
    h1.write("/srv/data/file", "1");
    assertCaughtUp(await catchUp(h2));
    h1.write("/srv/data/file", "of h1");
    h2.write("/srv/data/file", "of h2!");
    const { stdout, code } = await h2.run("csync2rev --others");
    assert.equal(code, 1);
    assert.match(stdout, /run here {2}csync2 -N h2 -TUI h2 h1 /);
  });

  describe("optional peers", () => {
    beforeEach(async () => {
      h3.write("/etc/csync2rev.ini", "[others]\noptional = h2 laptop*\n");
      await Promise.all(cluster.hosts.map((host) => host.serve("inetd")));
      h1.write("/srv/data/file", "1");
      assertCaughtUp(await catchUp(h3));
    });

    test("off: asked and reported, and neither the exit status nor anybody waits", async () => {
      await h2.powerOff();
      h1.write("/srv/data/file", "from h1");
      // Without `optional` it would be asked until the deadline, which the test does not outlast.
      const result = await catchUp(h3, "--deadline", "86400", "--connect-timeout", "1");
      assert.deepEqual([result.code, result.peers.map(({ optional }) => optional)], [0, [false, true]]);
      assert.deepEqual(result.outcomes, ["caught-up", "unreachable"]);
      assert.equal(h3.read("/srv/data/file"), "from h1");

      const { stdout, code } = await h3.run("csync2rev --others --connect-timeout 1");
      assert.equal(code, 0);
      assert.match(stdout, /^h2 \(optional\) +\S+ +unreachable /m);
      assert.match(stdout, /^h2 \(optional\): unreachable: /m);
      assert.doesNotMatch(stdout, /run csync2rev --others again/);
      assert.match(stdout, /^caught up with 1 of 2 peers in .*; the others are optional, and nobody waits/m);
      assert.equal((await h3.run("csync2rev --others -q --connect-timeout 1")).stdout, "");

      const tested = await h3.run("csync2rev --test --connect-timeout 1");
      assert.equal(tested.code, 0, tested.stdout + tested.stderr);
      assert.match(tested.stdout, /^warning +ping h2 \(optional\): unreachable/m);
      assert.match(tested.stdout, /^warning +optional peers: "laptop\*" names no peer/m);
      assert.equal((await h3.run("csync2rev --status --connect-timeout 1")).code, 0);
    });

    test("off, and the others too: the others count, and are waited for", async () => {
      await Promise.all([h1.powerOff(), h2.powerOff()]);
      const result = await catchUp(h3, "--deadline", "2", "--connect-timeout", "1");
      assert.deepEqual([result.code, result.outcomes], [75, ["unreachable", "unreachable"]]);
    });

    test("on: it delivers like any other", async () => {
      h2.write("/srv/data/file", "from h2");
      assertCaughtUp(await catchUp(h3), "h1", "h2");
      assert.equal(h3.read("/srv/data/file"), "from h2");
    });

    test("named with -P: it counts", async () => {
      await h2.powerOff();
      const result = await catchUp(h3, "-P", "h2", "--deadline", "2", "--connect-timeout", "1");
      assert.deepEqual([result.code, result.outcomes], [75, ["unreachable"]]);
    });

    test("all of them, and off: a host that has files goes on, a new one does not", async () => {
      h3.write("/etc/csync2rev.ini", "[others]\noptional = *\n");
      await Promise.all([h1.powerOff(), h2.powerOff()]);
      assert.equal((await catchUp(h3, "--connect-timeout", "1")).code, 0);
      h3.remove("/var/lib/csync2/h3.db3");
      assert.equal((await catchUp(h3, "--connect-timeout", "1")).code, 75);
    });
  });

  test("--others tells this host's log how it went", async () => {
    await Promise.all([h1, h3].map((host) => host.serve("inetd")));
    h1.write("/srv/data/file", "from h1");
    await catchUp(h3, "--deadline", "2", "--connect-timeout", "1");
    const [line] = await h3.logged();
    assert.match(
      line?.message ?? "",
      /^event=others new-member=yes exit=75 peers=2 caught-up=1 unreachable=1 updated=\d deleted=0 seconds=[\d.]+$/,
    );
    assert.equal(line?.severity, "info");
    const manual = readFileSync(join(import.meta.dirname, "../../man/csync2rev.8"), "utf8");
    const described = /^\.Cm others\nhas\n([^]*?)^\.Sh /m.exec(manual)?.[1] ?? "";
    for (const [, key = ""] of line.message.matchAll(/ ([\w-]+)=/g))
      assert.match(described, new RegExp(`^\\.(?:It )?Cm (?:.* )?${key}\\b`, "m"), key);
  });
});
