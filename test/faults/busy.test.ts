import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Cluster, csync2, groupOf, type Host, startCluster } from "../cluster/cluster.ts";
import { catchUp, peerOf, untilQuiet } from "../catchup/others.ts";
import { askOver } from "../catchup/requester.ts";

async function inCluster(
  names: readonly string[],
  body: (hosts: readonly Host[], cluster: Cluster) => Promise<void>,
): Promise<void> {
  const cluster = await startCluster({ hosts: names });
  try {
    await Promise.all(cluster.hosts.map((host) => host.serve("inetd")));
    await body(cluster.hosts, cluster);
  } finally {
    await cluster.close();
  }
}

/** Makes files that are gone a moment later, some hundred in a second. In perl, which leaves csync2 the processor. */
const COME_AND_GO = `
  for (my $i = 0; ; $i++) {
    open(my $file, ">", "/srv/data/.tmp$i") or die;
    print $file $i;
    close $file;
    select undef, undef, undef, 0.001;
    unlink "/srv/data/.tmp$i";
    select undef, undef, undef, 0.001;
  }`;

/** Has a csync2 hold a host's database, until the promise's function is called: it is stopped in the middle of a check. */
async function holdDatabase(host: Host): Promise<() => Promise<void>> {
  await host.shell("csync2 -cr /; mkdir -p /mnt/many");
  host.write(
    "/etc/csync2_hold.cfg",
    `nossl * *;\ngroup hold { host ${host.name} elsewhere; key /etc/csync2.key; include /mnt/many; }\n`,
  );
  // Only a program on that host is quick enough, whatever else the machine does.
  await host.shell(
    `db=/var/lib/csync2/${host.name}.db3
    cd /mnt/many
    for try in 1 2 3 4 5; do
      seq 20000 | xargs touch -d @170000000$try
      csync2 -C hold -D sqlite3://$db -cIr / >/dev/null 2>&1 &
      until [ -e $db-journal ]; do kill -0 $! || break; done
      kill -STOP $! && [ -e $db-journal ] && echo $! >/run/holder && exit
      kill -CONT $!
      wait
    done
    exit 1`,
  );
  return async () => {
    await host.shell("kill -KILL $(cat /run/holder); rm -rf /mnt/many");
  };
}

describe("busy", { concurrency: 4 }, () => {
  for (const [name, who] of [
    ["h1", "the peer"],
    ["h2", "the requester"],
  ] as const) {
    test(`another csync2 holds the database of ${who}: tried again, and said so`, () =>
      inCluster(["h1", "h2"], async ([h1, h2], cluster) => {
        assert.ok(h1 && h2);
        const holder = cluster.host(name);
        h1.write("/srv/data/a", "a");
        h1.write("/srv/data/b", "b");
        const release = await holdDatabase(holder);
        const child = h2.spawn(
          [
            "script",
            "--quiet",
            "--return",
            "--command",
            "stty cols 100 rows 30; csync2rev --others --deadline 120",
            "/dev/null",
          ],
          { TERM: "xterm" },
        );
        let screen = "";
        child.stdout.on("data", (text: Buffer) => (screen += text.toString()));
        const exited = new Promise((resolve) => child.once("close", resolve));
        await h2.until("it says that it waits", () => screen.includes("will be tried again: "), 60_000);
        await release();
        assert.equal(await exited, 0, screen);
        assert.match(
          screen,
          name === "h1"
            ? /will be tried again: another csync2 holds the data/
            : /will be tried again: (csync2 on this host: another csync2 holds the data|(the connection to )?csync2 o)/,
        );
        assert.deepEqual([...h2.tree()], [...h1.tree()]);
        await Promise.all([untilQuiet(h1), untilQuiet(h2)]);
      }));
  }

  test("a csync2 that takes its time is waited for, with a sign of life every 15 s", () =>
    inCluster(["h1", "h2"], async ([h1, h2], { key }) => {
      assert.ok(h1 && h2);
      const script = 'case "$*" in *-[LM]*) ;; *) read -r _ </run/go;; esac';
      h1.write("/opt/csync2-stub", `#!/bin/sh\n${script}\nexec csync2 "$@"\n`, 0o755);
      h1.write("/etc/csync2rev.ini", "csync2 = /opt/csync2-stub\n");
      await h1.shell("mkfifo /run/go");
      const idle: number[] = [];
      const { replies } = await askOver(h2, "h1", { key, verb: "check", from: "h2" }, (reply) => {
        if (reply.type === "alive") idle.push(reply.idle);
        if (idle.length === 3) h1.spawn("echo >/run/go");
      });
      assert.deepEqual(
        replies.map(({ type }) => type),
        ["accepted", "alive", "alive", "alive", "done"],
      );
      const [atItsStart, first = 0, second = 0] = idle;
      assert.equal(atItsStart, 0);
      assert.ok(first > 0 && second > first, idle.join());
    }));

  test("cron runs csync2 -x every second on both hosts, and files come and go while they are checked", () =>
    inCluster(["h1", "h2"], async ([h1, h2]) => {
      assert.ok(h1 && h2);
      const cron = [h1, h2].map((host) => host.spawn("while :; do csync2 -x; sleep 1; done >/dev/null 2>&1"));
      const conflicts: string[] = [];
      for (let round = 0; round < 3; round++) {
        for (let i = 0; i < 150; i++) h1.write(`/srv/data/d${round}/${i}`, String(round));
        // Shorter than the pauses between all tries, however slow the machine is: the last tries find no such file.
        const churn = h1.run(["timeout", "5", "perl", "-e", COME_AND_GO]);
        const result = await catchUp(h2);
        await churn;
        // csync2's daemon sometimes stops for cron in the middle of a file. Then both hosts have that file as changed.
        const { outcome, files } = peerOf(result, "h1");
        const expected = files.length === 0 ? [0, "caught-up"] : [1, "pending"];
        assert.deepEqual([result.code, outcome], expected, JSON.stringify(result));
        conflicts.push(...files.filter((file) => !file.includes("/.tmp")));
        // If cron on h2 checks a file that has come without its mode yet, that mode is a change of h2's for csync2, and goes to h1 later.
        const contents = (host: Host): string[] =>
          [...host.tree(`/srv/data/d${round}`)].map(
            ([name, file]) => `${name} ${file.replace(/ \d{4} /, " ")}`,
          );
        assert.deepEqual(contents(h2), contents(h1));
      }
      for (const child of cron) child.kill("SIGKILL");
      assert.ok(new Set(conflicts).size <= 3, `now and then, not often: ${conflicts.join(" ")}`);
      for (const file of new Set(conflicts)) await h1.shell(`csync2 -f ${file} && csync2 -u -P h2 ${file}`);
      const result = await catchUp(h2);
      assert.equal(result.code, 0, JSON.stringify(result));
      assert.deepEqual([...h2.tree()], [...h1.tree()]);
    }));

  test("forty requests at once cost two checks at most", async () => {
    const aliases = Array.from({ length: 40 }, (_, i) => `h2-${i}`);
    const groups = aliases.map(
      (alias) =>
        `group ${alias} { host h1@${alias.replace("h2", "h1")} h2@${alias}; key /etc/csync2.key; include /srv/data; }\n`,
    );
    const cluster = await startCluster({
      hosts: [
        { name: "h1", aliases: aliases.map((alias) => alias.replace("h2", "h1")) },
        { name: "h2", aliases },
      ],
      cfg: `nossl * *;\n${groups.join("")}`,
    });
    try {
      const [h1, h2] = [cluster.host("h1"), cluster.host("h2")];
      h1.write("/etc/csync2rev.ini", "verify-address = no\ncsync2 = /opt/counted\nlock-timeout = 120\n");
      h1.write("/opt/counted", '#!/bin/sh\necho "$*" >>/var/log/csync2s\nexec csync2 "$@"\n', 0o755);
      h2.write("/etc/csync2rev.ini", "[others]\njobs = 40\n");
      for (let i = 0; i < 500; i++) h1.write(`/srv/data/${i}`, "");
      // A host without any record would reconcile.
      h2.write("/srv/data/0", "");
      for (const host of [h1, h2]) await host.shell("csync2 -cIr /");
      await h1.serve("inetd", [
        csync2,
        { port: 30866, text: "csync2rev stream tcp nowait.1000 root /usr/sbin/csync2rev csync2rev -i\n" },
      ]);
      await h2.serve("inetd");
      const result = await catchUp(h2, "--connect-timeout", "60");
      assert.equal(result.code, 0, JSON.stringify(result));
      assert.equal(result.peers.length, 40);
      const runs = h1.read("/var/log/csync2s").trim().split("\n");
      const checks = runs.filter((line) => line.endsWith("-c -r /"));
      assert.ok(checks.length >= 1 && checks.length <= 2, `${checks.length} checks`);
      assert.equal(runs.filter((line) => line.includes(" -M")).length, 40);
    } finally {
      await cluster.close();
    }
  });

  test("members that are down, or hang, hold nobody else up", async () => {
    // Those who do not answer are asked first, one at a time.
    const names = ["down", "hung", "h1", "h2", "h5"];
    const cluster = await startCluster({ hosts: names, cfg: groupOf(names) });
    try {
      const [h1, h2, h5] = [cluster.host("h1"), cluster.host("h2"), cluster.host("h5")];
      await Promise.all([h1, h2, h5].map((host) => host.serve("inetd")));
      await cluster.host("down").powerOff();
      const hung = cluster.host("hung");
      hung.spawn(["socat", "TCP-LISTEN:30866,fork", "SYSTEM:sleep 100"]);
      await hung.until("it listens", () => hung.listens(30866));
      h1.write("/srv/data/a", "a");
      h2.write("/srv/data/b", "b");
      const alone = await catchUp(h5, "-P", "h1,h2");
      assert.equal(alone.code, 0);
      h1.write("/srv/data/a", "a2");
      h2.write("/srv/data/b", "b2");
      const began = performance.now();
      const result = await catchUp(h5, "--deadline", "12", "--jobs", "1", "--connect-timeout", "90");
      const ended = (performance.now() - began) / 1000;
      assert.deepEqual(
        [result.code, result.outcomes],
        [75, ["unreachable", "unreachable", "caught-up", "caught-up"]],
        JSON.stringify(result),
      );
      assert.ok(ended < 60, `after its deadline of 12 s it ended after ${ended} s`);
      assert.deepEqual([...h5.tree().keys()], ["a", "b"]);
    } finally {
      await cluster.close();
    }
  });
});
