import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import * as esbuild from "esbuild";
import { asProcess, connection, converse } from "./catchup/requester.ts";

const PROGRAM = join(import.meta.dirname, "../dist/csync2rev.cjs");

/** What a whole `ping` may load of Node: each costs every request its part of a millisecond. child_process is for logger and csync2. */
const MODULES = ["crypto", "dns/promises", "fs", "net", "os", "path", "timers/promises", "util"];
/** How many of Node's own parts these may bring along, beyond those of an empty program. */
const PARTS = 60;
/** The same for the completion of a name: the shell waits for it. */
const COMPLETION_PARTS = 75;
/**
 * What the handler's side may be, minified, in bytes: V8 parses all of it. 2,000 of them watch a push and close its connection, 1,000
 * wait for files that arrive, 1,700 are for databases on servers and their passwords, 500 tell of a flock that will not do, 4,000 find out
 * whether the recorded files are there, 800 tell of an address that is not seen, and let silence last longer under load.
 */
const BYTES = 127_000;
/** What the whole file may be: Node reads all of it. 1,000 of them keep to deadlines while csync2 hangs, and names within a length. */
const FILE_BYTES = 253_000;

/** Notes what of Node is loaded while the program runs. */
const SPY = `
const Module = require("node:module");
const before = new Set(process.moduleLoadList);
const load = Module._load;
const modules = new Set();
Module._load = function (name, ...rest) {
  if (Module.isBuiltin(name)) modules.add(name.replace(/^node:/, ""));
  return load.call(this, name, ...rest);
};
process.on("exit", () => {
  const parts = process.moduleLoadList.filter((part) => !before.has(part));
  require("fs").writeFileSync(process.env.SPY_REPORT, JSON.stringify({ modules: [...modules].sort(), parts }));
});
`;

describe("the program loads", () => {
  let directory: string;
  const file = (name: string): string => join(directory, name);
  const key = "k".repeat(64);
  before(() => {
    directory = mkdtempSync(join(tmpdir(), "csync2rev-startup-"));
    writeFileSync(file("csync2.cfg"), "group cluster {\n host h1 localhost;\n key csync2.key;\n}\n");
    writeFileSync(file("csync2.key"), `${key}\n`);
    writeFileSync(file("csync2rev.ini"), `hostname = h1\nlog = ${file("log")}\n`);
    writeFileSync(file("spy.cjs"), SPY);
  });
  after(() => {
    rmSync(directory, { recursive: true });
  });

  test("no more of Node, and nothing of the command line's side, for a ping", async () => {
    const { ours, theirs } = await connection();
    const handler = spawn(process.execPath, ["--require", file("spy.cjs"), PROGRAM, "-i", "-N", "h1"], {
      stdio: [theirs, theirs, theirs],
      env: { CSYNC2_SYSTEM_DIR: directory, SPY_REPORT: file("report"), NODE_V8_COVERAGE: file("coverage") },
    });
    const ended = once(handler, "close");
    theirs.destroy();
    const { replies } = await converse(asProcess(ours), { key, verb: "ping", from: "localhost" });
    assert.deepEqual(
      replies.map(({ type }) => type),
      ["accepted", "done"],
    );
    await ended;

    const loaded = loadedFrom(file("report"));
    assert.deepEqual(loaded.modules, MODULES);
    assert.ok(
      loaded.parts.length <= PARTS,
      `${loaded.parts.length} parts of Node: ${loaded.parts.join(", ")}`,
    );
    assert.deepEqual(scriptsOf(file("coverage")), ["csync2rev.cjs"]);
  });

  test("no more of Node to complete a name", () => {
    const args = ["--require", file("spy.cjs"), PROGRAM, "--complete", "peer"];
    const env = { CSYNC2_SYSTEM_DIR: directory, SPY_REPORT: file("completion") };
    assert.equal(execFileSync(process.execPath, args, { env, encoding: "utf8" }), "localhost\n");
    const { parts } = loadedFrom(file("completion"));
    assert.ok(parts.length <= COMPLETION_PARTS, `${parts.length} parts of Node: ${parts.join(", ")}`);
  });

  test("no more bytes than it was given", async () => {
    const { metafile, outputFiles } = await esbuild.build({
      entryPoints: [join(import.meta.dirname, "../src/main.ts")],
      bundle: true,
      minify: true,
      write: false,
      metafile: true,
      platform: "node",
      format: "cjs",
      plugins: [
        {
          name: "without-the-command-line",
          setup: (build) => {
            build.onResolve({ filter: /\/cli\/modes\.ts$/ }, () => ({ path: "cli", external: true }));
          },
        },
      ],
    });
    const packages = Object.keys(metafile.inputs).flatMap(
      (input) => /node_modules\/([^/]+)/.exec(input)?.[1] ?? [],
    );
    assert.deepEqual([...new Set(packages)].sort(), ["ini", "tweetnacl"]);
    const bytes = outputFiles[0]?.contents.length ?? Infinity;
    assert.ok(bytes <= BYTES, `${bytes} bytes`);
    const whole = readFileSync(PROGRAM).length;
    assert.ok(whole <= FILE_BYTES, `${whole} bytes in one file`);
  });
});

/** What the spy has noted. */
function loadedFrom(report: string): { readonly modules: string[]; readonly parts: string[] } {
  return JSON.parse(readFileSync(report, "utf8")) as { modules: string[]; parts: string[] };
}

/** The files of the project, or parts of such, that V8 has compiled. */
function scriptsOf(coverage: string): string[] {
  const scripts = readdirSync(coverage).flatMap((name) => {
    const { result } = JSON.parse(readFileSync(join(coverage, name), "utf8")) as {
      result: { url: string }[];
    };
    return result.map(({ url }) => url);
  });
  const at = `${join(PROGRAM, "..")}/`;
  return scripts.filter((url) => url.includes(at)).map((url) => url.slice(url.indexOf(at) + at.length));
}
