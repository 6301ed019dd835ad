import assert from "node:assert/strict";
import { chmodSync, linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { findSystemDirectory } from "../src/system-directory.ts";

let base: string;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "csync2rev-"));
  for (const name of ["one", "two"]) mkdirSync(join(base, name));
});

afterEach(() => {
  rmSync(base, { recursive: true });
});

function write(name: string, text = ""): void {
  writeFileSync(join(base, name), text, "latin1");
}

/** Puts a program there whose text holds what csync2's help says. */
function install(directory: string): void {
  const help = `\tCSYNC2_SYSTEM_DIR\n\t\tDirectory containing csync2.cfg and other csync2 system files.\n\t\tDefaults to ${directory}.\n`;
  write("csync2", `\x7fELF\0\xff\xfe${help}\0more`);
  chmodSync(join(base, "csync2"), 0o755);
}

/** Finds the directory, with one and two as the usual ones, and without the path before it. */
function find(configName: string, env: NodeJS.ProcessEnv = {}): string {
  const usual = [join(base, "one"), join(base, "two")];
  return findSystemDirectory(configName, env, join(base, "csync2"), usual).replace(`${base}/`, "");
}

test("the directory is the one that the installed csync2 reads, whatever else there is", () => {
  install(join(base, "two"));
  write("one/csync2.cfg");
  write("two/csync2.cfg");
  write("two/csync2_web.cfg");
  assert.equal(find(""), "two");
  assert.equal(find("web"), "two");
});

test("a file in a directory that csync2 does not read is nobody's configuration, and the error says so", () => {
  install(join(base, "two"));
  write("two/csync2.cfg");
  write("one/csync2_web.cfg");
  assert.throws(() => find("web"), {
    code: "config-missing",
    message: /^found no ".*two\/csync2_web\.cfg"\. csync2 does not read ".*one\/csync2_web\.cfg"\. Create it/,
  });
});

test("CSYNC2_SYSTEM_DIR goes before what csync2 was built with", () => {
  install(join(base, "one"));
  write("one/csync2.cfg");
  write("csync2.cfg");
  assert.equal(find("", { CSYNC2_SYSTEM_DIR: base }), base);
  assert.throws(() => find("", { CSYNC2_SYSTEM_DIR: `${base}/two` }), {
    code: "config-missing",
    message: /two\/csync2.cfg", where CSYNC2_SYSTEM_DIR points/,
  });
});

for (const [what, make] of [
  ["no csync2 is found", () => undefined],
  [
    "csync2 is a script",
    () => {
      write("csync2", '#!/bin/sh\nexec /opt/csync2 "$@"\n');
      chmodSync(join(base, "csync2"), 0o755);
    },
  ],
] as const)
  test(`if ${what}, the directory is the usual one that has a csync2.cfg, for every config name`, () => {
    make();
    write("one/csync2_web.cfg");
    assert.throws(() => find("web"), { code: "config-missing", message: /^found no "csync2\.cfg" in / });
    write("two/csync2.cfg");
    assert.equal(find(""), "two");
    assert.throws(() => find("web"), {
      code: "config-missing",
      message: /csync2 does not read ".*one\/csync2_web\.cfg"/,
    });
    write("two/csync2_web.cfg");
    assert.equal(find("web"), "two");
  });

test("two files are one too many then, unless they are the same", () => {
  write("one/csync2.cfg");
  write("two/csync2.cfg");
  assert.throws(() => find(""), {
    code: "config-ambiguous",
    message: /one\/csync2.cfg" and ".*two\/csync2.cfg"/,
  });
  rmSync(join(base, "two/csync2.cfg"));
  symlinkSync("../one/csync2.cfg", join(base, "two/csync2.cfg"));
  assert.equal(find(""), "one");
  rmSync(join(base, "two/csync2.cfg"));
  linkSync(join(base, "one/csync2.cfg"), join(base, "two/csync2.cfg"));
  assert.equal(find(""), "one");
});

test("a file that cannot be looked at counts as there: reading it tells why", () => {
  symlinkSync("csync2.cfg", join(base, "one/csync2.cfg"));
  assert.equal(find(""), "one");
});
