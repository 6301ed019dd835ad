import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { advice, assertCaughtUp, assertOutcomes, catchUp, dirty, peerOf } from "../catchup/others.ts";
import { askOver } from "../catchup/requester.ts";
import { type Cluster, groupOf, type Host, startCluster } from "../cluster/cluster.ts";

/** A file system that did not come up: an empty directory is in the place of the files. */
describe("the files of a host are not mounted", () => {
  let cluster: Cluster;
  let h1: Host, h2: Host, h3: Host;
  before(async () => {
    cluster = await startCluster();
    [h1, h2, h3] = ["h1", "h2", "h3"].map((name) => cluster.host(name)) as [Host, Host, Host];
  });
  after(() => cluster.close());

  const start = async (cfg: string): Promise<void> => {
    await cluster.reset(cfg);
    await Promise.all(cluster.hosts.map((host) => host.serve("inetd")));
  };
  /** 50 files on all three hosts, all in sync. */
  beforeEach(async () => {
    await start(groupOf(["h1", "h2", "h3"]));
    await h1.shell("cd /srv/data && seq -f f%g 50 | xargs touch && csync2 -cr / && csync2 -ur /");
    await h3.shell("csync2 -cr /");
  });

  /** What is mounted over a directory hides what is in it. */
  const unmount = async (host: Host, directory = "/srv/data"): Promise<void> => {
    await host.shell(`mount -t tmpfs none ${directory}`);
  };
  const mount = async (host: Host, directory = "/srv/data"): Promise<void> => {
    await host.shell(`umount ${directory}`);
  };
  /** So that there is something to push. */
  const change = async (host: Host, ...files: readonly string[]): Promise<void> => {
    for (const file of files) host.write(`/srv/data/${file}`, "changed");
    await host.shell("csync2 -cr /");
  };
  const files = async (host: Host): Promise<number> => Number(await host.shell("ls /srv/data | wc -l"));
  const marked = async (host: Host): Promise<string> => (await host.csync2("-M")).stdout;

  const gone = (host: string): string =>
    `50 of 50 recorded files below /srv/data are gone on ${host}. Is it mounted?`;

  test("on a peer: it does not check, and nothing is deleted on the host that asks", async () => {
    await unmount(h1);
    const result = await catchUp(h3);
    assertOutcomes(result, { h1: "failed/tree-gone", h2: "caught-up" });
    assert.equal(result.code, 1);
    assert.equal(peerOf(result, "h1").detail, gone("h1"));
    assert.equal(await files(h3), 50);
    assert.equal(await marked(h1), "");
    const { message = "" } = (await h1.logged("csync2rev", 2)).at(-1) ?? {};
    assert.match(message, /^event=done verb=check .* reason=tree-gone detail="50 of 50 recorded files/);

    await mount(h1);
    assertCaughtUp(await catchUp(h3), "h1", "h2");
  });

  test("on a peer: it pushes nothing, whoever asks, and --status says so", async () => {
    await change(h1, "f1", "f2");
    await unmount(h1);
    // A requester of 1.0.0 asks for the push even if the check has failed.
    for (const verb of ["check", "update", "preview", "reconcile"]) {
      const { replies } = await askOver(h3, "h1", { key: cluster.key, verb });
      const done = replies.at(-1);
      assert.ok(done?.type === "done", JSON.stringify(replies));
      assert.deepEqual([done.exit, done.reason, done.detail], [1, "tree-gone", gone("h1")], verb);
    }
    assert.equal(await files(h3), 50);

    const file = "/tmp/status.prom";
    const { code, stdout } = await h3.run(["csync2rev", "--status", "-P", "h1", "--metrics", file]);
    assert.equal(code, 1);
    assert.match(stdout, /^h1 +failed +2 +0$/m);
    assert.match(stdout, new RegExp(`^h1: failed: tree-gone: ${gone("h1").replace("?", "\\?")}$`, "m"));
    assert.match(h3.read(file), /^csync2rev_status_peer_tree_gone\{peer="h1",.*\} 1$/m);
    assert.match(h3.read(file), /^csync2rev_status_tree_gone 0$/m);
  });

  for (const options of [[], ["--verify"], ["--reconcile"], ["--dry-run"]])
    test(`on the host that asks with --others ${options.join(" ")}: it says so, and marks nothing`, async () => {
      await change(h1, "f1");
      await unmount(h3);
      const result = await catchUp(h3, ...options);
      assertOutcomes(result, { h1: "failed/own-tree-gone", h2: "failed/own-tree-gone" });
      assert.equal(result.code, 1);
      assert.equal(peerOf(result, "h2").detail, gone("h3"));
      assert.equal(await marked(h3), "");
      assert.equal(await files(h3), 0);
      await mount(h3);
      assertCaughtUp(await catchUp(h3));
      assert.equal(await files(h3), 50);
    });

  test("--test, --status and the metrics say so too", async () => {
    await unmount(h3);
    const checkup = await h3.run(["csync2rev", "--test", "-P", "h1"]);
    assert.equal(checkup.code, 1);
    assert.match(checkup.stdout, new RegExp(`^failed   files: ${gone("h3").replace("?", "\\?")}$`, "m"));
    const status = await h3.run(["csync2rev", "--status", "--metrics", "/tmp/status.prom"]);
    assert.equal(status.code, 1);
    assert.ok(status.stdout.includes(`\n${gone("h3")}\n  → if it is not mounted, mount it`), status.stdout);
    assert.match(h3.read("/tmp/status.prom"), /^csync2rev_status_tree_gone 1$/m);
    await h3.run(["csync2rev", "--others", "--metrics", "/tmp/others.prom"]);
    assert.match(h3.read("/tmp/others.prom"), /^csync2rev_tree_gone 1$/m);
    assert.match(h3.read("/tmp/others.prom"), /^csync2rev_peer_tree_gone\{peer="h1",.*\} 0$/m);
    await mount(h3);
    await unmount(h1);
    await h3.run(["csync2rev", "--others", "--metrics", "/tmp/others.prom"]);
    assert.match(h3.read("/tmp/others.prom"), /^csync2rev_tree_gone 0$/m);
    assert.match(h3.read("/tmp/others.prom"), /^csync2rev_peer_tree_gone\{peer="h1",.*\} 1$/m);
  });

  test("ordinary deletions go through", async () => {
    await h1.shell("cd /srv/data && rm f1 f2 f3 && touch new");
    assertCaughtUp(await catchUp(h3));
    assert.equal(await files(h3), 48);
    await h1.shell("cd /srv/data && seq -f f%g 10 40 | xargs rm");
    assertCaughtUp(await catchUp(h3));
    assert.equal(await files(h3), 17);
  });

  test("on a peer: if it is meant, what the advice says deletes them", async () => {
    await h1.shell("rm /srv/data/*");
    assertOutcomes(await catchUp(h3, "-P", "h1"), { h1: "failed/tree-gone" });
    const [remove] = await advice(
      h3,
      ["to have every other member delete these files, run on h1"],
      "-P",
      "h1",
    );
    await h1.shell(remove);
    for (const host of [h2, h3]) assert.equal(await files(host), 0);
    assertCaughtUp(await catchUp(h3));
  });

  test("a peer's own limit decides, as a share or a number", async () => {
    await h1.shell("cd /srv/data && seq -f f%g 10 | xargs rm");
    for (const limit of ["19%", "9"]) {
      h1.write("/etc/csync2rev.ini", `max-deleted = ${limit}\n`);
      const result = await catchUp(h3, "-P", "h1");
      assertOutcomes(result, { h1: "failed/tree-gone" });
      assert.match(peerOf(result, "h1").detail ?? "", /^10 of 50 recorded files below \/srv\/data /);
      // What the host that asks says does not count.
      assert.equal((await catchUp(h3, "-P", "h1", "--max-deleted", "100%")).code, 1);
    }
    h1.write("/etc/csync2rev.ini", "max-deleted = 10\n");
    assertCaughtUp(await catchUp(h3, "-P", "h1"));
    assert.equal(await files(h3), 40);
  });

  test("on the host that asks: if it is meant, --max-deleted lets it through", async () => {
    await h3.shell("rm /srv/data/*");
    assertOutcomes(await catchUp(h3, "--verify"), {
      h1: "failed/own-tree-gone",
      h2: "failed/own-tree-gone",
    });
    assertOutcomes(await catchUp(h3, "--verify", "--max-deleted", "100%"), {
      h1: "pending/differs",
      h2: "pending/differs",
    });
    assert.equal((await dirty(h3, "h1")).length, 50);
  });

  test("a link in the place of a directory hides files from csync2, too", async () => {
    await h1.shell("mv /srv/data /srv/elsewhere && ln -s elsewhere /srv/data");
    const result = await catchUp(h3, "-P", "h1");
    assertOutcomes(result, { h1: "failed/tree-gone" });
    assert.equal(peerOf(result, "h1").detail, gone("h1"));
  });

  test("a tree among others, below a prefix, and single files are told apart", async () => {
    const includes =
      "include %p%/dir; include /etc/app/a.conf /etc/app/b.conf /etc/app/c.conf /etc/app/d.conf;";
    await start(
      `prefix p { on *: /srv/data; }\nnossl * *;\ngroup g { host h1 h2 h3; key /etc/csync2.key; ${includes} }\n`,
    );
    await h1.shell("mkdir -p /srv/data/dir /etc/app && cd /srv/data/dir && seq -f f%g 2500 | xargs touch");
    await h1.shell("touch /etc/app/{a,b,c,d}.conf && csync2 -cIr /");
    await h1.shell("rm /etc/app/a.conf");
    for (const host of [h2, h3]) await host.shell("mkdir -p /srv/data/dir /etc/app");
    h3.write("/etc/app/d", "d");
    h3.write("/etc/app/c.conf", "c");
    await h3.shell("csync2 -cIr /");
    assertCaughtUp(await catchUp(h3, "-P", "h1"));
    await unmount(h1, "/etc/app");
    const result = await catchUp(h3, "-P", "h1");
    assert.equal(
      peerOf(result, "h1").detail,
      "3 of 3 recorded files below /etc/app are gone on h1. Is it mounted?",
    );
  });

  test("of another group: the host that asks is not told where", async () => {
    const group = (name: string, hosts: string): string =>
      `group ${name} { host ${hosts}; key /etc/${name}.key; include /srv/${name}; }\n`;
    await start(
      `nossl * *;\n${group("open", "h1 h2 h3")}${group("secret", "h1 h2")}`.replace("open.key", "csync2.key"),
    );
    for (const host of [h1, h2, h3]) host.write("/etc/secret.key", "s".repeat(40), 0o600);
    await h1.shell("mkdir /srv/open /srv/secret && touch /srv/open/a /srv/secret/{a,b,c} && csync2 -cIr /");
    h3.write("/srv/open/a", "");
    await h3.shell("csync2 -cIr /");
    await unmount(h1, "/srv/secret");
    const result = await catchUp(h3, "-P", "h1");
    assertOutcomes(result, { h1: "failed/tree-gone" });
    assert.match(peerOf(result, "h1").detail ?? "", /^recorded files of other groups are gone on h1: /);
    const { message = "" } = (await h1.logged("csync2rev", 2)).at(-1) ?? {};
    assert.match(message, /detail="3 of 3 recorded files below \/srv\/secret are gone on h1/);
  });
});
