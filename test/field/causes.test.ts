import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { catchUp } from "../catchup/others.ts";
import { type Cluster, groupOf, type Host, startCluster } from "../cluster/cluster.ts";

/** What keeps files from h2, with what `--others` says there, and how it is mended. h1 is the peer that has them. */
interface Case {
  readonly name: string;
  /** Of the group in csync2.cfg. */
  readonly lines?: readonly string[];
  readonly trouble: (h1: Host, h2: Host) => Promise<unknown>;
  /** The row of the table, from the outcome to PENDING. */
  readonly row: string;
  readonly says: RegExp;
  readonly todo: RegExp;
  /** What `--test` says of it. */
  readonly test?: RegExp;
  /** Null: what is to be done is not this test's. */
  readonly mend: ((h1: Host, h2: Host) => Promise<unknown>) | null;
}

const BACKUP = ["auto younger;", "backup-directory /var/backup;", "backup-generations 3;"];

/** Has a file system of its own be what /srv/data was. */
const mounted = (options: string): string =>
  `cp -a /srv/data /tmp/data && mount -t tmpfs -o ${options} tmpfs /srv/data && cp -a /tmp/data/. /srv/data`;

const CASES: readonly Case[] = [
  {
    name: "a tree is mounted read-only",
    async trouble(h1, h2) {
      h1.write("/srv/data/file", "changed");
      h1.write("/srv/data/new", "new");
      await h2.shell("mount --bind /srv/data /srv/data && mount -o remount,bind,ro /srv/data");
    },
    row: "failed +0 +0 +2",
    says: /^h1: failed: not-writable: \/srv\/data is mounted read-only on this host\n {4}\/srv\/data\/file\n {4}\/srv\/data\/new\n/m,
    todo: /→ have it mounted writable; then run csync2rev --others again/,
    test: /^failed +tree \/srv\/data: \/srv\/data is mounted read-only on this host: csync2 cannot take files\n +→ have it mounted writable\n/m,
    mend: async (_, h2) => await h2.shell("umount /srv/data"),
  },
  {
    name: "one of two trees is mounted read-only: the other one's files come, and count alone",
    lines: ["auto younger;", "include /srv/a;"],
    async trouble(h1, h2) {
      h1.write("/srv/a/new", "new");
      h1.write("/srv/data/file", "changed");
      h2.write("/srv/a/here", "here");
      await h2.shell("mount --bind /srv/data /srv/data && mount -o remount,bind,ro /srv/data");
    },
    row: "failed +1 +0 +1",
    says: /^h1: failed: not-writable: \/srv\/data is mounted read-only on this host\n {4}\/srv\/data\/file\n/m,
    todo: /→ have it mounted writable/,
    mend: async (_, h2) => await h2.shell("umount /srv/data"),
  },
  {
    name: "the tempdir is mounted read-only",
    async trouble(h1, h2) {
      for (const host of [h1, h2]) {
        host.write("/etc/csync2.cfg", `tempdir /var/temp;\n${host.read("/etc/csync2.cfg")}`);
        await host.shell("mkdir -p /var/temp");
      }
      h1.write("/srv/data/new", "new");
      await h2.shell("mount -t tmpfs -o ro tmpfs /var/temp");
    },
    row: "failed +0 +0 +1",
    says: /^h1: failed: not-writable: \/var\/temp is mounted read-only on this host\n/m,
    todo: /→ have it mounted writable/,
    test: /^failed +tempdir \/var\/temp: \/var\/temp is mounted read-only on this host: /m,
    mend: async (_, h2) => await h2.shell("umount /var/temp"),
  },
  {
    name: "the disk has no room for a file: what came before it counts, and it does not",
    async trouble(h1, h2) {
      h1.write("/srv/data/a-small", "small");
      h1.write("/srv/data/big", Buffer.alloc(300_000, 1));
      await h2.shell(mounted("size=64k"));
    },
    row: "failed +1 +0 +1",
    says: /^h1: failed: disk-full: \/srv\/data\/big has 300000 bytes, csync2 needs room for it twice, and the file system of \/srv\/data has \d+ bytes left on this host; csync2 on h1: (Write-error while sending data\.|the connection to csync2 on the host that asked broke)\n/m,
    todo: /→ make room there/,
    mend: async (_, h2) => await h2.shell("mount -o remount,size=8m /srv/data"),
  },
  {
    name: "the disk has no inode left",
    async trouble(h1, h2) {
      h1.write("/srv/data/new", "new");
      await h2.shell(`${mounted("nr_inodes=30")}; for i in $(seq 40); do : >/srv/data/x.keep$i; done; true`);
    },
    lines: ["auto younger;", "exclude *.keep*;"],
    row: "failed +0 +0 +1",
    says: /^h1: failed: disk-full: the file system of \/srv\/data has no inode left on this host; csync2 on h1: /m,
    todo: /→ make room there/,
    test: /^failed +tree \/srv\/data: the file system of \/srv\/data has no inode left on this host: .*\n +→ make room there\n/m,
    mend: async (_, h2) => await h2.shell("rm /srv/data/x.keep*"),
  },
  {
    name: "the backup-directory is mounted read-only: files that need no copy come",
    lines: BACKUP,
    async trouble(h1, h2) {
      h1.write("/srv/data/file", "changed");
      h1.write("/srv/data/a-new", "new");
      await h2.shell("mkdir /var/backup && mount -t tmpfs -o ro tmpfs /var/backup");
    },
    row: "failed +1 +0 +1",
    says: /^h1: failed: backup-directory: csync2 cannot write into the backup-directory of group cluster: \/var\/backup is mounted read-only on this host; /m,
    todo: /→ have csync2 able to write there, or change backup-directory in csync2.cfg/,
    test: /^failed +backup-directory \/var\/backup: \/var\/backup is mounted read-only on this host: /m,
    mend: async (_, h2) => await h2.shell("umount /var/backup"),
  },
  {
    name: "the backup-directory is a file, at which csync2 falls silent: the peer is not asked to push",
    lines: BACKUP,
    async trouble(h1, h2) {
      h1.write("/srv/data/file", "changed");
      h2.write("/var/backup", "a file");
      await Promise.resolve();
    },
    row: "failed +0 +0 +1",
    says: /^h1: failed: backup-directory: csync2 cannot write into the backup-directory of group cluster: \/var\/backup is not a directory\n/m,
    todo: /→ have csync2 able to write there/,
    test: /^failed +backup-directory \/var\/backup: it is not a directory: csync2 cannot take files\n/m,
    mend: async (_, h2) => await h2.shell("rm /var/backup"),
  },
  {
    name: "a directory that was deleted still holds an excluded file",
    lines: ["auto younger;", "exclude *.log;"],
    async trouble(h1, h2) {
      h2.write("/srv/data/sub/a.log", "log");
      h1.remove("/srv/data/sub");
      await Promise.resolve();
    },
    row: "failed +0 +1 +1",
    says: /^h1: failed: not-empty: h1 has no directory \/srv\/data\/sub any more, and on this host it still holds \/srv\/data\/sub\/a\.log; /m,
    todo: /→ move or delete what it holds/,
    mend: async (_, h2) => await h2.shell("rm /srv/data/sub/a.log"),
  },
  {
    name: "a file takes the place of such a directory, at which csync2 falls silent: the peer is not asked to push",
    lines: ["auto younger;", "exclude *.log;"],
    async trouble(h1, h2) {
      h2.write("/srv/data/sub/a.log", "log");
      h1.remove("/srv/data/sub");
      h1.write("/srv/data/sub", "a file now");
      await Promise.resolve();
    },
    row: "failed +0 +0 +2",
    says: /^h1: failed: not-empty: h1 has no directory \/srv\/data\/sub any more, and on this host it still holds \/srv\/data\/sub\/a\.log\n/m,
    todo: /→ move or delete what it holds/,
    mend: async (_, h2) => await h2.shell("rm /srv/data/sub/a.log"),
  },
  {
    name: "a new file on the peer has the name of a directory here that holds files: the peer is not asked to push",
    async trouble(h1, h2) {
      h2.write("/srv/data/name/inside", "here");
      await h2.shell("csync2 -cIr /");
      h1.write("/srv/data/name", "a file");
    },
    row: "failed +0 +0 +1",
    says: /^h1: failed: not-empty: h1 has no directory \/srv\/data\/name any more, and on this host it still holds \/srv\/data\/name\/inside\n/m,
    todo: /→ move or delete what it holds/,
    mend: async (_, h2) => await h2.shell("mv /srv/data/name /srv/moved"),
  },
  {
    name: "excludes differ",
    async trouble(h1, h2) {
      h2.write("/etc/csync2.cfg", groupOf(["h1", "h2"], ["auto younger;", "exclude *.bak;"]));
      h1.write("/srv/data/a.bak", "new");
      h1.write("/srv/data/new", "new");
      await Promise.resolve();
    },
    row: "failed +1 +0 +1",
    says: /^h1: failed: not-included: csync2\.cfg here does not include \/srv\/data\/a\.bak, or excludes it, and that of h1 takes it; csync2 on h1: .*\n {4}\/srv\/data\/a\.bak\n/m,
    todo: /→ give all members the same csync2\.cfg/,
    mend: async (h1, h2) => {
      h2.write("/etc/csync2.cfg", h1.read("/etc/csync2.cfg"));
      await Promise.resolve();
    },
  },
  {
    name: "a prefix has no path here",
    async trouble(h1, h2) {
      const lines = "prefix more { on h1: /srv/more; }\n";
      for (const host of [h1, h2])
        host.write("/etc/csync2.cfg", groupOf(["h1", "h2"], ["include %more%;"]) + lines);
      h1.write("/srv/more/new", "new");
      await Promise.resolve();
    },
    row: "failed +0 +0 +2",
    says: /^h1: failed: not-included: csync2\.cfg here has no path on this host for the prefix "more"; /m,
    todo: /→ give all members the same csync2\.cfg/,
    mend: null,
  },
  {
    name: "the directory above is missing, and no include has csync2 make it",
    lines: ["auto younger;", "include /srv/more/deep/tree;"],
    async trouble(h1) {
      h1.write("/srv/more/deep/tree/new", "new");
      await Promise.resolve();
    },
    row: "failed +0 +0 +2",
    says: /^h1: failed: no-directory: the directory \/srv\/more is missing here, and no include of csync2\.cfg has csync2 make it\n {4}\/srv\/more\/deep\/tree\n/m,
    todo: /→ make the directory here/,
    mend: async (_, h2) => await h2.shell("mkdir -p /srv/more/deep"),
  },
  {
    name: "a UNIX socket",
    async trouble(h1) {
      h1.write("/srv/data/new", "new");
      h1.spawn(["socat", "UNIX-LISTEN:/srv/data/sock,fork", "/dev/null"]);
      await h1.until("the socket is there", async () => (await h1.run("test -S /srv/data/sock")).code === 0);
    },
    row: "failed +1 +0 +1",
    says: /^h1: failed: socket: \/srv\/data\/sock is a UNIX socket on h1, and csync2 brings no sockets; /m,
    todo: /→ exclude it in csync2\.cfg on all members/,
    mend: async (h1, h2) => {
      for (const host of [h1, h2])
        host.write("/etc/csync2.cfg", groupOf(["h1", "h2"], ["auto younger;", "exclude *sock;"]));
      await h1.shell("csync2 -R");
    },
  },
  {
    name: "both hosts changed a file",
    lines: ["auto none;"],
    async trouble(h1, h2) {
      h1.write("/srv/data/file", "one");
      h2.write("/srv/data/file", "the other");
      await Promise.resolve();
    },
    row: "pending +0 +0 +1",
    says: /^h1: pending: conflict: \/srv\/data\/file: File stays in dirty state\. /m,
    todo: /→ to take h1's, run there {2}csync2 -TUI h1 h2 \/srv\/data\/file; csync2 -f .*\n {2}→ to keep h2's, run here /,
    mend: async (_, h2) =>
      await h2.shell(
        "csync2 -TUI h2 h1 /srv/data/file; csync2 -f /srv/data/file; csync2 -u -P h1 /srv/data/file",
      ),
  },
];

describe("a file that does not come: this host sees why, and says what to do", () => {
  let cluster: Cluster;
  let h1: Host;
  let h2: Host;
  before(async () => {
    cluster = await startCluster({ hosts: ["h1", "h2"] });
    [h1, h2] = [cluster.host("h1"), cluster.host("h2")];
  });
  after(() => cluster.close());

  async function stale(cfg: string): Promise<void> {
    await cluster.reset(cfg);
    await Promise.all([h1, h2].map((host) => host.serve("inetd")));
    h1.write("/etc/csync2rev.ini", "retries = 0\n");
    for (const host of [h1, h2]) {
      host.write("/srv/data/file", "old");
      host.write("/srv/data/sub/file", "old");
      await host.shell("csync2 -cIr /");
    }
  }

  async function assertSays(row: string, says: RegExp, todo: RegExp): Promise<void> {
    const { code, stdout } = await h2.run("csync2rev --others --deadline 60");
    assert.match(stdout, new RegExp(`^h1 +cluster +${row} `, "m"));
    assert.match(stdout, says);
    assert.match(stdout, todo);
    assert.equal(stdout.includes("csync2 -f"), row.startsWith("pending"), stdout);
    assert.equal(code, 1);
  }

  for (const { name, lines, trouble, row, says, todo, test: tested, mend } of CASES)
    test(name, async () => {
      await stale(groupOf(["h1", "h2"], lines));
      await trouble(h1, h2);
      await assertSays(row, says, todo);
      if (tested !== undefined) assert.match((await h2.run("csync2rev --test -q")).stdout, tested);
      if (mend === null) return;
      await mend(h1, h2);
      const again = await catchUp(h2);
      assert.equal(again.code, 0, JSON.stringify(again));
    });

  test("a file that nobody may change (chattr +i)", async (t) => {
    await stale(groupOf(["h1", "h2"]));
    h1.write("/srv/data/file", "changed");
    h1.write("/srv/data/new", "new");
    if ((await h2.run("chattr +i /srv/data/file")).code !== 0) {
      t.skip("this machine's file system or namespace knows no such flag");
      return;
    }
    try {
      await assertSays(
        "failed +1 +0 +1",
        /^h1: failed: immutable: \/srv\/data\/file is immutable on this host \(chattr \+i\); /m,
        /→ take the flag away with chattr -i/,
      );
    } finally {
      await h2.shell("chattr -i /srv/data/file");
    }
    assert.equal((await catchUp(h2)).code, 0);
  });

  describe("with TLS", () => {
    const CERTIFY =
      "cd /etc && openssl req -config <(printf '[req]\\ndistinguished_name=name\\n[name]\\n') -x509 -days 30 -newkey rsa:2048 -nodes -subj /CN=cluster -keyout csync2_ssl_key.pem -out csync2_ssl_cert.pem";
    beforeEach(async () => {
      await stale(groupOf(["h1", "h2"]).replace("nossl * *;", ""));
      h1.write("/srv/data/new", "new");
    });

    for (const [name, complains, other] of [
      ["h2", "h1", "h2"],
      ["h1", "h2", "h1"],
    ] as const)
      test(`${name} has another certificate than ${complains} knows: nobody is told of conflicts`, async () => {
        assert.equal((await catchUp(h2)).code, 0);
        h1.write("/srv/data/new", "newer");
        await cluster.host(name).shell(CERTIFY);
        await assertSays(
          "failed +0 +0 +1",
          new RegExp(`^h1: failed: certificate: .*Peer did provide a wrong SSL X509 cetrificate`, "m"),
          new RegExp(
            `→ if ${other} was given another certificate on purpose, have csync2 forget the old one, .*'${other}'"`,
          ),
        );
      });

    test("this host has no pair, or a key that is another's: not ready, and --test finds it", async () => {
      await h2.shell("chmod 644 /etc/csync2_ssl_key.pem");
      assert.match(
        (await h2.run("csync2rev --test -q")).stdout,
        /^warning +TLS certificate: others than root can read \/etc\/csync2_ssl_key\.pem: .*\n +→ chmod 600 \/etc\/csync2_ssl_key\.pem\n/m,
      );
      for (const [spoil, why] of [
        [
          "openssl genrsa -out /etc/csync2_ssl_key.pem 2048",
          "/etc/csync2_ssl_key.pem is not the key of /etc/csync2_ssl_cert.pem",
        ],
        [
          "echo spoiled >/etc/csync2_ssl_cert.pem",
          "csync2 uses TLS and /etc/csync2_ssl_cert.pem is not in PEM form",
        ],
        [
          "rm /etc/csync2_ssl_key.pem",
          "csync2 uses TLS and cannot read /etc/csync2_ssl_key.pem: there is no such file",
        ],
      ] as const) {
        await h2.shell(spoil);
        const { peers } = await catchUp(h2);
        const [{ outcome, reason, detail } = {}] = peers;
        assert.deepEqual([outcome, reason], ["failed", "not-ready"]);
        assert.equal(
          detail,
          `${why}: peers could not push; give this host a certificate and its key, with the subject that those of the other members have, and run again`,
        );
        const { stdout } = await h2.run("csync2rev --test -q");
        assert.ok(stdout.includes(`failed   TLS certificate: ${why}: peers cannot push\n`), stdout);
      }
    });
  });
});
