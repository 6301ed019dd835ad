import assert from "node:assert/strict";
import { test } from "node:test";
import { Progress } from "../src/cli/progress.ts";
import type { PlannedPeer } from "../src/requester/plan.ts";

/** As far as the progress of a peer looks into it. */
const peerNamed = (name: string): PlannedPeer => ({ name }) as PlannedPeer;

test("without a terminal a line a minute says who is done, and what is waited for", (context) => {
  context.mock.timers.enable({ apis: ["setInterval"] });
  const said: string[] = [];
  context.mock.method(process.stderr, "write", (text: string) => said.push(text));
  const [h2, h3] = [peerNamed("h2"), peerNamed("h\x1b3")];
  const until = new Date(2026, 10, 25, 2, 16);
  const progress = new Progress([h2, h3], { screen: null, verbose: false, periodic: true, until });
  progress.stage(h2, "check", { at: "running", idle: 0, line: null });
  progress.stage(h3, "check", {
    at: "paused",
    answer: { kind: "unreachable", reason: "not-listening", detail: "10.0.0.3 port 30866: refused" },
    seconds: 4.2,
  });
  context.mock.timers.tick(60_000);
  progress.result(h2, { outcome: "caught-up" } as Parameters<Progress["result"]>[1]);
  context.mock.timers.tick(60_000);
  progress.close();
  context.mock.timers.tick(60_000);
  assert.deepEqual(said, [
    "csync2rev: asking 2 peers, until 02:16 at the latest\n",
    "csync2rev: 0 of 2 peers done; h2: checking its files (and 1 more)\n",
    "csync2rev: 1 of 2 peers done; h\\x1b3: nothing listens there; asked again in 5 s, until 02:16 (Ctrl-C shows the result)\n",
  ]);
});
