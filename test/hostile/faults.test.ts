import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { csync2rev, startCluster, type Cluster, type Host } from "../cluster/cluster.ts";
import { asking, connectFrom } from "./programs.ts";

/** Faults that only a broken program has, put into the handler from outside. What it has to say then must not get on the wire. */
const FAULTS: Readonly<Record<string, string>> = {
  "an exception in a timer": `setTimeout(() => { throw new TypeError("injected"); }, 40);`,
  "a rejection that nobody handles": `setTimeout(() => { Promise.reject(new TypeError("injected")); }, 40);`,
  "an exception while csync2.cfg is read": `
    const fs = require("node:fs"), read = fs.readFileSync;
    fs.readFileSync = (file, ...rest) => {
      if (/csync2.cfg$/.test(file)) throw new TypeError("injected");
      return read(file, ...rest);
    };
    require("node:module").syncBuiltinESMExports();`,
  "an exception while the request is opened": `
    const crypto = require("node:crypto");
    crypto.hkdfSync = () => { throw new TypeError("injected"); };`,
  "an exception while csync2 is started": `
    const child = require("node:child_process"), spawn = child.spawn;
    child.spawn = (file, ...rest) => {
      if (!/logger$/.test(file)) throw new TypeError("injected");
      return spawn(file, ...rest);
    };`,
  "warnings and text on stderr": `
    setTimeout(() => { process.emitWarning("injected"); console.error("injected"); throw new TypeError("injected"); }, 40);`,
};

describe("a handler that breaks", () => {
  let cluster: Cluster, h1: Host, h2: Host;
  before(async () => {
    cluster = await startCluster({ hosts: ["h1", "h2"] });
    [h1, h2] = [cluster.host("h1"), cluster.host("h2")];
  });
  beforeEach(() => cluster.reset());
  after(() => cluster.close());

  for (const [what, fault] of Object.entries(FAULTS))
    test(`${what}: nothing of it gets on the wire, all of it into the log`, async () => {
      h2.write("/opt/fault.cjs", `if (process.argv[1]?.endsWith("csync2rev")) {${fault}}`);
      await h2.serve("inetd", [{ ...csync2rev, env: { NODE_OPTIONS: "--require=/opt/fault.cjs" } }]);
      const seal = { key: cluster.key, text: asking("update") };
      const outcomes = await connectFrom(h1, [{ host: "h2", seal, pieces: [20], gap: 200 }]);
      const [{ replies, received } = { replies: [], received: 0 }] = outcomes;
      if (what.includes("started")) assert.deepEqual(replies, [{ type: "accepted", groups: ["cluster"] }]);
      else assert.equal(received, 44);
      await h2.until("it is logged", () =>
        h2.syslog("csync2rev").some(({ message }) => message.includes("injected")),
      );
      const errors = h2.syslog("csync2rev").filter(({ message }) => message.startsWith("event=error"));
      assert.equal(errors.length, 1);
      assert.match(
        errors[0]?.message ?? "",
        /^event=error code=(internal|config-unreadable) message=.*TypeError: injected/,
      );
      await h2.until("it is gone", () => h2.processes().length === 0);
    });
});
