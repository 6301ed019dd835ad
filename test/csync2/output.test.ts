import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { LineSplitter } from "../../src/csync2/lines.ts";
import { DirtyReader, OutputReader, type Report } from "../../src/csync2/output.ts";

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
    assert.equal(report.passing, "csync2 of the host that asked does not answer");
    assert.equal(report.complaint, "ERROR: Connection to remote host `h3' failed.");
  });

  test("of a busy database passes", () => {
    const report = read("Database backend is exceedingly busy => Terminating (requesting retry).");
    assert.equal(report.passing, "another csync2 holds the database");
  });
});

test("a dry run counts each file once, those in directories to come included", () => {
  const report = read(
    `Updating /srv/data/sub on h3 ...
Updating /srv/data/sub/x on h3 ...
File stays in dirty state. Try again later...
missing parent dir : /srv/data/sub
Marking file as dirty: /srv/data/sub/x
Updating /srv/data/sub on h3 ...
Updating /srv/data/sub/x on h3 ...
File stays in dirty state. Try again later...
missing parent dir : /srv/data/sub
Connection closed.
Finished with 1 errors.`,
    `?S: h3              /srv/data
?M: h3              /srv/data/a b
?M: h3              /srv/data/sub
?M: h3              /srv/data/sub
?D: h3              /srv/data/old
!M: h3              /srv/data/forced`,
  );
  assert.deepEqual(
    [...report.wouldUpdate],
    ["/srv/data/a b", "/srv/data/sub", "/srv/data/forced", "/srv/data/sub/x"],
  );
  assert.deepEqual([...report.wouldDelete], ["/srv/data/old"]);
  assert.equal(report.complaint, undefined);
});

test("dirty files are counted for the peer alone, names with newlines included", () => {
  const reader = new DirtyReader("h3", 2);
  const rows = [
    "chary\th1\th3\t/srv/nl",
    "name",
    "chary\th1\th2\t/srv/other",
    "force\th1\th3\t/srv/b",
    "chary\th1\th3\t/srv/c",
    "tail",
  ];
  for (const row of rows) reader.line(row);
  assert.deepEqual([reader.pending, reader.files], [3, ["/srv/nl\nname", "/srv/b"]]);
});

test("lines come whole however they are cut, and no longer than the limit", () => {
  const text = `one\ntwo ü\n\n${"x".repeat(20_000)}\nlast`;
  for (const size of [1, 2, 7, 4096, 100_000]) {
    const lines: string[] = [];
    const splitter = new LineSplitter((line) => lines.push(line));
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; at += size) splitter.push(bytes.subarray(at, at + size));
    splitter.end();
    assert.deepEqual(lines, ["one", "two ü", "", "x".repeat(8192), "last"]);
  }
});
