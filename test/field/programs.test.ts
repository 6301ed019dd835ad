import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { assertCaughtUp, catchUp, peerOf } from "../catchup/others.ts";
import { type Cluster, debianPackages, type Host, startCluster } from "../cluster/cluster.ts";

describe("on an old or small system", () => {
  let cluster: Cluster;
  let h1: Host;
  let h2: Host;
  let busybox: Buffer;
  before(async () => {
    busybox = readFileSync(join(await debianPackages(["busybox"]), "usr/bin/busybox"));
    cluster = await startCluster({ hosts: ["h1", "h2"] });
    [h1, h2] = [cluster.host("h1"), cluster.host("h2")];
  });
  after(() => cluster.close());
  beforeEach(async () => {
    await cluster.reset();
    await Promise.all([h1, h2].map((host) => host.serve("inetd")));
    h2.write("/srv/data/own", "own");
    await h2.shell("csync2 -cIr /");
    h1.write("/srv/data/file", "1");
  });

  /** Puts another program in the place of one that a host has. */
  async function instead(host: Host, name: string, program: string | Buffer): Promise<void> {
    const file = `/opt/${name}`;
    host.write(file, typeof program === "string" ? `#!/bin/bash\n${program}\n` : program, 0o755);
    await host.shell(`mount --bind ${file} "$(realpath "$(command -v ${name})")"`);
  }

  test("sh, env and xargs are busybox's: all comes, and a reconcile too", async () => {
    for (const host of [h1, h2])
      for (const name of ["xargs", "env", "sh"]) await instead(host, name, busybox);
    assert.equal((await h1.run("env --ignore-signal=PIPE true")).code, 1);
    assertCaughtUp(await catchUp(h2));
    assert.equal(h2.read("/srv/data/file"), "1");
    h1.write("/srv/data/$(id) 'a'", "2");
    await h1.shell("csync2 -cIr /");
    assertCaughtUp(await catchUp(h2, "--reconcile"));
    assert.equal(h2.read("/srv/data/$(id) 'a'"), "2");
    const { stdout } = await h2.run("csync2rev --test");
    for (const name of ["sh", "flock", "xargs", "logger"])
      assert.match(stdout, new RegExp(`^ok +program ${name}: `, "m"));
  });

  test("logger is busybox's: all comes, --test says so, and to log to a file instead", async () => {
    for (const host of [h1, h2]) await instead(host, "logger", busybox);
    // The line that logger does not take may come on stderr.
    const asked = await h2.run("csync2rev --others");
    assert.equal(asked.code, 0, asked.stdout);
    assert.match(asked.stdout, /^caught up with 1 of 1 peer /m);
    const { stdout } = await h2.run("csync2rev --test -q");
    assert.match(
      stdout,
      /^failed +program logger: \S+ does not take the options that it is started with: .*\n +→ install util-linux of 2018 or newer; busybox's does not do, or log to a file: log = \/PATH in csync2rev\.ini\n/m,
    );
    h2.write("/etc/csync2rev.ini", "log = /var/log/csync2rev.log\n");
    assert.doesNotMatch((await h2.run("csync2rev --test -q")).stdout, /program logger/);
  });

  test("flock does not know its options: who asks is told, and --test says so", async () => {
    await instead(h1, "flock", `echo "flock: unrecognized option '$1'" >&2; exit 1`);
    const { detail, outcome } = peerOf(await catchUp(h2), "h1");
    assert.equal(outcome, "refused");
    assert.match(
      detail ?? "",
      /flock cannot lock: flock: unrecognized option '--nonblock': install util-linux/,
    );
    const { stdout } = await h1.run("csync2rev --test -q");
    assert.match(
      stdout,
      /^failed +program flock: \S+ does not take the options that it is started with: flock: unrecognized option '--timeout'\n/m,
    );
  });
});
