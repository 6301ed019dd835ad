import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Csync2revError } from "../../src/errors.ts";
import { DirtyReader, RecordReader, TupleReader, type Recorded } from "../../src/csync2/rows.ts";
import { randomNames, seeded } from "./names.ts";

/** Some rows as csync2 prints them: names as they are. */
function read(reader: { line(line: string): void; end(): void }, text: string): void {
  for (const line of text.split("\n").slice(0, -1)) reader.line(line);
  reader.end();
}

const RECORD = "v1:mtime=1795581025:mode=33188:uid=0:gid=0:type=reg:size=2";
const LINK = "v1:mode=41471:uid=0:gid=0:type=lnk:target=a]b [c".replace(" ", "%20");

describe("whatever bytes are in a name, it is read as it is", () => {
  const random = seeded(7);
  const rows = randomNames(random, 2_000).map((name, i): Recorded => ({
    file: i % 5 === 0 ? `%p%${name}` : name,
    record: i % 3 === 0 ? LINK : RECORD,
  }));

  test("in csync2 -S", () => {
    const found: Recorded[] = [];
    read(
      new RecordReader((row) => found.push(row)),
      rows.map(({ file, record }) => `${record}\t${file}\n`).join(""),
    );
    assert.deepEqual(found, rows);
  });

  test("in csync2 -M", () => {
    const found: string[] = [];
    const text = rows.map(({ file }, i) => `${i % 2 ? "chary" : "force"}\th1\th${i % 2}\t${file}\n`).join("");
    read(new DirtyReader(({ peer, file }) => found.push(`${peer} ${file}`)), text);
    assert.deepEqual(
      found,
      rows.map(({ file }, i) => `h${i % 2} ${file}`),
    );
  });

  test("in csync2 -vv -T", () => {
    const found: Recorded[] = [];
    const text = rows
      .map(({ file, record }) => `Match (+): /srv on ${file}\nFetched tuple from peer: ${file} [${record}]\n`)
      .join("");
    const reader = new TupleReader((row) => found.push(row));
    read(reader, `${text}End of query results: OK (cmd_finished).\n`);
    assert.deepEqual(found, rows);
  });
});

describe("what is no row is an error", () => {
  const cases: readonly (readonly [string, { line(line: string): void; end(): void }, string])[] = [
    ["a fork's list of dirty files", new DirtyReader(() => undefined), "  MOD\th1\th3\t/srv/a\t128\t0\n"],
    ["a list of dirty files without names", new DirtyReader(() => undefined), "chary\th1\th3\n"],
    ["a name that is no path", new DirtyReader(() => undefined), "chary\th1\th3\tsrv/a\n"],
    ["a record of another kind", new RecordReader(() => undefined), "mtime=3\t/srv/a\n"],
    [
      "a name with no end",
      new TupleReader(() => undefined),
      `Fetched tuple from peer: /a\n${"x\n".repeat(40_000)}`,
    ],
  ];
  for (const [what, reader, text] of cases)
    test(what, () => {
      assert.throws(
        () => {
          read(reader, text);
        },
        (error) => error instanceof Csync2revError && error.code === "output",
      );
    });
});

test("a name that goes on with the form of a tuple's end is one name", () => {
  const found: Recorded[] = [];
  const file = `/srv/a [${RECORD}]\nand more`;
  read(
    new TupleReader((row) => found.push(row)),
    `Fetched tuple from peer: ${file} [${RECORD}]\nSQL Query finished.\n`,
  );
  assert.deepEqual(found, [{ file, record: RECORD }]);
});
