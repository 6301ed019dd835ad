import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { mayAsk } from "../../src/csync2cfg/directive.ts";
import { Matcher } from "../../src/csync2cfg/fnmatch.ts";
import { loadCsync2Cfg } from "../../src/csync2cfg/load.ts";
import type { Csync2Cfg } from "../../src/csync2cfg/model.ts";

const directory = mkdtempSync(join(tmpdir(), "csync2rev-"));
writeFileSync(join(directory, "k"), "k".repeat(64));

after(() => {
  rmSync(directory, { recursive: true });
});

function load(text: string): Csync2Cfg {
  writeFileSync(join(directory, "csync2.cfg"), text, "latin1");
  return loadCsync2Cfg({ systemDirectory: directory, configName: "", hostname: "h1" });
}

/** A group with these comments. */
const group = (...lines: string[]): string =>
  `group g {\nhost h1 h2 Web1@Peer1;\nkey k;\n${lines.join("\n")}\n}\n`;

/** The allow-list that the lines make, which must be without fault. */
function allow(...lines: string[]): readonly string[] | null {
  const cfg = load(group(...lines));
  assert.equal(cfg.fault, null);
  return cfg.groups[0]?.allow ?? null;
}

/** The first line of the fault, from its place on. */
function fault(text: string): string {
  const error = load(text).fault;
  assert.equal(error?.code, "directive");
  return error.message.replace(`${directory}/csync2.cfg:`, "").split("\n")[0] ?? "";
}

test("no line: everyone", () => {
  assert.equal(allow(), null);
  assert.equal(allow("# csync2rev is used here", "#csync2revision", "#"), null);
});

test("lines add up, and a line without patterns adds nobody", () => {
  assert.deepEqual(allow("#csync2rev allow h2;"), ["h2"]);
  assert.deepEqual(allow("#csync2rev allow h2 w*;", "#csync2rev\t allow  Peer1\t;  "), ["h2", "w*", "Peer1"]);
  assert.deepEqual(allow("#csync2rev allow;"), []);
  assert.deepEqual(allow("#csync2rev allow ;", "#csync2rev allow h2 ; # since May"), ["h2"]);
  assert.deepEqual(allow("#csync2rev allow h\xc3\xa4*;\r"), ["hä*"]);
});

test("a line counts wherever the block's comments can be", () => {
  assert.deepEqual(
    load(
      "group g {#csync2rev allow h2;\nhost h1 #csync2rev allow h3;\nh2; key k; action {\n#csync2rev allow h4;\n}}".replace(
        "}}",
        "} }",
      ),
    ).groups[0]?.allow,
    ["h2", "h3", "h4"],
  );
  writeFileSync(join(directory, "part"), "#csync2rev allow h2;");
  assert.deepEqual(allow(`config ${directory}/part;`), ["h2"]);
});

test("each group has its own", () => {
  const cfg = load(`${group("#csync2rev allow h2;")}${group()}${group("#csync2rev allow;")}`);
  assert.deepEqual(
    cfg.groups.map((each) => each.allow),
    [["h2"], null, []],
  );
});

const FAULTS: readonly [line: string, message: string][] = [
  ["#csync2rev ", `4:12: found nothing, expected "allow"`],
  ["#csync2rev alow h2;", `4:12: found "alow", expected "allow"`],
  ["#csync2rev Allow h2;", `4:12: found "Allow", expected "allow"`],
  ["#csync2rev deny h2;", `4:12: found "deny", expected "allow"`],
  ["#csync2rev allow h2", `4:20: found the end of the line, expected a pattern or ";"`],
  ["#csync2rev allow", `4:17: found the end of the line, expected a pattern or ";"`],
  ["#csync2rev allow h2; h3;", `4:22: found "h3;", expected nothing after ";"`],
  ["#csync2rev allow h2, h3;", `4:18: found "h2,", expected a pattern: blanks separate patterns, not commas`],
  [
    '#csync2rev allow "h2";',
    `4:18: found "\\"h2\\"", expected a pattern: no quotes around it`.replaceAll("\\", ""),
  ],
  [
    "#csync2rev allow !h2;",
    `4:18: found "!h2", expected a pattern: "!" has no meaning here, name the hosts that may ask`,
  ],
  [
    "#csync2rev allow h2@p;",
    `4:18: found "h2@p", expected a pattern: write only one of the two names beside "@", without parentheses`,
  ],
  ["#csync2rev allow h[1-3;", `4:18: found "h[1-3", expected a pattern: its "[" has no "]"`],
  [
    "#csync2rev allow h[[:digits:]];",
    `4:18: found "h[[:digits:]]", expected a pattern: "[:digits:]" is an unknown character class`,
  ],
  ["#csync2rev allow h2\\;", `4:18: found "h2\\", expected a pattern: nothing follows its "\\"`],
  ["#csync2rev allow h2#;", `4:18: found "h2#", expected a pattern: a comment may only follow the ";"`],
  [
    "#csync2rev allow h\x002;",
    String.raw`4:18: found "h\x002", expected a pattern: it contains a control character`,
  ],
  [
    `#csync2rev allow ${"h".repeat(256)};`,
    `4:18: found "${"h".repeat(60)}…", expected a pattern: it is longer than 255 bytes`,
  ],
];

for (const [line, message] of FAULTS) {
  test(`fault: ${JSON.stringify(line)}`, () => {
    const found = fault(group(line));
    assert.equal(found.slice(0, message.length), message);
  });
}

test("a fault leaves the groups in place, and the first one is told", () => {
  const cfg = load(group("#csync2rev allow h2;", "#csync2rev one", "#csync2rev two"));
  assert.match(cfg.fault?.message ?? "", /:5:12: found "one"/);
  assert.equal(cfg.groups.length, 1);
});

test("outside of a group a line is a fault, also in a file that this host has no group in", () => {
  const outside =
    /^\d+:\d+: found "#csync2rev allow h2;" outside of a group, expected it between the "\{" and the "\}" of one$/;
  assert.match(fault(`#csync2rev allow h2;\n${group()}`), outside);
  assert.match(fault(`${group()}#csync2rev allow h2;`), outside);
  assert.match(fault("group g #csync2rev allow h2;\n{ host h1; key k; }"), outside);
  assert.match(fault("prefix p {\n#csync2rev allow h2;\n}"), outside);
  assert.match(fault("group g { host h2; key k;\n#csync2rev alow h2;\n}"), /found "alow"/);
});

test("a line that a missing quote swallows is a fault", () => {
  const text = group('include "/srv;', "#csync2rev allow h2;", 'include /x";');
  assert.match(
    fault(text),
    /^5:1: found "#csync2rev allow h2;" within quotes, expected a comment of its own/,
  );
});

test("within quotes a near miss is a fault too", () => {
  assert.match(
    fault(group('include "/srv;', "#CSYNC2REV: allow h2;", 'include /x";')),
    /^5:1: found "#CSYNC2REV: allow h2;" within/,
  );
});

test("other doubts are warned of", () => {
  const warning = (...lines: string[]): string =>
    load(group(...lines))
      .warnings.map(({ place, message }) => `${place.line}:${place.column}: ${message.split("\n")[0] ?? ""}`)
      .join("|");
  assert.match(
    warning("#csync2rev allow web2;"),
    /^1:1: found "#csync2rev allow" with "web2", expected a pattern that matches a host of group "g"/,
  );
  assert.match(warning("host h5, h6;"), /^4:6: found host "h5,"/);
  assert.match(warning("host h5:h6;"), /^4:6: found host "h5:h6"/);
  assert.match(warning("host h5@10.0.0.5:30865;"), /^4:6: found host "10\.0\.0\.5:30865"/);
  assert.equal(warning("host h5@fd00::1 fe80::1%eth0 ::1;"), "");
  assert.match(
    warning("include %p%/x;"),
    /^4:9: found prefix "p", expected one that is defined for this host/,
  );
  assert.equal(warning("#csync2rev allow web* H2 peer?;", "include /x;"), "");
});

test("a comma after this host's own name is warned of, though it takes the host out of the group", () => {
  const cfg = load("group g { host h1, h2; key k; }");
  assert.deepEqual(cfg.groups, []);
  assert.match(
    cfg.warnings.map(({ message }) => message).join(),
    /^found host "h1,", expected blanks between hosts/,
  );
});

test("who may ask", () => {
  const host = { hostname: "web1", peername: "net-b.example.com" };
  const may = (...allowed: string[]): boolean => mayAsk({ allow: allowed }, host);
  assert.equal(mayAsk({ allow: null }, host), true);
  assert.equal(may(), false);
  for (const pattern of [
    "web1",
    "WEB1",
    "web?",
    "*",
    "w*1",
    "*.EXAMPLE.com",
    "net-[a-c].*",
    "[!x]eb1",
    "[[:alpha:]]*",
  ]) {
    assert.equal(may(pattern), true, pattern);
    assert.equal(may("nobody", pattern), true, pattern);
  }
  for (const pattern of [
    "web",
    "eb1",
    "web1?",
    "web",
    "web1@net-b.example.com",
    "net-b",
    "w*2",
    "[!w]eb1",
    "",
    "\\*",
  ]) {
    assert.equal(may(pattern), false, pattern);
  }
});

test("matching takes no longer for a bad pattern", () => {
  const matcher = new Matcher(`${"a*".repeat(120)}b`, true);
  assert.equal(matcher.matches("a".repeat(100_000)), false);
  assert.equal(matcher.matches(`${"a".repeat(100_000)}b`), true);
});

test("a name without special characters matches itself and nothing else", () => {
  const name = fc.stringMatching(/^[a-z0-9.-]{1,20}$/);
  fc.assert(
    fc.property(name, name, (one, other) => {
      assert.equal(new Matcher(one, true).matches(one.toUpperCase()), true);
      assert.equal(new Matcher(one, true).matches(other), one === other);
      assert.equal(new Matcher(`${one}*`, false).matches(one + other), true);
      assert.equal(new Matcher(`*${other}`, false).matches(one + other), true);
      assert.equal(
        new Matcher(`*${one}?*`, false).matches(other + one),
        (other + one).slice(0, -1).includes(one),
      );
    }),
  );
});
