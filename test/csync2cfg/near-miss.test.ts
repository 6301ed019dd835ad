import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { loadCsync2Cfg } from "../../src/csync2cfg/load.ts";
import type { Csync2Cfg } from "../../src/csync2cfg/model.ts";

const directory = mkdtempSync(join(tmpdir(), "csync2rev-"));
writeFileSync(join(directory, "k"), "k".repeat(64));

after(() => {
  rmSync(directory, { recursive: true });
});

/** A csync2.cfg whose group has this comment, in UTF-8 unless it is given as bytes. */
function load(comment: string | Uint8Array): Csync2Cfg {
  const [before, behind] = ["group g {\nhost h1 h2 web-1.example.com@peer1;\nkey k;\n", "\n}\n"];
  writeFileSync(
    join(directory, "csync2.cfg"),
    Buffer.concat([Buffer.from(before), Buffer.from(comment), Buffer.from(behind)]),
  );
  return loadCsync2Cfg({ systemDirectory: directory, configName: "", hostname: "h1" });
}

/** Asserts that no host is served with this comment, and that the error says where it is. */
function assertFault(comment: string | Uint8Array): void {
  const what = JSON.stringify(comment);
  const cfg = load(comment);
  assert.equal(cfg.fault?.code, "directive", what);
  assert.match(cfg.fault.message, /csync2\.cfg:4:\d+: found .*, expected .*\n {2}.*\n {2} *\^$/, what);
  assert.deepEqual(cfg.groups[0]?.allow, [], what);
}

const MEANT = [
  "# csync2rev allow h2;",
  "#  csync2rev allow h2;",
  "#\tcsync2rev allow h2;",
  "#Csync2rev allow h2;",
  "#CSYNC2REV ALLOW H2;",
  "#csync2Rev Allow h2",
  "#csync2rev:allow h2;",
  "#csync2rev: allow h2;",
  "#csync2rev:",
  "#csync2rev",
  "# csync2rev",
  "#csync2rev;",
  "#csync2rev=allow h2;",
  "#csync2rev-allow h2;",
  "#csync2rev_allow h2;",
  "#csync2rev.allow h2;",
  "#csync2revallow h2;",
  "#csync2rev(allow h2);",
  "#csync2rev\u00a0allow h2;",
  "#\u00a0csync2rev allow h2;",
  "#csync2rev\u3000allow h2;",
  "#csync2rev\u200ballow h2;",
  "#csync\u200b2rev allow h2;",
  "#csync\u00ad2rev allow h2;",
  "#\ufeffcsync2rev allow h2;",
  "#\u0441sync2rev allow h2;",
  "#\u0441\u0455\u0443n\u04412r\u0435v allow h2;",
  "#csync2rev \u0430llow h2;",
  "#csync2rev: \u0430ll\u043ew h2;",
  "#\uff43\uff53\uff59\uff4e\uff43\uff12\uff52\uff45\uff56 allow h2;",
  "#csync\u00b2rev allow h2;",
  "#cs\u00fdnc2rev allow h2;",
  "#csyncrev allow h2;",
  "#csync2ref allow h2;",
  "#csync2reb allow h2;",
  "#cysnc2rev allow h2;",
  "#csycn2rve allow h2;",
  "#csync2-rev allow h2;",
  "#csync-2-rev allow h2;",
  "# csync2 rev allow h2;",
  "#c s y n c 2 r e v allow h2;",
  "#csync2rev: only h2;",
  "#csync2rev: h2;",
  "#csync2rev: web9;",
  "# csync2rev h2 web-1.example.com",
  "# csync2rev web*",
  "# csync2rev alow h2;",
  "# csync2rev alow",
  "# csync2rev allwo h2 peer1",
  "# csync2rev allow-list h2",
  "# csync2rev allow-from h2",
  "#csync2rev: allow-from h9;",
  "#csync2rev: do not allow anybody;",
  "#csync2rev: nobody",
  "# csync2rev hosts: h2, peer1",
  "# csync2rev deny *;",
  "#!csync2rev deny h2;",
  "#@csync2rev allow h2;",
  "##csync2rev allow h2;",
  "# # csync2rev allow h2;",
  "# -- csync2rev allow h2; -- since May",
  "#csync2rev: allow h2; # since May",
  '#"csync2rev allow h2;"',
  "# [csync2rev] allow = h2",
];

for (const comment of MEANT)
  test(`${JSON.stringify(comment)} was meant as a directive: a fault`, () => {
    assertFault(comment);
  });

const PROSE = [
  "#",
  "# ",
  "# ----------",
  "# csync2",
  "# csync2 configuration",
  "# csync2 key",
  "# csync2 dev",
  "# csync2 on h2",
  "# csync2.cfg of h1 and h2;",
  "# csync2d",
  "# csync: h2",
  "# sync h2;",
  "# allow h2;",
  "# csync2revision 4",
  "# csync2revive",
  "# csync2rev listens on 30866",
  "# csync2rev is used here",
  "# csync2rev is great; see its manual page",
  "# csync2rev 1.1.0",
  "# csync2rev(8) has more",
  "# csync2rev also pushes what h2 has missed",
  "# csync2rev all in all is good",
  "# csync2rev allows each member to ask",
  "# csync2rev only pushes what is dirty",
  "# csync2rev may ask h2 and h3 too",
  "# csync2rev not in use on h2",
  "# csync2rev hosts are named here",
  "# csync2rev's allow-list is below",
  "# csync2rev allow-list: see the wiki",
  "# csync2rev.ini has the port",
  "# csync2rev --others asks every member at boot;",
  "# the line below is for csync2rev: allow h2;",
  "# see csync2rev allow in the manual",
  "# \u00fcber csync2rev steht mehr im Wiki",
  "# Rechner f\u00fcr csync2rev allow h2",
  "# host h3 is gone",
  "# h2;",
  "# include /srv/old;",
  "# key /etc/csync2.key_old;",
  "# auto younger;",
];

for (const comment of PROSE)
  test(`${JSON.stringify(comment)} stays a remark`, () => {
    const cfg = load(comment);
    assert.equal(cfg.fault, null);
    assert.equal(cfg.groups[0]?.allow, null);
  });

test("bytes that are no UTF-8 hide nothing", () => {
  assertFault(Buffer.from("#csync2rev\xa0allow h2;", "latin1"));
  assertFault(Buffer.from("#csync2r\xe9v allow h2;", "latin1"));
  assertFault(Buffer.concat([Buffer.from("#\u0441\u0455\u0443n\u04412rev allow h2;"), Buffer.from([0xe4])]));
});

test("the error names a look-alike, and points at the first character that is wrong", () => {
  const message = (comment: string): string => load(comment).fault?.message ?? "";
  assert.match(
    message("#csync2rev:allow h2;"),
    /:4:11: found "#csync2rev:allow h2;", which looks like a #csync2rev line/,
  );
  assert.match(message("#\u0441sync2rev allow h2;"), /:4:2: .*\(the character here is U\+0441\)/);
  assert.match(message("#csync2rev\u00a0allow h2;"), /:4:11: .*\(the character here is U\+00A0\)/);
});

test("outside of a group, in an included file and within quotes it is a fault as well", () => {
  writeFileSync(join(directory, "part"), "# csync2rev allow h2;\n");
  for (const text of [
    "# csync2rev allow h2;\ngroup g { host h1; key k; }",
    `config ${directory}/part; group g { host h1; key k; }`,
    `group g { host h1; key k; include "/srv;\n# csync2rev allow h2;\ninclude /x"; }`,
    `group g { host h1; key k; include "/srv;#\n#csync2rev: only h1;\ninclude /x"; }`,
    "group g { host h2; key k;\n# csync2rev: h1;\n}",
  ]) {
    writeFileSync(join(directory, "csync2.cfg"), text);
    const cfg = loadCsync2Cfg({ systemDirectory: directory, configName: "", hostname: "h1" });
    assert.equal(cfg.fault?.code, "directive", text);
  }
});

const blank = fc.constantFrom(" ", "  ", "\t", "\u00a0", "\u2003", "\u3000", "\u200b ", "\ufeff ");
const punctuation = fc.constantFrom("", ":", " :", "=", "-", "_", ".", "!", "()", " -> ", "/");
const LOOK_ALIKES: Readonly<Record<string, string>> = {
  ...{
    c: "\u0441\u03f2\uff43\u217d\u1d04",
    s: "\u0455\uff53\ua731\u017f",
    y: "\u0443\uff59\u028f",
    n: "\uff4e\u0274",
  },
  ...{
    "2": "\uff12\u00b2\u2082",
    r: "\u0433\uff52\u0280",
    e: "\u0435\uff45\u0451\u00e9",
    v: "\u0475\uff56\u03bd\u1d20",
  },
};

/** `csync2rev` in another spelling. */
const spelling = fc
  .tuple(
    fc.array(fc.tuple(fc.boolean(), fc.nat()), { minLength: 9, maxLength: 9 }),
    fc.array(
      fc.tuple(
        fc.nat(8),
        fc.constantFrom("change", "drop", "add", "swap"),
        fc.constantFrom("a", "b", "d", "f", "x", "z", "3"),
      ),
      {
        maxLength: 2,
      },
    ),
    fc.boolean(),
  )
  .map(([disguises, slips, plain]) => {
    const letters = Array.from("csync2rev", (letter, index) => {
      const [upper = false, which = 0] = disguises[index] ?? [];
      const alike = Array.from(LOOK_ALIKES[letter] ?? "");
      if (plain || which % 3 !== 0) return upper && !plain ? letter.toUpperCase() : letter;
      return alike[which % alike.length] ?? letter;
    });
    // From right to left, and apart: one slip in another's place would make a third.
    const apart = slips.filter(([at], index) => index === 0 || Math.abs(at - (slips[0]?.[0] ?? 0)) > 2);
    for (const [at, slip, letter] of apart.sort(([one], [other]) => other - one)) {
      if (slip === "change") letters.splice(at, 1, letter);
      else if (slip === "drop") letters.splice(at, 1);
      else if (slip === "add") letters.splice(at, 0, letter);
      else letters.splice(at, 2, ...letters.slice(at, at + 2).reverse());
    }
    return letters.join("");
  });
const command = fc.constantFrom("allow", "Allow", "ALLOW", "\u0430llow", "deny", "permit");
const hosts = fc.array(fc.constantFrom("h1", "h2", "H2", "peer1", "web*", "web-1.example.com", "other"), {
  maxLength: 3,
});

test("no generated near miss is served in silence", () => {
  const nearMiss = fc
    .tuple(
      fc.constantFrom("#", "##", "#!", "# #"),
      fc.option(blank),
      spelling,
      punctuation,
      blank,
      command,
      blank,
      hosts,
      fc.constantFrom(";", "", " ;", ","),
    )
    .map(
      ([begin, gap, name, mark, space, verb, next, names, end]) =>
        `${begin}${gap ?? ""}${name}${mark}${space}${verb}${next}${names.join(" ")}${end}`,
    );
  const bare = fc
    .tuple(
      fc.constantFrom("#", "##", "#!"),
      fc.option(blank),
      spelling,
      fc.constantFrom("", ";", ":", "!", " ;", ": "),
    )
    .map(([begin, gap, name, end]) => `${begin}${gap ?? ""}${name}${end}`);
  const commandless = fc
    .tuple(
      fc.constantFrom("#", "# "),
      spelling,
      punctuation,
      blank,
      fc.array(fc.constantFrom("h2", "PEER1", "web*"), { minLength: 1, maxLength: 3 }),
      fc.constantFrom("", ";"),
    )
    .map(
      ([begin, name, mark, space, names, end]) => `${begin}${name}${mark}${space}${names.join(", ")}${end}`,
    );
  fc.assert(
    fc.property(fc.oneof(nearMiss, bare, commandless), (comment) => {
      const cfg = load(comment);
      // The right spelling is among what is made.
      if (/^#csync2rev[ \t]/.test(comment) && cfg.fault === null) return;
      assertFault(comment);
    }),
    { numRuns: Number(process.env["CSYNC2REV_RUNS"] ?? 1500) },
  );
});
