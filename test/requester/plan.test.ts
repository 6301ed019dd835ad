import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Group } from "../../src/csync2cfg/model.ts";
import { exitStatus, type Outcome } from "../../src/requester/outcome.ts";
import { plan, type Selection } from "../../src/requester/plan.ts";
import { DEFAULT_SETTINGS } from "../../src/settings.ts";

const H3 = { hostname: "h3", settings: DEFAULT_SETTINGS };

/** `hosts` as in a host line; `me` is h3, under whatever peername it has there. */
function group(name: string, hosts: string, key = ""): Group {
  const members = hosts.split(" ").map((word) => {
    const [, open, hostname = "", peername] = /^(\()?([^@)]+)(?:@([^)]+))?/.exec(word) ?? [];
    return { hostname, peername: peername ?? hostname, slave: open !== undefined };
  });
  const me = members.find(({ hostname }) => hostname === "h3");
  assert.ok(me);
  return {
    name,
    place: { file: "csync2.cfg", line: 1, column: 1 },
    me,
    hosts: members,
    key: { file: "", text: key },
    allow: null,
    patterns: [],
    backupDirectory: null,
  };
}

function planned(groups: Group[], selection: Selection = {}): string[] {
  return plan(groups, selection, H3).map(
    ({ name, routes }) => `${name} via ${routes.map((route) => route.group.name).join(", ")}`,
  );
}

describe("the plan", () => {
  test("has every member that may push once, in file order", () => {
    const groups = [group("web", "h2 h1 h3"), group("db", "h1 h4 h3")];
    assert.deepEqual(planned(groups), ["h2 via web", "h1 via web, db", "h4 via db"]);
  });

  test("asks a host again where a group has another key: a request is good for the groups of its key", () => {
    const groups = [group("web", "h1 h3", "K1"), group("db", "h1 h3", "K2"), group("log", "h1 h3", "K1")];
    assert.deepEqual(planned(groups), ["h1 via web, log", "h1 via db"]);
    assert.deepEqual(planned(groups, { groups: ["log"] }), ["h1 via web, log"]);
  });

  test("leaves slaves out, also where this host is one", () => {
    assert.deepEqual(planned([group("web", "h1 (h2) (h3)")]), ["h1 via web"]);
    assert.deepEqual(planned([group("web", "(h2) h3")]), []);
  });

  test("asks a host again where this host has another peername: dirty files are listed under it", () => {
    const groups = [group("web", "h1 h3"), group("db", "h1@h1-db h3@h3-db"), group("log", "h1 h3")];
    assert.deepEqual(planned(groups), ["h1 via web, log", "h1-db via db"]);
  });

  test("keeps to -G and -P, which takes hostnames and peernames", () => {
    const groups = [group("web", "h1 h2@h2-web h3"), group("db", "h1 h4 h3")];
    assert.deepEqual(planned(groups, { groups: ["db"] }), ["h1 via web, db", "h4 via db"]);
    assert.deepEqual(planned(groups, { peers: ["h2", "h4"] }), ["h2-web via web", "h4 via db"]);
    assert.deepEqual(planned(groups, { peers: ["h2-web"] }), ["h2-web via web"]);
    assert.throws(() => plan(groups, { groups: ["www"] }, H3), {
      code: "usage",
      message: /not in a group "www": choose from web, db/,
    });
    assert.throws(() => plan(groups, { peers: ["h9"] }, H3), {
      code: "usage",
      message: /"h9" is not a peer/,
    });
  });

  test("is an error where this host is in no group", () => {
    assert.throws(() => plan([], {}, { ...H3, hostname: "h3.example.org" }), {
      code: "no-group",
      message: /^this host, "h3\.example\.org", is in no group of csync2\.cfg: .* -N$/,
    });
  });
});

test("the exit status is the first that applies of 1, 77, 75, 0", () => {
  const statusOf = (...outcomes: readonly Outcome[]): number =>
    exitStatus(outcomes.map((outcome) => ({ outcome, optional: false })));
  assert.equal(statusOf(), 0);
  assert.equal(statusOf("caught-up", "caught-up"), 0);
  assert.equal(statusOf("caught-up", "busy"), 75);
  assert.equal(statusOf("unreachable"), 75);
  assert.equal(statusOf("unreachable", "refused"), 77);
  assert.equal(statusOf("unanswered", "busy"), 77);
  for (const outcome of ["pending", "failed", "lost"] as const)
    assert.equal(statusOf("refused", outcome, "unreachable"), 1);
});
