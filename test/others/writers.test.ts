import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Group, Host } from "../../src/csync2cfg/model.ts";
import type { Difference } from "../../src/csync2/merge.ts";
import { Turn } from "../../src/others/turn.ts";
import { Writers } from "../../src/others/writers.ts";

/** Two peers, and what csync2 says of the files that each pushes; a line in parentheses is a handler's. */
function pushed(...peers: readonly (readonly string[])[]): { writers: Writers; turns: Turn[] } {
  const writers = new Writers();
  const turns = peers.map((lines, i) => {
    const host: Host = { hostname: `h${i + 1}`, peername: `h${i + 1}`, slave: false };
    const turn = new Turn({
      name: host.peername,
      routes: [{ group: { name: "g", me: host } as unknown as Group, peer: host }],
      optional: false,
    });
    const hear = writers.listenTo(turn);
    for (const line of lines) hear(line.startsWith("(") ? line : `Updating ${line} on me ...`);
    hear("Connection closed.");
    return turn;
  });
  return { writers, turns };
}

function explained({ writers, turns }: ReturnType<typeof pushed>, difference: Difference): boolean[] {
  return turns.map((turn) => writers.explain(turn, difference));
}

const newerThere: Difference = { file: "/a", on: "both", newer: "there" };

describe("files that several peers push", () => {
  test("count if two peers have pushed them, unless this host has the newer one", () => {
    const both = pushed(["/a", "/b"], ["/a"]);
    assert.deepEqual(
      both.turns.map((turn) => both.writers.hasShared(turn)),
      [true, true],
    );
    assert.deepEqual(explained(both, newerThere), [true, true]);
    assert.deepEqual(explained(both, { file: "/a", on: "here", newer: "here" }), [true, true]);
    assert.deepEqual(explained(both, { file: "/a", on: "both", newer: "here" }), [false, false]);
    assert.deepEqual(explained(both, { ...newerThere, file: "/b" }), [false, false]);
  });

  test("are told apart by their bytes", () => {
    const two = pushed(["/a\udcff"], ["/a\udcfe"]);
    assert.deepEqual(
      two.turns.map((turn) => two.writers.hasShared(turn)),
      [false, false],
    );
    assert.deepEqual(explained(pushed(["/a\udcff"], ["/a\udcff"]), { ...newerThere, file: "/a\xff" }), [
      true,
      true,
    ]);
  });

  test("count only if newer there, as long as a peer has not named all", () => {
    const cut = pushed(["(7 lines left out: they came faster than they were read)"], ["/a"]);
    assert.deepEqual(
      cut.turns.map((turn) => cut.writers.hasShared(turn)),
      [true, true],
    );
    assert.deepEqual(explained(cut, newerThere), [true, true]);
    assert.deepEqual(explained(cut, { file: "/a", on: "here", newer: "here" }), [false, false]);
    assert.deepEqual(explained(cut, { ...newerThere, file: "/b" }), [false, false]);
  });

  test("are not all kept if a peer gives them long names, and count like those that it has not named", () => {
    const long = Array.from({ length: 25_000 }, (_, i) => `/${"x".repeat(1_900)}/${i}`);
    const [file = ""] = long.splice(-1);
    const two = pushed([...long, file], [file]);
    assert.deepEqual(explained(two, { ...newerThere, file }), [true, true]);
    assert.deepEqual(explained(two, { file, on: "here", newer: "here" }), [false, false]);
  });
});
