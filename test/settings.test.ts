import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Csync2revError } from "../src/errors.ts";
import { printable } from "../src/printable.ts";
import { loadSettings, type Settings } from "../src/settings.ts";

let directory: string;
before(() => {
  directory = mkdtempSync(join(tmpdir(), "csync2rev-settings-"));
});
after(() => {
  rmSync(directory, { recursive: true });
});

function load(text: string): Settings {
  const file = join(directory, "csync2rev.ini");
  writeFileSync(file, text);
  return loadSettings(file, true);
}

test("without a file, the defaults hold", () => {
  const missing = join(directory, "missing.ini");
  assert.deepEqual(loadSettings(missing, false), load("; nothing\n"));
  assert.throws(() => loadSettings(missing, true), {
    code: "settings",
    message: /cannot read the settings in .*missing\.ini: ENOENT/,
  });
});

test("the manual page has the defaults and ranges that hold", () => {
  const manual = readFileSync(join(import.meta.dirname, "../man/csync2rev.8"), "utf8");
  const [top = "", others = ""] = (/^\.Sh SETTINGS\n([^]*?)^\.Sh /m.exec(manual)?.[1] ?? "").split(
    "In section",
  );
  const rows = [top, others].flatMap((text) => [
    ...text.matchAll(/^\.It Cm ([a-z0-9-]+) No = ?(.*)\n(.*)$/gm),
  ]);
  assert.equal(rows.length, 20);
  for (const [item, key = "", byDefault = "", allowed = ""] of rows) {
    const set = (value: string | number): Settings =>
      load(`${others.includes(item) ? "[others]\n" : ""}${key} = ${value}\n`);
    // csync2 is looked for unless it is named in full.
    if (key !== "csync2") assert.deepEqual(set(byDefault), load(""), key);
    const [, least, most] = /^(\d+) to (\d+)/.exec(allowed) ?? [];
    if (least === undefined) continue;
    for (const value of [Number(least), Number(most)]) assert.notEqual(set(value), undefined);
    for (const value of [Number(least) - 1, Number(most) + 1])
      assert.throws(() => set(value), { code: "settings" }, `${key} = ${value}`);
  }
});

test("every key is read", () => {
  const text = `
hostname = web2
database = pgsql://csync2@db.example.org:5433/
port = 40000
csync2 = /opt/csync2
csync2-options = -B -p 40001 -s "/var/log/times"
request-timeout = 5
lock-file = /run/lock/c.lock
lock-timeout = 0
idle-timeout = 60
retries = 0
max-deleted = 5%
verify-address = no
log = /var/log/csync2rev.log
ident = catch-up
facility = daemon
[others]
jobs = 3
connect-timeout = 4
deadline = 5
ready-timeout = 0
optional = h4  laptop*
`.replaceAll('"', "");
  assert.deepEqual(load(text), {
    hostname: "web2",
    database: "pgsql://csync2@db.example.org:5433/",
    port: 40000,
    csync2: "/opt/csync2",
    csync2Options: ["-B", "-p", "40001", "-s", "/var/log/times"],
    csync2Port: 40001,
    requestTimeout: 5,
    lockFile: "/run/lock/c.lock",
    lockTimeout: 0,
    idleTimeout: 60,
    retries: 0,
    maxDeleted: { value: 5, unit: "%" },
    verifyAddress: false,
    log: "/var/log/csync2rev.log",
    ident: "catch-up",
    facility: "daemon",
    others: { jobs: 3, connectTimeout: 4, deadline: 5, readyTimeout: 0, optional: ["h4", "laptop*"] },
  });
});

describe("what is wrong is named with its key, its value and what is allowed", () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ["prot = 1", /unknown key "prot"; write one of hostname, database, port, csync2,/],
    ["[other]\njobs = 1", /unknown section "other"; the only section is \[others\]$/],
    [
      "[others]\njob = 1",
      /unknown key "others\.job"; write one of jobs, connect-timeout, deadline, ready-timeout, optional$/,
    ],
    ["others = 5", /"others" is a section, not a key/],
    ["port = 0", /port = "0" is not allowed: a whole number from 1 to 65535$/],
    ["port = 30866x", /port = "30866x" is not allowed/],
    ["port = true", /port = true is not allowed/],
    ["port[] = 1", /port = \["1"\] is not allowed/],
    ["port", /port = true is not allowed/],
    ["retries = 1.5", /retries = "1\.5" is not allowed: a whole number from 0 to 100$/],
    ["max-deleted = 101%", /max-deleted = "101%" is not allowed: a share of the files from 0% to 100%, or a/],
    ["max-deleted = many", /max-deleted = "many" is not allowed/],
    [
      "request-timeout = 61",
      /request-timeout = "61" is not allowed: a whole number of seconds from 1 to 60$/,
    ],
    ["csync2 = csync2 -v", /csync2 = "csync2 -v" is not allowed: a full path$/],
    ["csync2-options = -G web", /csync2-options = "-G web" is not allowed: -A, -B, -p PORT, -s FILE$/],
    ["csync2-options = -p", /csync2-options = "-p" is not allowed/],
    ["csync2-options = -x", /csync2-options = "-x" is not allowed/],
    ["verify-address = maybe", /verify-address = "maybe" is not allowed: yes or no$/],
    ["log = relative", /log = "relative" is not allowed: syslog or a full path$/],
    ["facility = local8", /facility = "local8" is not allowed: auth, /],
    ["ident = a b", /ident = "a b" is not allowed/],
    ["hostname = a b", /hostname = "a b" is not allowed: a name as in a host line of csync2\.cfg$/],
    ["hostname = -N", /hostname = "-N" is not allowed/],
    ["database = csync2.db", /database = "csync2\.db" is not allowed: a full path, or a URL without/],
    ["[others]\noptional = h4 [h", /others\.optional = "h4 \[h" is not allowed: names of hosts, or patterns/],
    ["port = 1\nport = 2", /csync2rev\.ini: port is there more than once: leave one$/],
    ['port = 1\n"port" = 2', /port is there more than once/],
    ["[others]\njobs = 1\n[others]\njobs = 2", /others\.jobs is there more than once/],
    ["__proto__ = 1\nport = 1x", /port = "1x"/],
    ["constructor = 1", /unknown key "constructor"/],
  ];
  for (const [text, message] of cases)
    test(JSON.stringify(text), () => {
      assert.throws(() => load(text), { code: "settings", message });
    });
});

test("a key may stand in both sections, and a section twice", () => {
  assert.equal(load("[others]\njobs = 1\n[others]\ndeadline = 2\n").others.deadline, 2);
});

test("a password in a database's URL is not taken, and not told", () => {
  for (const url of [
    "mysql://u:geheim@h/d",
    "pgsql://u:ge/h:eim@h",
    "mysql://u:geheim#@h/d",
    "mysql://:geheim@h/d",
  ])
    assert.throws(
      () => load(`database = ${url}\n`),
      ({ code, message }: Csync2revError) => {
        assert.equal(code, "settings");
        assert.match(message, /database = ".*" is not allowed: .* a URL without a password/);
        assert.doesNotMatch(printable(message), /eim/);
        return true;
      },
    );
});
