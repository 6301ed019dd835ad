import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type Cluster, csync2rev, groupOf, type Host, startCluster } from "../cluster/cluster.ts";
import { assertCaughtUp, catchUp, peerOf, untilQuiet } from "../catchup/others.ts";

/** In bash's quotes, as files are made on a host: every kind of byte that a reader of lines stumbles over. */
const ODD = [
  "Icon\\r",
  "line\\u2028separator",
  "tab\\tbed",
  "two\\nlines",
  "bad\\xfe",
  "bad\\xff",
  "a:1",
  "100%",
  "[v1:x]",
];
const quoted = (name: string): string => `$'${name}'`;
/** What is below the tree, as bash quotes it. */
const list = async (host: Host): Promise<string> =>
  host.shell("cd /srv/data && LC_ALL=C find . -mindepth 1 | LC_ALL=C sort | od -c");

describe("names of every kind", () => {
  let cluster: Cluster;
  let h2: Host, h3: Host;
  before(async () => {
    cluster = await startCluster({ hosts: ["h2", "h3"] });
    [h2, h3] = [cluster.host("h2"), cluster.host("h3")];
  });
  after(() => cluster.close());

  const start = async (lines: readonly string[] = ["auto younger;"]): Promise<void> => {
    await cluster.reset(groupOf(["h2", "h3"], lines));
    for (const host of [h2, h3]) {
      await host.serve("inetd");
      host.write("/srv/data/.keep", "");
    }
    await h2.shell("csync2 -xr");
  };
  const make = async (host: Host, text: string, ...names: readonly string[]): Promise<void> => {
    for (const name of names) await host.shell(`echo ${text} >/srv/data/${quoted(name)}`);
  };
  /** Takes what is there for known, so that nothing is dirty. */
  const know = async (...hosts: readonly Host[]): Promise<void> => {
    for (const host of hosts) await host.shell("csync2 -cIr /");
  };

  test("come, are counted, and compare as equal", async () => {
    await start();
    await make(h2, "1", ...ODD);
    const result = await catchUp(h3, "--verify");
    assertCaughtUp(result);
    assert.equal(peerOf(result, "h2").updated, ODD.length);
    assert.equal(await list(h3), await list(h2));
  });

  test("come by a reconcile, and none that is older there", async () => {
    await start();
    await make(h2, "old", ...ODD, "a1", "x");
    await h2.shell("cd /srv/data; find . -type f -exec touch -d '1 hour ago' {} +");
    await make(h3, "new", "a1", "bad\\xfe", "x", "[v1:x]");
    await make(h2, "old", "x\\ny");
    await know(h2, h3);
    const result = await catchUp(h3, "--reconcile");
    assertCaughtUp(result);
    for (const name of ["a1", "bad\\xfe", "x", "[v1:x]"])
      assert.equal(await h3.shell(`cat /srv/data/${quoted(name)}`), "new\n", name);
    assert.equal(await list(h3), await list(h2));
    await untilQuiet(h2);
    assert.deepEqual(/batch/.exec(await h2.shell("ls /run")), null, "no database of marks is left");
  });

  test("are named by --verify, the last on each side too", async () => {
    await start();
    await make(h2, "1", "b", "Icon\\r");
    await make(h3, "1", "c", "bad\\xfe");
    await know(h2, h3);
    const { files, pending } = peerOf(await catchUp(h3, "--verify"), "h2");
    assert.equal(pending, 4);
    assert.deepEqual(
      files,
      ["Icon\r", "b", "bad\udcfe", "c"].map((name) => `/srv/data/${name}`),
    );
  });

  test("do not pass for deletions", async () => {
    await start();
    await make(h3, "1", "two\\nlines", "Icon\\r", "two");
    await h3.shell("csync2 -cr /");
    assertCaughtUp(await catchUp(h3, "--reconcile"));
  });

  test("are shown by a dry run, with what is in a new directory; it changes no time", async () => {
    await start();
    await make(h2, "1", "same");
    await h2.shell("csync2 -xr; mkdir /srv/data/new; touch -d '1 hour ago' /srv/data/same");
    await make(h2, "1", "new/a", "new/b", "two\\nlines");
    const times = "cd /srv/data && find . -printf '%p %T@\\n' | sort";
    const before = await h3.shell(times);
    const result = peerOf(await catchUp(h3, "--dry-run"), "h2");
    assert.deepEqual(
      [result.outcome, result.files],
      [
        "pending",
        ["", "/new", "/new/a", "/new/b", "/same", "/two\nlines"].map((name) => `/srv/data${name}`).slice(1),
      ],
      JSON.stringify(result),
    );
    assert.equal(await h3.shell(times), before);
  });

  test("a path that is too long to be compared comes, and --verify says why it cannot compare", async () => {
    await start();
    const name = "n".repeat(220);
    await h2.shell(
      `cd /srv/data; for i in 1 2 3 4 5 6 7 8 9 10; do mkdir ${name}; cd ${name}; done; echo 1 >file`,
    );
    assertCaughtUp(await catchUp(h3));
    assert.equal(await list(h3), await list(h2));
    const { outcome, detail } = peerOf(await catchUp(h3, "--verify"), "h2");
    assert.equal(outcome, "failed");
    assert.match(
      detail ?? "",
      /Received line too long for buffer size \(2048\), giving up\.; a path is too long/,
    );
  });

  test("a removal that the other host refuses is a conflict, not a broken connection", async () => {
    await start(["auto none;"]);
    await make(h2, "1", "gone", "both");
    await h2.shell("csync2 -xr; rm /srv/data/gone; echo 22 >/srv/data/both");
    await make(h3, "33", "gone", "both");
    await h3.shell("csync2 -cr /");
    const { outcome, deleted, detail, files } = peerOf(await catchUp(h3), "h2");
    assert.deepEqual([outcome, deleted, files], ["pending", 0, ["/srv/data/both", "/srv/data/gone"]]);
    assert.match(detail ?? "", /File stays in dirty state/);
  });

  test("stub: a csync2 whose rows are of another kind fails, with its program and version", async () => {
    await start();
    await make(h2, "1", "a");
    h2.write(
      "/opt/fork",
      `#!/bin/sh\ncase "$*" in *-M*) printf '  MOD\\th2\\th3\\t/srv/data/a\\t128\\t0\\n'; exit 0;; --help) exec csync2 --help;; esac\nexec csync2 "$@"\n`,
      0o755,
    );
    h2.write("/etc/csync2rev.ini", "csync2 = /opt/fork\n");
    const { outcome, detail } = peerOf(await catchUp(h3), "h2");
    assert.equal(outcome, "failed");
    assert.match(detail ?? "", /does not understand: " {2}MOD h2 h3 .*"; \/opt\/fork, version \S+$/);
  });

  test("a comparison with a peer that falls silent ends at the deadline, and so does its csync2", async () => {
    await start();
    h2.write(
      "/opt/silent",
      '#!/bin/sh\nwhile read -r line; do case $line in LIST*) exec sleep 600;; *) echo "OK (cmd_finished).";; esac; done\n',
      0o755,
    );
    await h2.serve("inetd", [{ name: "csync2", port: 30865, command: ["/opt/silent"] }, csync2rev]);
    const { outcome, detail } = peerOf(await catchUp(h3, "--verify", "--deadline", "5"), "h2");
    assert.deepEqual([outcome, detail], ["failed", "not verified: the deadline passed"]);
    await untilQuiet(h3);
  });
});

test("a peer's csync2 that no longer trusts this host is no success, whatever is asked", async () => {
  const cluster = await startCluster({
    hosts: ["h2", "h3"],
    cfg: groupOf(["h2", "h3"]).replace("nossl * *;", ""),
  });
  try {
    const [h2, h3] = [cluster.host("h2"), cluster.host("h3")];
    for (const host of [h2, h3]) await host.serve("inetd");
    h2.write("/srv/data/a", "1");
    assertCaughtUp(await catchUp(h3, "--reconcile"));
    await h3.shell(
      "cd /etc && printf '[req]\\ndistinguished_name=name\\n[name]\\n' >/tmp/openssl && openssl req -config /tmp/openssl -x509 -days 30 -newkey rsa:2048 -nodes -subj /CN=other -keyout csync2_ssl_key.pem -out csync2_ssl_cert.pem",
    );
    h2.write("/srv/data/b", "1");
    for (const option of ["--dry-run", "--reconcile", "--deadline=5"]) {
      const { outcome, detail } = peerOf(await catchUp(h3, option), "h2");
      assert.notEqual(outcome, "caught-up", option);
      assert.match(detail ?? "", /wrong SSL X509 cetrificate/, option);
    }
  } finally {
    await cluster.close();
  }
});
