import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, test } from "node:test";
import { debianRoot } from "./root.ts";

// The tests do not care what their machine has installed: npm run test:machines. Needs root.

const TOP = join(import.meta.dirname, "../..");
const ENTER = join(import.meta.dirname, "enter.sh");

const MACHINES = {
  "a machine that csync2 was never on": [],
  "an administrator's machine, with csync2 and openbsd-inetd": ["csync2", "libsqlite3-0", "openbsd-inetd"],
  "an administrator's machine, with csync2 and xinetd": ["csync2", "libsqlite3-0", "xinetd"],
};

/** Runs Node.js with these arguments in this project's folder on a machine. */
function runOn(root: string, args: readonly string[]): void {
  const enter = ["--mount", "--pid", "--fork", "--kill-child", "bash", ENTER, root, TOP, process.execPath];
  const command = ["node", "--import", "tsx", ...args];
  const { status, stdout, stderr } = spawnSync("unshare", [...enter, ...command], { encoding: "utf8" });
  assert.equal(status, 0, `${stdout}${stderr}`);
}

for (const [machine, packages] of Object.entries(MACHINES))
  describe(machine, () => {
    const run = async (...args: readonly string[]): Promise<void> => {
      runOn(await debianRoot("bookworm", packages), args);
    };

    test("has what csync2 makes of csync2.cfg to compare with", () =>
      run("--test", "test/csync2cfg/agreement.test.ts"));

    test("has hosts with csync2, inetd and xinetd", () => run("--test", "test/cluster/cluster.test.ts"));

    test("shows the demo", () => run("demo/demo.ts"));
  });

for (const [name, suite] of Object.entries({ "Debian 11": "bullseye", "Debian 13": "trixie" }))
  test(`${name}: its own csync2 and util-linux, and busybox`, async () => {
    runOn(await debianRoot(suite, []), ["--test", "test/field/programs.test.ts"]);
  });
