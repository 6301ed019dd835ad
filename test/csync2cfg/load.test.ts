import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { configFileName, loadCsync2Cfg } from "../../src/csync2cfg/load.ts";
import type { Csync2Cfg } from "../../src/csync2cfg/model.ts";

let base: string;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "csync2rev-"));
  write("k", "k".repeat(64));
});

afterEach(() => {
  rmSync(base, { recursive: true });
});

function write(name: string, text: string): void {
  writeFileSync(join(base, name), text, "latin1");
}

function load(text: string, hostname = "h1"): Csync2Cfg {
  write("csync2.cfg", text);
  return loadCsync2Cfg({ systemDirectory: base, configName: "", hostname });
}

test("no config name leads out of the directory", () => {
  for (const name of ["../x", "A", "a/b", "a\n", "ä", "a.b"])
    assert.throws(() => configFileName(name), { code: "usage" });
});

test("no file, or one that is none", () => {
  const options = { systemDirectory: base, configName: "none", hostname: "h1" };
  assert.throws(() => loadCsync2Cfg(options), { code: "config-missing" });
  mkdirSync(join(base, "csync2_none.cfg"));
  assert.throws(() => loadCsync2Cfg(options), { code: "config-unreadable", message: /it is a directory/ });
});

test("a link that leads to itself is named as such", () => {
  symlinkSync("csync2_loop.cfg", join(base, "csync2_loop.cfg"));
  const options = { systemDirectory: base, configName: "loop", hostname: "h1" };
  assert.throws(() => loadCsync2Cfg(options), { code: "config-unreadable", message: /ELOOP/ });
});

test("what is forbidden is named", () => {
  const isRoot = process.geteuid?.() === 0;
  load("group g { key k; }");
  chmodSync(base, 0o711);
  chmodSync(join(base, "csync2.cfg"), 0o644);
  chmodSync(join(base, "k"), 0);
  // To root nothing is forbidden.
  if (isRoot) process.seteuid?.(65534);
  try {
    const options = { systemDirectory: base, configName: "", hostname: "h1" };
    assert.throws(() => loadCsync2Cfg(options), {
      code: "key",
      message: /permission denied: run it as root/,
    });
  } finally {
    if (isRoot) process.seteuid?.(0);
    chmodSync(join(base, "k"), 0o600);
  }
});

test("the whole result", () => {
  const text =
    "prefix p { on h*: /srv/; on *: /; }\nprefix q { on x: /; }\n group web {\n host H2 h1@Me (h3@Three);\n key k;\n include /srv/; exclude *~; include %p%/x; compare / /y;\n backup-directory /var/backups; }\nnossl h? Three; tempdir /tmp;\n group other { host h2; key k; }\n";
  const cfg = load(text);
  assert.deepEqual(
    { ...cfg },
    {
      file: join(base, "csync2.cfg"),
      included: [],
      groups: [
        {
          name: "web",
          place: { file: join(base, "csync2.cfg"), line: 3, column: 2 },
          me: { hostname: "h1", peername: "me", slave: false },
          hosts: [
            { hostname: "h2", peername: "h2", slave: false },
            { hostname: "h1", peername: "me", slave: false },
            { hostname: "h3", peername: "three", slave: true },
          ],
          key: { file: join(base, "k"), text: "k".repeat(64) },
          patterns: [
            { effect: "include", pattern: "/srv" },
            { effect: "exclude", pattern: "*~" },
            { effect: "include", pattern: "%p%/x" },
            { effect: "include", pattern: "/" },
            { effect: "compare", pattern: "/y" },
          ],
          backupDirectory: "/var/backups",
          allow: null,
        },
      ],
      prefixes: [
        { name: "q", path: null },
        { name: "p", path: "/srv" },
      ],
      nossl: [{ from: "h?", to: "Three" }],
      tempdir: "/tmp",
      texts: [text],
      fault: null,
      warnings: [],
    },
  );
  assert.equal(cfg.groups[0]?.hosts[1], cfg.groups[0]?.me);
});

test("this host is who the last of its entries says, and is listed once", () => {
  const [group] = load("group g { host h1@a h2 (h1@b) h2; key k; }").groups;
  assert.deepEqual(group?.me, { hostname: "h1", peername: "b", slave: true });
  assert.deepEqual(
    group.hosts.map((host) => host.peername),
    ["h2", "b", "h2"],
  );
});

test("in no group: an empty list", () => {
  assert.deepEqual(load("group g { host h2; key k; }").groups, []);
  assert.deepEqual(load("group g { host h1; key k; }", "h1.example.com").groups, []);
});

test("names that are no UTF-8 stay apart and keep their bytes", () => {
  const [group] = load("group g { host h1 \xff \xfe h\xc3\xa4; key k; }").groups;
  const names = group?.hosts.map((host) => host.peername) ?? [];
  assert.equal(new Set(names).size, 4);
  assert.equal(names[3], "hä");
});

test("a key's first 1023 bytes count, and a NUL ends it", () => {
  write("long", `${"a".repeat(1023)}?`);
  write("nul", `${"b".repeat(40)}\0?`);
  const keys = load("group g { host h1; key long; } group h { host h1; key nul; }").groups.map(
    ({ key }) => key.text,
  );
  assert.deepEqual(keys, ["a".repeat(1023), "b".repeat(40)]);
});

test("the fork's words are taken where csync2 has an error, and are names elsewhere", () => {
  const fork =
    "hosts { a: 10.0.0.1; b : c : 30865; } database-version 2; protocol-version 2; ip-version 4; patch-mode 1; lock-time 3; redis x;";
  const cfg = load(`${fork} group redis { host h1 hosts; flags x; key k; }`);
  assert.deepEqual(
    cfg.groups[0]?.hosts.map((host) => host.hostname),
    ["h1", "hosts"],
  );
  for (const text of [
    "hosts a;",
    "redis;",
    'group g { "flags" x; key k; }',
    '"redis" x;',
    "hosts { a: ; }",
  ]) {
    assert.throws(() => load(text), { code: "config-syntax" }, text);
  }
});
