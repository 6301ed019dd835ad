import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, beforeEach, describe, test } from "node:test";
import { CLOSED_VARIABLES } from "../../packaging/doors.ts";
import { askOver } from "../catchup/requester.ts";
import { csync2, csync2rev, STANDALONE, startCluster, type Cluster, type Host } from "../cluster/cluster.ts";

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
    const opened = host
      .read("/opt/trace")
      .split("\n")
      .filter((line) => /\bopen(?:at)?\(/.test(line))
      .map((line) => /"([^"]*)"/.exec(line)?.[1] ?? "");
    assert.ok(opened.length > 10, "strace has seen it");
    assert.deepEqual(
      opened.filter((file) => !file.startsWith("/") || file.startsWith("/hostile")),
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

  test("a crash of the runtime reaches nobody, starts nothing and leaves no file", async () => {
    const before = h2.tree("/hostile");
    const trace = "exec strace -f -o /opt/trace -e trace=%file,%process,%network /usr/sbin/csync2rev -i";
    h2.write("/opt/start", `#!/bin/sh\ncd /hostile; ${HOME} ${trace}\n`, 0o755);
    await h2.serve("inetd", [{ ...csync2rev, command: ["/opt/start"] }]);
    const client = h1.spawn("socat -t0.2 - TCP:h2:30866");
    const received: Buffer[] = [];
    client.stdout.on("data", (chunk: Buffer) => received.push(chunk));
    await h1.until("the greeting is there", () => received.length > 0);
    client.stderr.resume();
    const ended = once(client, "close");
    const handler = h2
      .processes()
      .find(({ command }) => command.includes("csync2rev -i") && !command.includes("strace"));
    await h2.run(["/bin/kill", "-SEGV", String(handler?.pid)]);
    await ended;
    assert.equal(Buffer.concat(received).length, 44, "the greeting");
    await h2.until("it is gone", () => h2.processes().length === 0);
    const [, ...afterwards] = h2.read("/opt/trace").split("--- SIGSEGV");
    assert.ok(afterwards.length > 0, "strace has seen it");
    assert.doesNotMatch(afterwards.join(""), /\b(execve|connect|socket)\(/);
    assertUntouched(h2, before);
  });

  // Only the executable has Bun in it.
  if (STANDALONE)
    test("the variables by which Bun runs other code, opens a port or writes a file say nothing to it", async () => {
      const before = h1.tree("/hostile");
      const variables = CLOSED_VARIABLES.map((name) => {
        if (name === "BUN_OPTIONS") return `${name}=--preload=/hostile/run.js`;
        if (/INSPECT(_CONNECT_TO)?$/.test(name)) return `${name}=127.0.0.1:9229`;
        return `${name}=/hostile/run.js`;
      }).join(" ");
      const { code, stdout } = await h1.run(
        within("/usr/sbin/csync2rev --version", `${variables} BUN_BE_BUN=1`),
      );
      assert.match(stdout, /^csync2rev \d+\.\d+\.\d+\n$/);
      assert.equal(code, 0);
      assertUntouched(h1, before);

      const there = h2.tree("/hostile");
      await h1.serve("inetd", [csync2]);
      assert.deepEqual(await pushed(variables), ["accepted", "alive", "done"]);
      assertUntouched(h2, there);
    });
});
