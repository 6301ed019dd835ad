import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import { assertCaughtUp, assertOutcomes, catchUp, peerOf } from "../catchup/others.ts";
import {
  type Cluster,
  csync2,
  csync2rev,
  groupOf,
  type Host,
  STANDALONE,
  startCluster,
} from "../cluster/cluster.ts";

/** In a database's URL, and nowhere else. */
const PASSWORD = "geheim";

/** A server on a host, as Debian's package has it; its files are below /var/lib/server. */
interface Server {
  readonly url: string;
  readonly packages: readonly string[];
  /** Makes its files. */
  readonly make: string;
  readonly start: string;
  /** Succeeds once it answers. */
  readonly answers: string;
  /** What csync2 says if it does not. */
  readonly away: RegExp;
}

const SERVERS: Readonly<Record<string, Server>> = {
  MariaDB: {
    url: `mysql://csync2:${PASSWORD}@127.0.0.1/`,
    packages: ["mariadb-server", "libmariadb3"],
    make: [
      "mkdir -p /var/lib/server",
      `printf '%s\n' "CREATE USER csync2@localhost IDENTIFIED BY '${PASSWORD}';" "GRANT ALL ON *.* TO csync2@localhost;" >/root/init`,
      "mariadb-install-db --no-defaults --user=root --datadir=/var/lib/server --skip-test-db >/dev/null",
    ].join(" && "),
    start:
      "mariadbd --no-defaults --user=root --datadir=/var/lib/server --socket=/run/server --pid-file=/run/server.pid --bind-address=127.0.0.1 --init-file=/root/init",
    answers: `mariadb --no-defaults --protocol=tcp -h 127.0.0.1 -u csync2 -p${PASSWORD} -e "SELECT 1"`,
    away: /Failed to connect to database: Error: Can't connect to server/,
  },
  PostgreSQL: {
    url: `pgsql://csync2:${PASSWORD}@127.0.0.1/`,
    packages: ["postgresql-15", "libpq5"],
    make: [
      "mkdir -p /var/lib/server && chown 65534 /var/lib/server && cd /",
      `echo ${PASSWORD} >/tmp/password`,
      "setpriv --reuid 65534 --regid 65534 --clear-groups /usr/lib/postgresql/15/bin/initdb -N -A scram-sha-256 -U csync2 --pwfile=/tmp/password /var/lib/server/data",
    ].join(" && "),
    start:
      "setpriv --reuid 65534 --regid 65534 --clear-groups /usr/lib/postgresql/15/bin/postgres -D /var/lib/server/data -k /tmp -c listen_addresses=127.0.0.1",
    answers: `PGPASSWORD=${PASSWORD} psql -h 127.0.0.1 -U csync2 postgres -c "SELECT 1"`,
    away: /Connection failed: connection to server at .*Connection refused/,
  },
};

for (const [name, server] of Object.entries(SERVERS))
  describe(`csync2's database on ${name}`, () => {
    let cluster: Cluster;
    let h1: Host;
    let h2: Host;
    let running: ReturnType<Host["spawn"]>;

    async function startServer(): Promise<void> {
      running = h2.spawn(["bash", "-c", `cd /; exec ${server.start} >>/var/log/server 2>&1`]);
      await h2.until(`${name} answers`, async () => (await h2.run(server.answers)).code === 0);
    }

    async function stopServer(): Promise<void> {
      const ended = once(running, "exit");
      running.kill("SIGQUIT");
      running.kill("SIGKILL");
      await ended;
      await h2.until("it is gone", async () => (await h2.run(server.answers)).code !== 0);
    }

    before(async () => {
      const cfg = groupOf(["h1", "h2"]);
      cluster = await startCluster({
        hosts: ["h1", "h2"],
        cfg: (host) => (host === "h2" ? `database "${server.url}";\n${cfg}` : cfg),
        packages: server.packages,
      });
      [h1, h2] = [cluster.host("h1"), cluster.host("h2")];
      await h2.shell(server.make);
      await startServer();
      await Promise.all([h1, h2].map((host) => host.serve("inetd")));
    });
    after(() => cluster.close());

    test("a new member, whose first csync2 makes the tables: everything comes", async () => {
      for (const file of ["a", "B", "a:1", "ä", "a b", "deep/er"]) h1.write(`/srv/data/${file}`, file);
      const result = await catchUp(h2);
      assertCaughtUp(result, "h1");
      assert.equal(result.newMember, true);
      assert.deepEqual(h2.tree(), h1.tree());
      await h2.shell("chmod 644 /etc/csync2.cfg");
      const { stdout } = await h2.run("csync2rev --test -q");
      assert.match(
        stdout,
        /^warning +configuration \/etc\/csync2\.cfg: others than root can read it, and a database's URL in it has a password$/m,
      );
      assert.doesNotMatch(stdout, /^failed/m);
      await h2.shell("chmod 600 /etc/csync2.cfg");
    });

    test("both ways, and compared by records: nothing differs", async () => {
      h2.write("/srv/data/B", "of h2");
      h2.remove("/srv/data/a b");
      assertCaughtUp(await catchUp(h1), "h2");
      assert.deepEqual(h1.tree(), h2.tree());
      h1.write("/srv/data/ä", "of h1");
      assertCaughtUp(await catchUp(h2, "--verify"), "h1");
      assertCaughtUp(await catchUp(h1, "--reconcile", "--verify"), "h2");
      assert.deepEqual(h1.tree(), h2.tree());
    });

    test("--reconcile brings what only its records know", async () => {
      h2.write("/srv/data/only", "on h2, clean for h1");
      await h2.shell("csync2 -cIr /");
      assertCaughtUp(await catchUp(h1, "--reconcile"), "h2");
      assert.equal(h1.read("/srv/data/only"), "on h2, clean for h1");
    });

    test("the server is down: it passes, on both sides, and its password stays on the host", async () => {
      await stopServer();
      h2.write("/etc/csync2rev.ini", "retries = 0\n[others]\nready-timeout = 1\n");
      h2.write("/srv/data/later", "written while the server is down");
      const said: string[] = [];
      for (const host of [h1, h2]) {
        const options = ["--deadline", "3", "-v"];
        const result = await catchUp(host, ...options);
        assert.equal(result.code, 75, JSON.stringify(result));
        assertOutcomes(result, { [host === h1 ? "h2" : "h1"]: "busy/busy" });
        // A try that the deadline ends may be the last one.
        const told = host === h1 ? h2.syslog("csync2rev") : result;
        assert.match(JSON.stringify(told), server.away);
        said.push(JSON.stringify(result));
        const { stdout, stderr } = await host.run("csync2rev --others -q --deadline 2");
        said.push(stdout + stderr, (await host.run("csync2rev --status --deadline 2")).stdout);
      }
      const tested = await h2.run("csync2rev --test -q");
      assert.match(tested.stdout, /^failed +csync2's database: csync2 cannot read it: /m);
      said.push(tested.stdout);
      for (const host of [h1, h2]) said.push(JSON.stringify(host.syslog("csync2rev")));
      said.push(await h2.shell("cat /run/csync2rev.lock*"));
      assert.doesNotMatch(said.join("\n"), new RegExp(PASSWORD));
    });

    test("the server starts meanwhile: tried again, and caught up", async () => {
      h2.remove("/etc/csync2rev.ini");
      const asking = catchUp(h1);
      await h1.until("it has failed once", () =>
        JSON.stringify(h2.syslog()).includes("event=refused verb=check"),
      );
      await startServer();
      assertCaughtUp(await asking, "h2");
      assert.equal(h1.read("/srv/data/later"), "written while the server is down");
    });

    test("a wrong password does not pass", async () => {
      const cfg = h2.read("/etc/csync2.cfg");
      h2.write("/etc/csync2.cfg", cfg.replace(PASSWORD, "verkehrt"));
      const result = await catchUp(h1);
      assert.equal(result.code, 1, JSON.stringify(result));
      assert.match(peerOf(result, "h2").detail ?? "", /Access denied|password authentication failed/);
      assert.doesNotMatch(JSON.stringify([result, h1.syslog(), h2.syslog("csync2rev")]), /verkehrt/);
      h2.write("/etc/csync2.cfg", cfg);
    });

    test("-D with a password: neither the handler nor flock shows it, and --test says where it belongs", async () => {
      const cfg = h2.read("/etc/csync2.cfg");
      h2.write("/etc/csync2.cfg", groupOf(["h1", "h2"]));
      const given = ["-D", server.url];
      await h2.serve("inetd", [
        { ...csync2, command: [...csync2.command, ...given] },
        { ...csync2rev, command: [...csync2rev.command, ...given] },
      ]);
      const lock = h2.spawn(["flock", "--close", "/run/csync2rev.lock", "sleep", "600"]);
      h2.write("/srv/data/more", "of h2");
      const asking = catchUp(h1);
      await h2.until("flock waits", () =>
        h2.processes().some(({ command }) => command.includes("--timeout 60")),
      );
      const shown = h2
        .processes()
        .map(({ command }) => command)
        .filter((command) => command.includes("csync2rev") && !(STANDALONE && command.includes("-i")));
      assert.ok(shown.length > 0);
      assert.doesNotMatch(shown.join("\n"), new RegExp(PASSWORD));
      lock.kill();
      assertCaughtUp(await asking, "h2");
      assert.equal(h1.read("/srv/data/more"), "of h2");
      assert.doesNotMatch(await h2.shell("cat /run/csync2rev.lock.check"), new RegExp(PASSWORD));
      const { stdout } = await h2.run(["csync2rev", "--test", "-q", ...given]);
      assert.match(
        stdout,
        /^warning +csync2's database: -D holds a password, .*\n +→ write database "URL";/m,
      );
      h2.write("/etc/csync2.cfg", cfg);
    });
  });
