import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { loadCsync2Cfg } from "../../src/csync2cfg/load.ts";
import { Csync2revError } from "../../src/errors.ts";

const directory = mkdtempSync(join(tmpdir(), "csync2rev-"));
const KEY_TEXT = "SecretSecretSecretSecretSecretSecret";
const FILES = {
  k: `${KEY_TEXT}\n`,
  short: "SecretSecret\n",
  crlf: `${KEY_TEXT}\r\n`,
  blank: `${KEY_TEXT} \t\u00a0\n`,
  gap: `${KEY_TEXT} Secret\n`,
  dash: `${KEY_TEXT}-Secret \n`,
  empty: "",
  loop: `config ${directory}/loop;\n`,
  part: "host h2;\n};\n",
};
for (const [name, text] of Object.entries(FILES)) writeFileSync(join(directory, name), text);

after(() => {
  rmSync(directory, { recursive: true });
});

/** The error of a csync2.cfg, with `CODE ` before it and without the directory's name; "taken" if there is none. */
function said(text: string): string {
  writeFileSync(join(directory, "csync2.cfg"), text.replaceAll("$DIR", directory), "latin1");
  try {
    loadCsync2Cfg({ systemDirectory: directory, configName: "", hostname: "h1" });
    return "taken";
  } catch (error) {
    assert.ok(error instanceof Csync2revError, String(error));
    return `${error.code} ${error.message.replaceAll(`${directory}/`, "")}`;
  }
}

/** The first line of the message. */
function headline(text: string): string {
  return said(text).split("\n")[0] ?? "";
}

test("the place, what was found, what was expected, the line and a caret", () => {
  assert.equal(
    said("group web {\n\thost h1\n\tkey /etc/key;\n}\n"),
    [
      `config-syntax csync2.cfg:2:9: found the keyword "key" on line 3, expected a host or ";" here: is a ";" missing?`,
      "   host h1",
      "          ^",
    ].join("\n"),
  );
});

const MISTAKES: readonly [text: string, headline: string][] = [
  [
    "group g{\n key k; }",
    `config-syntax csync2.cfg:1:7: found "g{", expected a name and "{": write "g {", csync2 takes a brace without blanks as part of a word`,
  ],
  [
    "group g {host h1; key k; }",
    `config-syntax csync2.cfg:1:9: found "{host", expected "{": write "{ host", csync2 takes a brace without blanks as part of a word`,
  ],
  [
    "group g { key k; }}",
    `config-syntax csync2.cfg:1:18: found "}}", expected a statement or "}": write "} }", csync2 takes a brace without blanks as part of a word`,
  ],
  ["group g { key k; };", `config-syntax csync2.cfg:1:19: found ";", expected a block: no ";" follows "}"`],
  [
    "group g { action { }; key k; }",
    `config-syntax csync2.cfg:1:21: found ";", expected a statement or "}": no ";" follows "}"`,
  ],
  [
    "mygroup {\n host h1;\n}",
    `config-syntax csync2.cfg:1:1: found "mygroup", expected a block: to begin a group write "group mygroup {"`,
  ],
  [
    "mygroup{ host h1; }",
    `config-syntax csync2.cfg:1:1: found "mygroup{", expected a block: to begin a group write "group mygroup {"`,
  ],
  [
    "group g {\n key /k\n include /x;\n}",
    `config-syntax csync2.cfg:2:8: found the keyword "include" on line 3, expected ";" here: is a ";" missing?`,
  ],
  [
    "group g {\n key k;\n include /x\n}",
    `config-syntax csync2.cfg:3:12: found "}" on line 4, expected a pattern or ";" here`,
  ],
  [
    "group host { key k; }",
    `config-syntax csync2.cfg:1:7: found the keyword "host", expected a name or "{": a name that is a keyword needs quotes, "host" with them`,
  ],
  [
    "group g { host h1 key; key k; }",
    `config-syntax csync2.cfg:1:19: found the keyword "key", expected a host or ";": is a ";" missing? Or else a name that is a keyword needs quotes, "key" with them`,
  ],
  [
    "prefix p {\n on h1: srv;\n}",
    `config-syntax csync2.cfg:2:9: found "srv", expected a path that begins with "/"`,
  ],
  [
    "prefix p {\n on h1:/srv;\n}",
    `config-syntax csync2.cfg:2:5: found "h1:/srv", expected a host pattern, ":" and a path: write "h1: /srv", with a blank after the colon`,
  ],
  [
    "group web {\n host h1;\n}",
    `config-syntax csync2.cfg:1:1: found no key in group "web", expected one: write "key FILE;" in its block, and "csync2 -k FILE" makes the file`,
  ],
  [
    "group web {\n key k;\n key k;\n}",
    `config-syntax csync2.cfg:3:6: found a second key for group "web", expected one: the first is on line 2`,
  ],
  [
    "group g { key short; }",
    `key csync2.cfg:1:15: found key file "short", expected 32 or more characters in its first line: it has 12, "csync2 -k FILE" makes a new one`,
  ],
  [
    `group g { key ${KEY_TEXT}; }`,
    `key csync2.cfg:1:15: found what looks like a key, expected the name of a file that holds it: there is no such file`,
  ],
  [
    "group g { key crlf; }",
    `key csync2.cfg:1:15: found key file "crlf", expected only [A-Za-z0-9._] in its first line: character 37 is a blank at its end, a carriage return as Windows editors write it`,
  ],
  [
    "group g { key blank; }",
    `key csync2.cfg:1:15: found key file "blank", expected only [A-Za-z0-9._] in its first line: character 37 is a blank at its end`,
  ],
  [
    "group g { key gap; }",
    `key csync2.cfg:1:15: found key file "gap", expected only [A-Za-z0-9._] in its first line: character 37 is a blank`,
  ],
  [
    "group g { key dash; }",
    `key csync2.cfg:1:15: found key file "dash", expected only [A-Za-z0-9._] in its first line: character 37 is not one of these`,
  ],
  [
    "group g { key empty; }",
    `key csync2.cfg:1:15: found key file "empty", expected a key in it: it is empty, "csync2 -k FILE" makes a new one`,
  ],
  [
    "group g { key gone; }",
    `key csync2.cfg:1:15: found key file "gone", expected one that can be read (csync2 reads the keys of all groups, also of those without this host): there is no such file`,
  ],
  [
    "group g { host h2; key gone; }",
    `key csync2.cfg:1:24: found key file "gone", expected one that can be read (csync2 reads the keys of all groups, also of those without this host): there is no such file`,
  ],
  [
    "group g {\n key k;\n config $DIR/part;\n}",
    `config-syntax part:2:2: found ";", expected a block: no ";" follows "}"`,
  ],
  [
    "config $DIR/loop;",
    `config-syntax loop:1:8: found "loop" included 11 deep, expected 10 at most: check whether a file includes itself`,
  ],
  [
    "config $DIR/gone;",
    `config-unreadable csync2.cfg:1:8: found included file "gone", expected one that can be read: there is no such file`,
  ],
  [
    "config $DIR/k\n\ngroup g { }",
    `config-syntax k:1:1: found what looks like a key, expected configuration: check whether it is a key file`,
  ],
  [
    "config $DIR/empty\ngroup g { }",
    `config-unreadable csync2.cfg:2:1: found included file "group", expected one that can be read: there is no such file; check for a missing ";" after the "config" statement; csync2 looks for it in the working directory, "${process.cwd()}"`,
  ],
  [
    "host h1;",
    `config-syntax csync2.cfg:1:1: found the keyword "host", expected a block: "host" belongs in a group, "group NAME { … }"`,
  ],
  [
    "group g { tempdir /x; }",
    `config-syntax csync2.cfg:1:11: found the keyword "tempdir", expected a statement or "}": "tempdir" stands outside of groups; is a "}" missing?`,
  ],
  [
    "group g { exec x; }",
    `config-syntax csync2.cfg:1:11: found the keyword "exec", expected a statement or "}": "exec" belongs in "action { … }"`,
  ],
  [
    "group g { hosts h1; }",
    `config-syntax csync2.cfg:1:11: found "hosts", expected a statement or "}": write "host"`,
  ],
  [
    "\n\ngroup g { key k;\n",
    `config-syntax csync2.cfg:3:17: found the end of the file, expected a statement or "}" that closes the group of line 3`,
  ],
  [
    "group g { key k; } }",
    `config-syntax csync2.cfg:1:20: found "}", expected a block: this "}" closes nothing`,
  ],
  [
    'group g { key k; include "/x; }\n',
    `config-syntax csync2.cfg:2:1: found the end of the file, expected a pattern or ";": the quote of line 1 is not closed`,
  ],
  [
    "group g { auto newest; }",
    `config-syntax csync2.cfg:1:16: found "newest", expected one of none, first, younger, older, bigger, smaller, left, right`,
  ],
  ["ignore mtime;", `config-syntax csync2.cfg:1:8: found "mtime", expected uid, gid or mod`],
  [
    "\xef\xbb\xbfgroup g { }",
    `config-syntax csync2.cfg:1:1: found "\\u{feff}group", expected a block: the file begins with a byte order mark, which csync2 cannot read; save it without one`,
  ],
  [
    "group g { \x1b[31m; }",
    String.raw`config-syntax csync2.cfg:1:11: found "\x1b[31m", expected "host", "key", "include", "exclude", "compare", "auto", "action", "backup-directory", "backup-generations" or "}"`,
  ],
];

for (const [text, expected] of MISTAKES) {
  test(`message for ${JSON.stringify(text)}`, () => {
    assert.equal(headline(text), expected);
  });
}

test("a long line is cut around the caret, and what a terminal would act on is escaped", () => {
  const [, line = "", caret = ""] = said(`group g { ${"x ".repeat(5000)}\x1b[2J${" y".repeat(5000)}`).split(
    "\n",
  );
  assert.match(line, /^ {2}group g \{ (x )+/);
  assert.ok(line.length < 120, line);
  assert.equal(caret.length, "  group g { ^".length);
  const [, far = "", farCaret = ""] = said(`# ${"\xc3\xa4".repeat(300)}\rgroup g { \x07 }`).split("\n");
  assert.equal(Array.from(far).at(farCaret.length - 1), "\\");
  assert.ok(far.includes(String.raw`\x07`) && far.includes("ä") && far.startsWith("  …"), far);
});

test("no message holds a key, and every error is one message of three lines", () => {
  const part = fc.constantFrom(
    "group",
    "g",
    "{",
    "}",
    ";",
    "key k",
    `key ${KEY_TEXT}`,
    `config ${directory}/k`,
    "key short",
    "key crlf",
    "host h1",
    "\n",
    "config",
    '"',
    "#csync2rev x",
    "include /x",
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
      const message = said(parts.join(" "));
      assert.ok(!message.includes("Secret"), message);
      if (message === "taken") return;
      const shape = message.includes("looks like a key")
        ? /^[a-z-]+ [^\n]+:\d+:\d+: found [^\n]+, expected [^\n]+$/
        : /^[a-z-]+ [^\n]+:\d+:\d+: found [^\n]+, expected [^\n]+\n {2}[^\n]*\n {2} *\^$/;
      assert.match(message, shape);
    }),
  );
});
