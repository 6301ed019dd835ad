import assert from "node:assert/strict";
import { spawnSync, type SpawnSyncReturns } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { COMMAND, groupOf, PROGRAM, STANDALONE } from "./cluster/cluster.ts";

let directory: string;

before(() => {
  directory = mkdtempSync(join(tmpdir(), "csync2rev-cli-"));
});
after(() => {
  rmSync(directory, { recursive: true });
});

interface Said {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built program with a csync2.cfg of its own. */
function run(files: Readonly<Record<string, string>>, ...args: readonly string[]): Said {
  const [program, ...first] = COMMAND;
  const system = mkdtempSync(join(directory, "etc-"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(system, name), text);
  const { status, stdout, stderr } = spawnSync(program, [...first, ...args], {
    env: { PATH: process.env["PATH"], CSYNC2_SYSTEM_DIR: system },
    encoding: "utf8",
    input: "",
  });
  return { code: status, stdout, stderr: stderr.replaceAll(system, "/etc") };
}

/** Runs it with this as its standard input, which is not a socket, and output. */
function onStdin(
  stdin: number | "ignore",
  stdout: number | "pipe" = "pipe",
  ...args: readonly string[]
): SpawnSyncReturns<string> {
  const [program, ...first] = COMMAND;
  const system = mkdtempSync(join(directory, "etc-"));
  for (const [name, text] of Object.entries(GOOD)) writeFileSync(join(system, name), text);
  return spawnSync(program, [...first, ...args], {
    env: { PATH: process.env["PATH"], CSYNC2_SYSTEM_DIR: system },
    encoding: "utf8",
    stdio: [stdin, stdout, "pipe"],
  });
}

const KEY = { "csync2.key": `${"k".repeat(64)}\n` };
const GOOD = { ...KEY, "csync2.cfg": groupOf(["h1", "h2"]).replace("/etc/csync2.key", "csync2.key") };

describe("what is wrong is said in one message, with what to do and the right status", () => {
  const cases: readonly (readonly [
    string,
    Readonly<Record<string, string>>,
    readonly string[],
    number,
    RegExp,
  ])[] = [
    [
      "no csync2.cfg",
      {},
      ["-o"],
      78,
      /^csync2rev: found no "\/etc\/csync2\.cfg", where CSYNC2_SYSTEM_DIR points: /,
    ],
    ["no csync2_web.cfg", GOOD, ["-o", "-C", "web"], 78, /^csync2rev: found no "\/etc\/csync2_web\.cfg"/],
    [
      "a config name that is none",
      GOOD,
      ["-o", "-C", "../web"],
      64,
      /^csync2rev: found config name "\.\.\/web", expected/,
    ],
    [
      "a missing key",
      { "csync2.cfg": GOOD["csync2.cfg"] },
      ["-o", "-N", "h1"],
      78,
      /^csync2rev: \/etc\/csync2\.cfg:\d+:\d+: .*csync2\.key/,
    ],
    [
      "this host in no group",
      GOOD,
      ["-o", "-N", "h9"],
      78,
      /^csync2rev: this host, "h9", is in no group of csync2\.cfg: /,
    ],
    [
      "a syntax error",
      { ...KEY, "csync2.cfg": "group g{\n}\n" },
      ["-o"],
      78,
      /^csync2rev: \/etc\/csync2\.cfg:1:7: .*\n {2}group g\{\n {8}\^\n$/,
    ],
    [
      "a broken directive",
      { ...KEY, "csync2.cfg": GOOD["csync2.cfg"].replace("}", "#csync2rev alow h2;\n}") },
      ["-o"],
      78,
      /alow/,
    ],
    [
      "bad settings",
      { ...GOOD, "csync2rev.ini": "prot = 1\n" },
      ["-o"],
      78,
      /^csync2rev: \/etc\/csync2rev\.ini: unknown key "prot"/,
    ],
    [
      "missing settings",
      GOOD,
      ["-o", "--settings", "/nowhere.ini"],
      78,
      /cannot read the settings in \/nowhere\.ini: ENOENT/,
    ],
    [
      "an unknown option",
      GOOD,
      ["-o", "--bogus"],
      64,
      /^csync2rev: unknown option "--bogus": csync2rev --help shows every option\n$/,
    ],
    [
      "a mistyped mode, as in a crontab",
      GOOD,
      ["--other"],
      64,
      /^csync2rev: unknown option "--other": did you mean --others\?\n$/,
    ],
    ["a mistyped option", GOOD, ["-o", "--dryrun=1"], 64, /"--dryrun=1": did you mean --dry-run\?\n$/],
    ["a part of an option", GOOD, ["-o", "--timeout", "5"], 64, /: did you mean --connect-timeout\?\n$/],
    [
      "one dash too few, with letters of other options",
      GOOD,
      ["-others"],
      64,
      /: did you mean --others\?\n$/,
    ],
    ["a mode without dashes", GOOD, ["status"], 64, /"status": did you mean --status\?\n$/],
    ["no mode", GOOD, ["--reconcile"], 64, /^csync2rev: a mode is missing: write --others, /],
    [
      "a list twice",
      GOOD,
      ["-o", "-P", "h1", "--peer=h2"],
      64,
      /^csync2rev: --peer is given twice: write --peer A,B\n$/,
    ],
    [
      "an option twice, of which the last is no good",
      GOOD,
      ["-o", "-p", "1", "-p", "0"],
      64,
      /^csync2rev: --port "0" is/,
    ],
    ["a list of nobody", GOOD, ["-o", "-P", ","], 64, /^csync2rev: --peer has no name: write --peer A,B\n$/],
    [
      "a missing argument",
      GOOD,
      ["-o", "-P", "--json"],
      64,
      /^csync2rev: --peer needs an argument: write --peer A,B\n$/,
    ],
    [
      "a peer without -P",
      GOOD,
      ["--others", "h1"],
      64,
      /^csync2rev: unknown argument "h1": if it is a peer, write -P h1\n$/,
    ],
    [
      "a key with a blank at its end",
      { ...GOOD, "csync2.key": `${"k".repeat(64)} \n` },
      ["-o"],
      78,
      / a blank at its end$/m,
    ],
    [
      "a port that is none",
      GOOD,
      ["-o", "-p", "0"],
      64,
      /^csync2rev: --port "0" is not allowed: a whole number from 1 to 65535\n$/,
    ],
    [
      "a deadline that is none",
      GOOD,
      ["-o", "--deadline", "soon"],
      64,
      /^csync2rev: --deadline "soon" is not allowed: a whole number of seconds/,
    ],
    [
      "two modes",
      GOOD,
      ["-o", "--show-config"],
      64,
      /^csync2rev: --others does not go with --show-config\n$/,
    ],
  ];
  for (const [what, files, args, code, message] of cases)
    test(what, () => {
      const said = run(files, ...args);
      assert.match(said.stderr, message);
      assert.deepEqual([said.code, said.stdout], [code, ""]);
      assert.doesNotMatch(said.stderr, /\n\s+at |node:internal/);
    });
});

test("without a mode, and nobody at a terminal, it says that one is missing", () => {
  for (const stdin of ["/dev/null", PROGRAM]) {
    const { status, stdout, stderr } = onStdin(openSync(stdin, "r"));
    assert.match(
      stderr,
      /^csync2rev: a mode is missing: write --others, --status, --test or --show-config, or /,
    );
    assert.deepEqual([status, stdout], [64, ""]);
  }
  const piped = spawnSync("sh", ["-c", 'true | "$@"', "sh", ...COMMAND], { encoding: "utf8" });
  assert.deepEqual([piped.status, piped.stdout], [64, ""]);
});

describe("what cannot be written to standard output is an error", () => {
  for (const args of [
    ["--help"],
    ["--version"],
    ["--completion", "bash"],
    ["--show-config", "-N", "h1"],
    ["--others", "-N", "h1", "--deadline", "1"],
    ["--others", "-N", "h1", "--deadline", "1", "--json"],
    ["--status", "-N", "h1", "--deadline", "1"],
    ["--test", "-N", "h1", "--deadline", "1"],
  ])
    test(args.join(" "), () => {
      const { status, stderr } = onStdin("ignore", openSync("/dev/full", "w"), ...args);
      assert.match(stderr, /^csync2rev: cannot write to standard output: ENOSPC$/m);
      assert.ok(status !== 0 && status !== null);
    });
});

describe("--help", () => {
  /** What it prints on a terminal with this number of columns. */
  const helpAt = (columns: number): string =>
    spawnSync(
      "script",
      ["--quiet", "--command", `stty cols ${columns}; "$PROGRAM" $FIRST --help`, "/dev/null"],
      { encoding: "utf8", env: { ...process.env, PROGRAM: COMMAND[0], FIRST: COMMAND.slice(1).join(" ") } },
    ).stdout.replaceAll("\r\n", "\n");

  test("has what arguments are, defaults, exit statuses, and where the manual is", () => {
    const help = helpAt(100);
    assert.match(help, /^ {6}--settings FILE +Read/m);
    assert.match(help, /^ {6}--deadline SECONDS .*\(default 300\)$/m);
    assert.match(
      help,
      /^Exit status:\n {2}0 .*\n {2}1 .*\n {2}64 .*\n {2}75 .*\n {2}77 .*\n {2}78 .*\n {2}130 /m,
    );
    assert.match(help, /csync2rev\(8\)/);
    assert.doesNotMatch(help, /\[string\]|\[boolean\]/);
  });

  for (const columns of [40, 71, 80, 200])
    test(`breaks no word at ${columns} columns`, () => {
      const words = (text: string): string => text.replaceAll(/\s+/g, " ");
      const help = helpAt(columns);
      assert.equal(words(help), words(helpAt(1000)));
      for (const line of help.split("\n")) assert.ok(line.length <= columns, line);
    });
});

test("nobody to ask is no error", () => {
  const alone = { ...GOOD, "csync2.cfg": GOOD["csync2.cfg"].replace("h1 h2", "h1 (h2)") };
  const said = run(alone, "-o", "-N", "h1");
  assert.deepEqual(said, {
    code: 0,
    stdout: "no other member may push to this host: there is nobody to ask\n",
    stderr: "",
  });
  assert.deepEqual(run(alone, "-o", "-q", "-N", "h1"), { code: 0, stdout: "", stderr: "" });
});

test("--show-config tells what was read, and never the key", () => {
  const cfg = `nossl * *;
group web {
  host H1@h1-sync h2 (h3@h3-sync);
  key csync2.key;
  #csync2rev allow h2 h3-*;
  include /srv;
}
group elsewhere { host h4 h5; key csync2.key; }
group slave { host (h1) h2; key csync2.key; }
`;
  const { code, stdout, stderr } = run({ ...KEY, "csync2.cfg": cfg }, "--show-config", "-N", "h1");
  assert.deepEqual([code, stderr], [0, ""]);
  assert.ok(!stdout.includes("k".repeat(32)));
  const shown = JSON.parse(stdout) as { hostname: string; file: string; groups: Record<string, unknown>[] };
  assert.equal(shown.hostname, "h1");
  assert.match(shown.file, /\/csync2\.cfg$/);
  assert.match(String(shown.groups[0]?.["key"]), /\/csync2\.key$/);
  assert.deepEqual(
    shown.groups.map((group) => ({ ...group, key: undefined })),
    [
      {
        name: "web",
        key: undefined,
        me: "h1-sync",
        slave: false,
        hosts: [
          { hostname: "h1", peername: "h1-sync", slave: false },
          { hostname: "h2", peername: "h2", slave: false },
          { hostname: "h3", peername: "h3-sync", slave: true },
        ],
        allow: ["h2", "h3-*"],
        mayAsk: ["h2", "h3-sync"],
        asks: ["h2"],
      },
      {
        name: "slave",
        key: undefined,
        me: "h1",
        slave: true,
        hosts: [
          { hostname: "h1", peername: "h1", slave: true },
          { hostname: "h2", peername: "h2", slave: false },
        ],
        allow: null,
        mayAsk: [],
        asks: ["h2"],
      },
    ],
  );
});

test("the packed file installs to a program that works, without a registry", () => {
  const root = join(import.meta.dirname, "..");
  const into = join(directory, "global");
  mkdirSync(into);
  const npm = (...args: readonly string[]): string => {
    const { status, stdout, stderr } = spawnSync("npm", args, { cwd: root, encoding: "utf8" });
    assert.equal(status, 0, stderr);
    return stdout;
  };
  npm("pack", "--ignore-scripts", "--silent", "--pack-destination", into);
  const [packed = ""] = readdirSync(into);
  npm(
    "install",
    "--silent",
    "--offline",
    "--cache",
    join(into, "cache"),
    "--global",
    "--prefix",
    into,
    join(into, packed),
  );
  const { stdout } = spawnSync(join(into, "bin/csync2rev"), ["--version"], { encoding: "utf8" });
  assert.equal(`${stdout.trim().replace(" ", "-")}.tgz`, packed);
});

test(
  "the program runs where a package.json above it says that all files are ES modules",
  { skip: STANDALONE },
  () => {
    const folder = join(directory, "modules");
    mkdirSync(folder);
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }\n');
    copyFileSync(PROGRAM, join(folder, "csync2rev"));
    const help = spawnSync(join(folder, "csync2rev"), ["--help"], { encoding: "utf8" });
    assert.match(help.stdout, /--others/);
    assert.equal(help.stderr, "");
    const handler = spawnSync(join(folder, "csync2rev"), ["-i"], { input: "" });
    assert.equal(handler.stdout.length, 44, "the greeting, and nothing else");
  },
);
