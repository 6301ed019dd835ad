import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { anyCase, Random, SHARED_FILES } from "./generate.ts";
import { loadCsync2Cfg } from "../../src/csync2cfg/load.ts";
import { Oracle, type Case } from "./oracle.ts";

const SEED = Number(process.env["CSYNC2REV_SEED"] ?? Date.now() % 1_000_000_000);
const RUNS = Number(process.env["CSYNC2REV_RUNS"] ?? 1000);
const BATCH = 1000;

let oracle: Oracle;

before(async () => {
  oracle = await Oracle.start();
  for (const [name, text] of Object.entries(SHARED_FILES)) {
    writeFileSync(join(oracle.base, name), text.replaceAll("$BASE", oracle.base), "latin1");
  }
});

after(() => {
  oracle.stop();
});

/** Both readers must take or refuse alike, and make the same of it. Returns how many were taken. */
async function agree(cases: readonly Case[], what: string): Promise<number> {
  const verdicts = await oracle.compare(cases);
  verdicts.forEach(({ csync2, csync2rev, directory }, index) => {
    const { message: said, ...expected } = csync2;
    const { message, ...actual } = csync2rev;
    const files = JSON.stringify(cases[index], null, 1);
    assert.deepEqual(
      actual,
      expected,
      `${what}, ${directory}\n${files}\ncsync2 said: ${said}\ncsync2rev said: ${message}`,
    );
  });
  return verdicts.filter(({ csync2 }) => csync2.taken).length;
}

/** Cases of one file, with `K` for a statement that gives a key. */
async function table(what: string, taken: boolean, texts: readonly string[]): Promise<void> {
  const cases = texts.map((text) => ({ files: { "csync2.cfg": text.replaceAll("K", "key $BASE/key;") } }));
  const count = await agree(cases, what);
  assert.equal(count, taken ? texts.length : 0, `${what}: csync2 itself took ${count} of ${texts.length}`);
}

test("what csync2 takes", () =>
  table("a good file", true, [
    "",
    "# nothing\r\n",
    "group g { host h1; K }",
    "group g{{ { host h1; K }",
    "group { K } group { host h1 h2; K }",
    'group "host" { host "key" h1; K }',
    'group "a b" { host "h 2" "h1"; K }',
    "group g { K host; include; exclude; compare; action { } action { exec; pattern; } }",
    "group g { host h1 a (b c) d@e (f@g) (h); K }",
    "group g { host h1 @ p1 h2@\tp2; K }",
    "group g { host h1 a@\r\n\r\nb; K }",
    "group g { host h1 (); K }",
    "group g { host h1 h1@p1 (h1@p2) h2; K }",
    "group g { host (h1) h2; K } group g { host h3 h1@x; K }",
    "group g { host H1@Peer H2@OTHER; K }",
    "group g { K host h1 h2; } group h { K host h3; host h1@x; host h4; }",
    "group g { compare a b c; K host h1; }",
    "group g { auto younger; backup-directory /b; backup-generations x; K host h1; }",
    'group g { action { pattern /a /b; exec "x y"; logfile /l; do-local; do-local-only; } K host h1; }',
    "prefix p { on h1: /a/; on * : /b; } prefix q { } prefix p { on h[0-9]: /; }",
    "prefix p { on h2: /a; on H1: /b; on ?1: //c//; }",
    'prefix p { on h1: "/a b"; }',
    "nossl * *; database x; tempdir /t; lock-timeout soon; ignore; ignore uid gid mod uid;",
    "group g { host h1 a:b c; K }",
    'group g { host h1 ""; K "" }',
    'group g { host h1; key "$BASE/key"; }',
    'group g { host h1 h2"h3"h4; K }',
    'group g { host h1 "h\n2"; K }',
    "group g { host h1 h2#comment } ; {\n; K }",
    "group g { host h1; K }#csync2rev allow nobody;",
    "group g { host h1; K # csync2rev allow }\n}",
    "group g\x0c { host h1; K }",
    "group g { host h1 h\x0b2 \xa0 \x85; K }",
    "group g { host h1 h2\0h3 \0; K }",
    "# \0 }\ngroup g { host h1; K }",
    "group g { host h1; key $BASE/long; } group h { host h1; key ../key; }",
    "group g { host h1 h2; K } config",
    "config;",
    "config $BASE/shared-group;",
    "config $BASE/shared-group $BASE/shared-group\n\r shared-group ;",
    "config\n\n  shared-group\n\n;group g { host h1; K config $BASE/shared-hosts; }",
    "config shared-group",
    'group g { host h1; K } # "',
    "group g { host h1 __proto__ constructor toString@hasOwnProperty; K } group __proto__ { host h1; K }",
    "group redis { host h1 flags hosts; K } group hosts { host h1; K }",
    "group g { host h1, h2,; K }",
    `group ${"g".repeat(10_000)} { host h1 ${"h".repeat(20_000)}; K }`,
    "group g { host h1; K } #\r#",
  ]));

test("what csync2 refuses", () =>
  table("a bad file", false, [
    "group",
    "group g",
    "group g{ host h1; K }",
    "group g {host h1; K }",
    "group g { host h1; K };",
    "group g { host h1; K action { }; }",
    "group g { host h1; K }}",
    "group g { host h1; K ",
    "group g { host h1; K } }",
    "g { host h1; K }",
    "group g { host h1 K }",
    "group g { host h1; key $BASE/key }",
    "group g { host h1; }",
    "group g { host h1; K K }",
    "group g { host h1; K key nowhere; }",
    "group host { host h1; K }",
    "group g { host key; K }",
    "group g { host h1 config; K }",
    "group g { host h1@; K }",
    "group g { host @h1; K }",
    "group g { host h1@p@q; K }",
    "group g { host h1 (h2; K }",
    "group g { host h1 (h2 (h3)); K }",
    "group g { host h1 h2); K }",
    "group g { host h1: h2; K }",
    "group g { auto; K }",
    "group g { auto newest; K }",
    "group g { auto Younger; K }",
    "group g { auto none; auto none; K }",
    "group g { backup-directory a b; K }",
    "group g { action { exec x } K }",
    "group g { action { logfile; } K }",
    "group g { action { do-local x; } K }",
    "group g { action x { } K }",
    "group g { tempdir /x; K }",
    "group g { ; K }",
    "group g { host h1;; K }",
    "group g { group h { } K }",
    "prefix { on h1: /a; }",
    "prefix p { on h1: a; }",
    'prefix p { on h1: ""; }',
    "prefix p { on other: a; }",
    "prefix p { on h1:/a; }",
    "prefix p { on h1 :/a; }",
    "prefix p { on h1: /a }",
    "prefix p { on h1 /a; }",
    "prefix p { on h1:: /a; }",
    "prefix p { } ;",
    "nossl *;",
    "nossl * * *;",
    "database;",
    "tempdir /a /b;",
    "lock-timeout;",
    "ignore Uid;",
    "ignore uid",
    "no-cygwin-lowercase;",
    "do-local;",
    "\xef\xbb\xbfgroup g { host h1; K }",
    "\0group g { host h1; K }",
    "group\0x g { host h1; K }",
    "group g { host h1; key \0; }",
    "group g { host h1; key $BASE/short; }",
    "group g { host h1; key $BASE/crlf; }",
    "group g { host h1; key $BASE/umlaut; }",
    "group g { host h1; key $BASE/empty; }",
    "group g { host h1; key $BASE/nul-short; }",
    "group g { host h1; key $BASE; }",
    "group g { host h1; key nowhere; }",
    "group g { host h1; K } group other { host h2; key nowhere; }",
    'group g { host h1; K include "/a; }',
    "config nowhere;",
    "config $BASE;",
    'config "$BASE/shared-group";',
    "config shared-group\ngroup g { host h1; K }",
    "config config;",
    "config $HERE/csync2.cfg;",
    "group g { host h1; K } ' ",
  ]));

test("ten included files inside one another are taken, eleven are not", async () => {
  const nested = (depth: number): Case => ({
    files: {
      "csync2.cfg": "config $HERE/1;",
      ...Object.fromEntries(
        Array.from({ length: depth }, (_, index) => [
          String(index + 1),
          index + 1 < depth ? `config $HERE/${index + 2};` : "group g { host h1 h2; key $BASE/key; }",
        ]),
      ),
    },
  });
  assert.equal(await agree([nested(10)], "ten"), 1);
  assert.equal(await agree([nested(11)], "eleven"), 0);
});

test("csync2's parser holds some ten thousand blocks, and statements of a group", async () => {
  const key = "key $BASE/key;";
  const blocks = (count: number): string =>
    `${"lock-timeout 1;\n".repeat(count)}group { host h1 h2; ${key} }`;
  const statements = (count: number): string =>
    `group { ${key} host h1 h2; ${"action { }\n".repeat(count)} }`;
  const files = [blocks(9_900), statements(9_900), blocks(10_100), statements(10_100)];
  const verdicts = await oracle.compare(files.map((text) => ({ files: { "csync2.cfg": text } })));
  for (const reader of ["csync2", "csync2rev"] as const)
    assert.deepEqual(
      verdicts.map((verdict) => verdict[reader].taken),
      [true, true, false, false],
      reader,
    );
  assert.match(
    verdicts[2]?.csync2rev.message ?? "",
    /^config-syntax: .*:10001:1: found more than 10000 blocks, expected fewer: csync2's parser cannot hold more\n/,
  );
  assert.match(verdicts[3]?.csync2rev.message ?? "", /: found more than 10000 statements, /);
});

test("a file of a megabyte reads the same", async () => {
  const groups = Array.from(
    { length: 1500 },
    (_, group) =>
      `group g${group} {\n\thost h1 web${group}@web${group}.example.com (db${group});\n\tkey $BASE/key;\n#${"-".repeat(600)}\n}\n`,
  );
  const one = `group big { host h1 ${Array.from({ length: 2000 }, (_, index) => `host-number-${index}`).join("\n")}; key $BASE/key; }`;
  const comment = `#${"x".repeat(1 << 20)}\ngroup g { host h1 h2; key $BASE/key; }`;
  const word = `group g { include "${"/x".repeat(1 << 19)}"; host h1 h2; key $BASE/key; }`;
  const cases = [groups.join(""), one, comment, word].map((text) => ({ files: { "csync2.cfg": text } }));
  assert.equal(await agree(cases, "a large file"), cases.length);
});

test("groups without a name are group_1, group_2 and so on, also where a group has such a name", async () => {
  const text = `group { host h1 h2; key $BASE/key; } group x { host h1 h3; key $BASE/key; } group { host h1 h4; key $BASE/key; } group group_2 { host h1 h5; key $BASE/key; } group { host h6; key $BASE/key; } group { host h1 h7; key $BASE/key; }`;
  const cases = ["group_1", "group_2", "group_3", "group_4", "x", "x,group_4"].map((groups) => ({
    files: { "csync2.cfg": text },
    groups,
  }));
  assert.equal(await agree(cases, "groups without a name"), cases.length);
});

test("host names: case, length and bytes", async () => {
  const long = "x".repeat(230);
  const cases = ["H1", "h\xc3\x84us".normalize(), long, "web-1.Example.COM", "*"].map((hostname) => ({
    files: {
      "csync2.cfg": `group g { host h1 h2; key $BASE/key; } group h { host "h\xc3\x84us" H\xc3\x84US@p h\xc3\xa4us@q h3; key $BASE/key; } group i { host ${long} h4; key $BASE/key; } group j { host ${long}y h5; key $BASE/key; } group k { host web-1.example.com h6; key $BASE/key; }`,
    },
    hostname: Buffer.from(hostname, "latin1").toString("utf8"),
  }));
  assert.equal(await agree(cases, "host names"), cases.length);
});

test("patterns match as fnmatch(3) has them: csync2 says which prefix a host has", async () => {
  const random = new Random(SEED);
  const names = [
    "h1",
    "web-1.example.com",
    "aab",
    "a]b",
    "a-b",
    "a!b",
    "[a]",
    "abc",
    "aaaaaaaaaaaaaaaaaaaaaaaab",
    "a\\b",
  ];
  const parts = [
    "a",
    "b",
    "c",
    "h",
    "1",
    "*",
    "*",
    "?",
    "[",
    "]",
    "!",
    "^",
    "-",
    "\\",
    "[a-c]",
    "[!a]",
    "[^b-z]",
    "[]a]",
    "[[:alpha:]]",
    "[[:digit:]-]",
    "[a-",
    ".",
    "web",
    "[[:nope:]]",
    "[[:nope:]a]",
    "[!b[:nope:]]",
    "[[:no1:]]",
    "[:",
    ":]",
    "[z-a]",
    "[\\]]",
    "[a\\-c]",
    "[--0]",
    "[!]]",
  ];
  const cases = Array.from({ length: 60 }, () => {
    const patterns = Array.from(
      { length: 100 },
      () => random.times(6, () => random.pick(parts)).join("") || "*",
    );
    const text = patterns
      .map((pattern, index) => `prefix p${index} { on "${pattern}" : /${index}; }\n`)
      .join("");
    return {
      files: { "csync2.cfg": `group g { host h1; key $BASE/key; } ${text}` },
      hostname: random.pick(names),
    };
  });
  assert.equal(await agree(cases, `patterns, CSYNC2REV_SEED=${SEED}`), cases.length);
});

test("slaves: csync2's daemon lets the hosts delete a file that csync2rev knows as no slave", async () => {
  const random = new Random(SEED);
  const peers = ["127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5"];
  const seen = new Set<string>();
  for (let round = 0; round < 12; round++) {
    const host = (): string => random.pick([random.pick(peers), `h${random.below(3)}@${random.pick(peers)}`]);
    const group = (): string =>
      `group { host ${random.pick(["h9@127.0.0.9", "", "(h9@127.0.0.9)"])} ${[...random.times(2, host), "(", ...random.times(3, host), ")", ...random.times(1, host)].join(" ")}; key ${random.pick(["key-1", "key-2"])}; include /nowhere; }`;
    const files = {
      "csync2.cfg": `nossl * *; ${group()} ${group()} ${group()}`,
      "key-1": `${"k".repeat(40)}\n`,
      "key-2": `${"o".repeat(40)}\n`,
    };
    const directory = oracle.write({ files });
    const cfg = loadCsync2Cfg({ systemDirectory: directory, configName: "", hostname: "h9" });
    // csync2 says nothing at all then.
    if (cfg.groups.length === 0) continue;
    const command = `DEL ${"k".repeat(40)} /nowhere/file`;
    const answers = await oracle.converse(directory, "h9", peers, command);
    peers.forEach((peer, index) => {
      const entries = cfg.groups
        .filter((each) => each.key.text.startsWith("k"))
        .flatMap((each) => each.hosts.filter((member) => member !== each.me && member.peername === peer));
      const mayPush = entries.some((entry) => !entry.slave);
      const expected = mayPush ? /^(OK|File)/ : entries.length > 0 ? /denied for slave!$/ : /denied!$/;
      seen.add(expected.source);
      assert.match(answers[index] ?? "", expected, `${peer}: ${files["csync2.cfg"]}`);
    });
  }
  assert.equal(seen.size, 3, "not every answer came up");
});

test(`csync2 agrees about ${RUNS} generated files, CSYNC2REV_SEED=${SEED}`, async (context) => {
  let taken = 0;
  for (let done = 0; done < RUNS; done += BATCH) {
    const length = Math.min(BATCH, RUNS - done);
    const cases = Array.from({ length }, (_, index) => anyCase(SEED, done + index));
    taken += await agree(cases, `CSYNC2REV_SEED=${SEED}, from case ${done} on`);
  }
  context.diagnostic(`seed ${SEED}: ${taken} of ${RUNS} taken by both, the others refused by both`);
  assert.ok(
    taken > RUNS / 10 && taken < (RUNS * 9) / 10,
    `${taken} of ${RUNS} taken: the generator tries one side only`,
  );
});
