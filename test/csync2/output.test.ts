import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { LineSplitter } from "../../src/csync2/lines.ts";
import { OutputReader, type Report } from "../../src/csync2/output.ts";

/** The lines here are real csync2's, taken off the cluster. */
function read(stderr: string, stdout = ""): Report {
  const reader = new OutputReader();
  for (const line of stdout.split("\n")) reader.stdout(line);
  for (const line of stderr.split("\n")) reader.stderr(line);
  return reader.report;
}

describe("a push", () => {
  test("counts what was written and deleted, not what was there or stayed", () => {
    const report = read(`Connecting to host h3 (PLAIN) ...
Connect to 10.77.0.3:30865 (h3).
Updating /srv/data on h3 ...
File is already up to date on peer.
Deleting /srv/data/gone on h3 ...
Updating /srv/data/a b on h3 ...
Updating /srv/data/conflict on h3 ...
File stays in dirty state. Try again later...
Updating /srv/data/last on h3 ...
Connection closed.
Finished with 1 errors.`);
    assert.deepEqual([report.updated, report.deleted], [2, 1]);
    assert.equal(report.complaint, "/srv/data/conflict: File stays in dirty state. Try again later...");
    assert.equal(report.passing, undefined);
  });

  test("that finds nobody passes", () => {
    const report = read(`Connecting to host h3 (PLAIN) ...
Can't create socket: Connection refused
ERROR: Connection to remote host \`h3' failed.
Host stays in dirty state. Try again later...
Connection closed.
Finished with 1 errors.`);
    assert.equal(report.passing, "csync2 on the host that asked does not answer");
    assert.equal(report.complaint, "ERROR: Connection to remote host `h3' failed.");
  });

  test("of a busy database passes", () => {
    const report = read("Database backend is exceedingly busy => Terminating (requesting retry).");
    assert.equal(report.passing, "another csync2 holds the database");
  });
});

describe("what csync2 says of a file", () => {
  const cases: readonly (readonly [what: string, said: string, updated: number, deleted: number])[] = [
    ["a name with a newline counts", "Updating /srv/two\nlines on h3 ...\nConnection closed.", 1, 0],
    [
      "what csync2 does not go on from does not count",
      "Updating /srv/a on h3 ...\nRead-error while receiving data.",
      0,
      0,
    ],
    [
      "a refused removal stays, though csync2 says so on one line",
      "Deleting /srv/a on h3 ...\nauto resolving... response = 10File stays in dirty state. Try again later...\nConnection closed.",
      ...([0, 0] as const),
    ],
    [
      "a removal that wins counts once",
      "Deleting /srv/a on h3 ...\nauto resolving... response = 10Auto-resolving conflict: Won 'first' test.\nDeleting /srv/a on h3 ...\nConnection closed.",
      ...([0, 1] as const),
    ],
    [
      "a directory that is missing is made, and its file written",
      "Updating /srv/d/a on h3 ...\nFile stays in dirty state. Try again later...\nmissing parent dir : /srv/d\nMarking file as dirty: /srv/d\nUpdating /srv/d on h3 ...\nUpdating /srv/d/a on h3 ...\nConnection closed.\nFinished with 0 errors.",
      ...([2, 0] as const),
    ],
  ];
  for (const [what, said, updated, deleted] of cases)
    test(what, () => {
      const report = read(said);
      assert.deepEqual([report.updated, report.deleted], [updated, deleted]);
    });

  test("a refused removal is a complaint, not a broken connection", () => {
    const report = read(
      "Deleting /srv/a on h3 ...\nauto resolving... response = 10File stays in dirty state. Try again later...\nUpdating /srv/b on h3 ...\nDo not auto-resolve conflict: Lost 'younger' test.\nFile stays in dirty state. Try again later...\nConnection closed.\nFinished with 2 errors.",
    );
    assert.equal(report.passing, undefined);
    assert.equal(report.complaint, "/srv/b: File stays in dirty state. Try again later...");
  });

  test("the last line that says something is kept", () => {
    const report = read("Connecting to host h3 (SSL) ...\nPeer did provide a wrong SSL X509 cetrificate.");
    assert.equal(report.last, "Peer did provide a wrong SSL X509 cetrificate.");
    assert.equal(report.finished, false);
  });
});

test("lines come whole however they are cut, byte for byte, and no longer than the limit", () => {
  const text = `one\ntwo \xfc\r\u2028\n\n${"x".repeat(50_000)}\nlast`;
  for (const size of [1, 2, 7, 4096, 100_000]) {
    const lines: string[] = [];
    const splitter = new LineSplitter((line) => lines.push(line));
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; at += size) splitter.push(bytes.subarray(at, at + size));
    splitter.end();
    const two = Buffer.from("two \xfc\r\u2028").toString("latin1");
    assert.deepEqual(lines, ["one", two, "", "x".repeat(32_768), "last"]);
  }
});
