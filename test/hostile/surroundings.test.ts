import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { after, before, beforeEach, describe, test } from "node:test";
import { CLOSED_VARIABLES } from "../../packaging/doors.ts";
import { askOver } from "../catchup/requester.ts";
import {
  csync2,
  csync2rev,
  PROGRAM,
  STANDALONE,
  startCluster,
  type Cluster,
  type Host,
} from "../cluster/cluster.ts";

/** Code from the hostile folder would write this file. */
const RAN = "/opt/ran";
const RUNS = `require("node:fs").writeFileSync("${RAN}", process.argv.join(" "));`;
/** Files that must have no effect: other settings, other packages, code that runs before the program. */
const FOLDER: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ["", ".local", ".production", ".production.local", ".development", ".test"].map((suffix) => [
      `.env${suffix}`,
      'CSYNC2_SYSTEM_DIR=/hostile\nPATH=/hostile\nNODE_OPTIONS="--require=/hostile/run.js"\nBUN_OPTIONS="--preload=/hostile/run.js"\n',
    ]),
  ),
  "run.js": RUNS,
  "csync2.cfg": "group cluster { host h1 h2; key /hostile/key; include /hostile; }\n",
  "csync2rev.ini": "csync2 = /hostile/csync2\n",
  "bunfig.toml":
    'preload = ["/hostile/run.js"]\ntelemetry = true\n[run]\nshell = "bun"\n[define]\n"process.argv" = "[]"\n',
  "package.json": JSON.stringify({
    type: "module",
    main: "run.js",
    imports: {
      "#runtime": "/hostile/run.js",
      "#crypto": "/hostile/run.js",
    },
    browser: { fs: "/hostile/run.js" },
    scripts: { csync2rev: "node /hostile/run.js" },
  }),
  "command-line.js": RUNS,
  "tsconfig.json": JSON.stringify({ compilerOptions: { baseUrl: ".", paths: { "*": ["./run.js"] } } }),
  ".npmrc": "node-options=--require=/hostile/run.js\n",
  ...Object.fromEntries(
    ["yargs", "ini", "tweetnacl", "fs", "locales"].map((name) => [`node_modules/${name}/index.js`, RUNS]),
  ),
};
/** What csync2rev(8) says is written, and csync2's database. */
const WRITTEN = [/^\/run\/csync2rev\.lock(?:\.check)?$/, /^\/var\/lib\/csync2\/h[12]\.db3/, /^\/dev\/null$/];
const PROGRAMS = ["csync2", "flock", "sh", "env", "logger", "xargs", "curl", "bun", "node"];

describe("a hostile working folder and home", () => {
  let cluster: Cluster, h1: Host, h2: Host;
  before(async () => {
    cluster = await startCluster({ hosts: ["h1", "h2"] });
    [h1, h2] = [cluster.host("h1"), cluster.host("h2")];
  });
  beforeEach(async () => {
    await cluster.reset();
    for (const host of cluster.hosts) {
      for (const [name, content] of Object.entries(FOLDER)) {
        host.write(`/hostile/${name}`, content);
        host.write(`/hostile/home/${name.startsWith(".") ? name : `.${name}`}`, content);
      }
      for (const name of PROGRAMS) host.write(`/hostile/${name}`, `#!/bin/sh\ntouch ${RAN}\n`, 0o755);
    }
  });
  after(() => cluster.close());

  const HOME =
    "HOME=/hostile/home XDG_CONFIG_HOME=/hostile/home XDG_CACHE_HOME=/hostile/home TMPDIR=/hostile";
  /** The command in that folder, with every file noted that it opens. */
  const within = (command: string, variables = ""): string =>
    `cd /hostile; ${HOME} ${variables} exec strace -f -o /opt/trace -e trace=%file ${command}`;

  const assertUntouched = (host: Host, before: ReadonlyMap<string, string>): void => {
    const calls = host.read("/opt/trace").split("\n");
    const filesOf = (pattern: RegExp): string[] =>
      calls.filter((line) => pattern.test(line)).map((line) => /"([^"]*)"/.exec(line)?.[1] ?? "");
    const opened = filesOf(/\bopen(?:at)?\(/);
    assert.ok(opened.length > 10, "strace has seen it");
    assert.deepEqual(
      opened.filter((file) => !file.startsWith("/") || file.startsWith("/hostile")),
      [],
    );
    const made = filesOf(/\b(?:open(?:at)?\(.*O_CREAT|creat\(|(?:mk|rename|link|symlink)[a-z0-9]*\()/);
    assert.deepEqual(
      made.filter((file) => !WRITTEN.some((known) => known.test(file))),
      [],
    );
    assert.deepEqual(host.tree("/hostile"), before);
    for (const folder of ["/tmp", "/root"]) assert.equal(host.tree(folder).size, 0, folder);
    assert.ok(!host.tree("/opt").has("ran"));
  };

  /** A handler that inetd starts in that folder, and what it answers to h1. */
  const pushed = async (variables = ""): Promise<readonly string[]> => {
    h2.write("/opt/start", `#!/bin/sh\n${within("/usr/sbin/csync2rev -i", variables)}\n`, 0o755);
    await h2.serve("inetd", [csync2, { ...csync2rev, command: ["/opt/start"] }]);
    const question = { key: cluster.key, verb: "update", from: "h1", to: "h2" };
    const { replies, foreign } = await askOver(h1, "h2", question);
    assert.equal(foreign, "");
    return replies.map(({ type }) => type);
  };

  test("the handler serves from there, and takes nothing from it", async () => {
    const before = h2.tree("/hostile");
    await h1.serve("inetd", [csync2]);
    assert.deepEqual(await pushed(), ["accepted", "alive", "done"]);
    assertUntouched(h2, before);
  });

  test("the requester asks from there, and takes nothing from it", async () => {
    const before = h1.tree("/hostile");
    for (const host of cluster.hosts) await host.serve("inetd");
    h1.write("/srv/data/file", "one");
    await h1.run("csync2 -cIr /");
    const { code, stdout } = await h1.run(within("/usr/sbin/csync2rev --others"));
    assert.match(stdout, /h2 +cluster +caught-up/);
    assert.equal(code, 0);
    assertUntouched(h1, before);
  });

  /** What a client gets that sends 44 bytes once something has happened to its handler, which inetd has started in that folder. */
  const receivedAfter = async (happens: (pid: string) => Promise<unknown>, options = ""): Promise<Buffer> => {
    const trace = `strace ${options} -f -o /opt/trace -e trace=%file,%process,%network`;
    h2.write("/opt/start", `#!/bin/sh\ncd /hostile; ${HOME} exec ${trace} /usr/sbin/csync2rev -i\n`, 0o755);
    await h2.serve("inetd", [{ ...csync2rev, command: ["/opt/start"] }]);
    const client = h1.spawn("socat -t0.2 - TCP:h2:30866");
    const received: Buffer[] = [];
    client.stdout.on("data", (chunk: Buffer) => received.push(chunk));
    await h1.until("the greeting is there", () => received.length > 0);
    client.stderr.resume();
    client.stdin.on("error", () => undefined);
    const ended = once(client, "close");
    const handler = h2
      .processes()
      .find(({ command }) => command.includes("csync2rev -i") && !command.includes("strace"));
    await happens(String(handler?.pid));
    client.stdin.end("x".repeat(44));
    await ended;
    await h2.until("it is gone", () => h2.processes().length === 0);
    return Buffer.concat(received);
  };

  test("a crash of the runtime reaches nobody, starts nothing and leaves no file", async () => {
    const before = h2.tree("/hostile");
    const crash = (pid: string): Promise<unknown> => h2.run(["/bin/kill", "-SEGV", pid]);
    h2.write("/opt/bin/curl", `#!/bin/sh\ntouch ${RAN}\n`, 0o755);
    const received = await receivedAfter(
      crash,
      "-E PATH=/opt/bin:/usr/bin:/bin -E BUN_ENABLE_CRASH_REPORTING=1",
    );
    assert.equal(received.length, 44, "the greeting");
    const [, ...afterwards] = h2.read("/opt/trace").split("--- SIGSEGV");
    assert.ok(afterwards.length > 0, "strace has seen it");
    assert.doesNotMatch(afterwards.join(""), /\b(execve|connect|socket)\(/);
    assertUntouched(h2, before);
  });

  for (const limit of ["as", "nofile"])
    test(`a runtime that gets no more of what prlimit calls "${limit}" says nothing to anybody`, async () => {
      const received = await receivedAfter((pid) => h2.run(["prlimit", "--pid", pid, `--${limit}=0`]));
      assert.equal(received.length, 44, "the greeting");
    });

  // Only the executable has Bun in it.
  if (STANDALONE)
    test("no variable that Bun knows runs other code, opens a port, writes a file or gets a word to the other end", async () => {
      const before = h1.tree("/hostile");
      const variables = variablesOfBun();
      const { code, stdout } = await h1.run(within("/usr/sbin/csync2rev --version", variables));
      assert.match(stdout, /^csync2rev \d+\.\d+\.\d+\n$/);
      assert.equal(code, 0);
      assertUntouched(h1, before);
      // Of a connection that was refused, the C library is asked by way of bun:ffi.
      const status = await h1.run(within("/usr/sbin/csync2rev --status", variables));
      assert.match(status.stdout, /^h2: unreachable: not-listening: /m);
      assertUntouched(h1, before);

      const there = h2.tree("/hostile");
      await h1.serve("inetd", [csync2]);
      assert.deepEqual(await pushed(variables), ["accepted", "alive", "done"]);
      assertUntouched(h2, there);
    });
});

/** With these, Bun ends or says what is wrong with their values, and does nothing else. */
const UNFIT = ["BUN_GARBAGE_COLLECTOR_LEVEL", "BUN_CONFIG_MAX_HTTP_REQUESTS", "NODE_CHANNEL_FD"];

/** Every name in the executable that can be a variable's, and those that are closed, with what would do most harm as its value. */
function variablesOfBun(): string {
  const names = readFileSync(PROGRAM, "latin1").matchAll(
    /(?:BUN|NODE)_[A-Z0-9_]+?(?=BUN_|NODE_|[^A-Z0-9_])/g,
  );
  const known = new Set([...Array.from(names, ([name]) => name), ...CLOSED_VARIABLES]);
  assert.ok(known.size > 200, "they are found");
  const files = [...known]
    .filter((name) => !UNFIT.includes(name))
    .map((name) => {
      if (name === "BUN_OPTIONS") return `${name}=--preload=/hostile/run.js`;
      if (/INSPECT(_CONNECT_TO)?$/.test(name)) return `${name}=127.0.0.1:9229`;
      return `${name}=/hostile/run.js`;
    });
  const linker = ["C_INCLUDE_PATH", "LIBRARY_PATH"].map((name) => `${name}=/hostile`);
  const engine = ["functionOverrides=/hostile/run.js", "dumpOptions=1", "unknown=1"].map(
    (is) => `BUN_JSC_${is}`,
  );
  return [...files, ...linker, ...engine, "BUN_BE_BUN=1"].join(" ");
}
