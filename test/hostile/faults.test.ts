import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { ownPlatform } from "../../packaging/bun.ts";
import { bundleForBun } from "../../packaging/bundle.ts";
import { compile } from "../../packaging/standalone.ts";
import {
  csync2rev,
  STANDALONE,
  startCluster,
  type Cluster,
  type Host,
  type Service,
} from "../cluster/cluster.ts";
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
    const concat = Buffer.concat;
    Buffer.concat = (parts) => {
      // The challenge and the nonce.
      if (parts.every(({ length }) => length === 32)) throw new TypeError("injected");
      return concat(parts);
    };`,
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

  const broken = STANDALONE ? compiled() : required();
  for (const [number, what] of Object.keys(FAULTS).entries())
    test(`${what}: nothing of it gets on the wire, all of it into the log`, async () => {
      const service = await broken(h2);
      await h2.serve("inetd", [{ ...service, env: { ...service.env, FAULT: String(number) } }]);
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

/** Code that puts in the fault whose number is in FAULT. */
function injection(): string {
  const cases = Object.values(FAULTS).map((fault, number) => `case "${number}": {${fault}} break;`);
  return `switch (process.env.FAULT) {${cases.join("")}}`;
}

/** Puts a program on a host that has all faults in it. */
type Breaking = (host: Host) => Promise<Service>;

/** Node.js runs it ahead of the bundle. */
function required(): Breaking {
  return async (host) => {
    host.write("/opt/fault.cjs", `if (process.argv[1]?.endsWith("csync2rev")) {${injection()}}`);
    return await Promise.resolve({ ...csync2rev, env: { NODE_OPTIONS: "--require=/opt/fault.cjs" } });
  };
}

/** An executable with it cannot be told to run anything else: it is built in. */
function compiled(): Breaking {
  let program: Buffer | undefined;
  const build = async (): Promise<Buffer> => {
    const folder = mkdtempSync(join(tmpdir(), "csync2rev-broken-"));
    try {
      const file = join(folder, "csync2rev");
      const { program, ...rest } = await bundleForBun();
      compile(ownPlatform(), { program: `${injection()}\n${program}`, ...rest }, file);
      return readFileSync(file);
    } finally {
      rmSync(folder, { recursive: true });
    }
  };
  return async (host) => {
    host.write("/opt/csync2rev", (program ??= await build()), 0o755);
    return { ...csync2rev, command: ["/opt/csync2rev", "-i"] };
  };
}
