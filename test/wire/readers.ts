// Everything that reads bytes that others wrote, each with the good inputs that spoiled ones are made from.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LineSplitter } from "../../src/csync2/lines.ts";
import { OutputReader } from "../../src/csync2/output.ts";
import { DirtyReader, RecordReader, TupleReader } from "../../src/csync2/rows.ts";
import { loadCsync2Cfg } from "../../src/csync2cfg/load.ts";
import { Csync2revError } from "../../src/errors.ts";
import { printable } from "../../src/printable.ts";
import { loadSettings } from "../../src/settings.ts";
import { encodeFrame, REPLY_BODY_LIMIT, takeFrame } from "../../src/wire/frame.ts";
import {
  decodeGreeting,
  decodeReply,
  decodeRequest,
  decodeSealedRequest,
  encodeGreeting,
  encodeReply,
  encodeRequest,
  encodeSealedRequest,
} from "../../src/wire/messages.ts";
import { bytes, keyOf, receiveRequest } from "./receive.ts";
import vectors from "./wire-v1.json" with { type: "json" };

const folder = mkdtempSync(join(tmpdir(), "csync2rev-fuzz-"));
writeFileSync(join(folder, "key"), vectors.badRequests.groupKey);
process.on("exit", () => {
  rmSync(folder, { recursive: true });
});

const key = keyOf(vectors.badRequests.groupKey);
const challenge = bytes(vectors.badRequests.challenge);
const frames = [
  ...vectors.cases.flatMap(({ greetingFrame, requestFrame, replies }) => [
    greetingFrame,
    requestFrame,
    ...replies.map(({ frame }) => frame),
  ]),
  ...vectors.badRequests.frames.map(({ frame }) => frame),
].map(bytes);
const texts = vectors.cases
  .flatMap(({ requestPlaintext, replies }) => [
    requestPlaintext,
    ...replies.map(({ plaintext }) => plaintext),
  ])
  .concat('{"type":"alive","idle":1e400}', '{"__proto__":{"verb":"ping"}}')
  .map((text) => new Uint8Array(Buffer.from(text)));
const cfgs = [
  `nossl * *;\ngroup web {\n host h1 h2@h2-sync (h3);\n key ${folder}/key;\n #csync2rev allow h2;\n include /srv;\n auto younger;\n action { pattern /a; exec "b"; do-local; }\n}\nprefix p { on h1: /q; }\n`,
].map((text) => new Uint8Array(Buffer.from(text)));
const inis = [
  "port = 1\nretries=3\nlog=/var/log/x\n[others]\njobs = 2\ndeadline[]=3\n[__proto__]\na=b\n",
].map((text) => new Uint8Array(Buffer.from(text)));
const lines = [
  "Updating /a on h2 ...\nFile stays in dirty state. Try again later...\n?M: h2 /b\nFinished with 1 errors.\nauto resolving... response = 10File stays in dirty state.\n",
].map((text) => new Uint8Array(Buffer.from(text)));

const rows = [
  "chary\th1\th2\t/c\nforce\th1\th2\t/d\nmore\n",
  "v1:mtime=1:mode=3\t/c\nv1:mode=3\t%p%/d\nmore\n",
  "Match (+): /srv on /c\nFetched tuple from peer: /c [v1:mtime=1:mode=3]\nPeer x509 certificate is: 00\nEnd of query results: OK (\n",
].map((text) => new Uint8Array(Buffer.from(text)));

export interface Reader {
  readonly what: string;
  /** Its share of the inputs. */
  readonly share: number;
  /** Good input, to be spoiled. */
  readonly seeds: readonly Uint8Array[];
  readonly read: (input: Uint8Array) => void;
}

export const READERS: readonly Reader[] = [
  {
    what: "the handler, in pieces",
    share: 0.3,
    seeds: frames,
    read: (input) => receiveRequest(pieces(input), key, challenge),
  },
  { what: "frames", share: 0.1, seeds: frames, read: readFrame },
  { what: "the greeting", share: 0.1, seeds: frames, read: readGreeting },
  { what: "a sealed request", share: 0.1, seeds: frames, read: readSealedRequest },
  { what: "a request", share: 0.15, seeds: texts, read: readRequest },
  { what: "a reply", share: 0.15, seeds: texts, read: readReply },
  { what: "csync2's lines", share: 0.025, seeds: lines, read: readLines },
  { what: "csync2's list of dirty files", share: 0.01, seeds: rows, read: readDirty },
  { what: "csync2's list of records", share: 0.01, seeds: rows, read: readRecords },
  { what: "csync2's comparison", share: 0.005, seeds: rows, read: readTuples },
  { what: "csync2.cfg", share: 0.025, seeds: cfgs, read: readCfg },
  { what: "csync2rev.ini", share: 0.025, seeds: inis, read: readIni },
];

/** Whether a reader takes this input. Throws if it ends in anything but a value or a Csync2revError that is safe to log. */
export function takes({ read }: Reader, input: Uint8Array): boolean {
  try {
    read(input);
    return true;
  } catch (error) {
    const hex = Buffer.from(input).toString("hex");
    assert.ok(error instanceof Csync2revError, `${String(error)} for input ${hex}`);
    assert.ok(error.message.length < 5000, `${error.message.length} characters of message for input ${hex}`);
    return false;
  }
}

/** What is taken comes out again as it went in: nothing in it goes unseen. */
function readFrame(input: Uint8Array): void {
  const taken = takeFrame(input, REPLY_BODY_LIMIT);
  if (taken !== null)
    assert.ok(Buffer.concat([encodeFrame(taken.body), taken.rest]).equals(input), "not what went in");
}

function readGreeting(input: Uint8Array): void {
  const body = input.subarray(2);
  assert.ok(Buffer.from(encodeGreeting(decodeGreeting(body))).equals(body), "not what went in");
}

function readSealedRequest(input: Uint8Array): void {
  const body = input.subarray(2);
  assert.ok(Buffer.from(encodeSealedRequest(decodeSealedRequest(body))).equals(body), "not what went in");
}

/** JSON has many ways to say one thing; what is understood is the same once more. */
function readRequest(input: Uint8Array): void {
  const request = decodeRequest(input);
  assert.deepEqual(decodeRequest(encodeRequest(request)), request);
}

function readReply(input: Uint8Array): void {
  const reply = decodeReply(input);
  const again = decodeReply(encodeReply(reply));
  assert.equal(again.type, reply.type);
}

function* pieces(input: Uint8Array): Iterable<Uint8Array> {
  const length = 1 + ((input[0] ?? 0) % 7) * 5;
  for (let at = 0; at < input.length; at += length) yield input.subarray(at, at + length);
}

function readLines(input: Uint8Array): void {
  const output = new OutputReader();
  eachLine(input, (line) => {
    output.stderr(line);
    output.stdout(line);
  });
  const { complaint, last } = output.report;
  for (const text of [complaint, last])
    if (text !== undefined) assert.doesNotMatch(printable(text), /[^\P{Cc}]|[\u202a-\u202e\ufffd]/u);
}

function eachLine(input: Uint8Array, read: (line: string) => void): void {
  const splitter = new LineSplitter((line) => {
    assert.ok(line.length <= 32_768 && !line.includes("\n"));
    read(line);
  });
  for (const piece of pieces(input)) splitter.push(Buffer.from(piece));
  splitter.end();
}

/** What is read of rows, put together again, is what went in: no byte of a name is lost. */
function readDirty(input: Uint8Array): void {
  let again = "";
  const reader = new DirtyReader(({ peer, file }) => {
    again += `\t${peer}\t${file}\n`;
  });
  eachLine(input, (line) => {
    reader.line(line);
  });
  reader.end();
  const text = whole(input).replace(/^(chary|force)\t[^\t\n]*(?=\t[^\t\n]*\t[/%])/gm, "");
  assert.equal(again, text);
}

function readRecords(input: Uint8Array): void {
  let again = "";
  const reader = new RecordReader(({ record, file }) => {
    again += `${record}\t${file}\n`;
  });
  eachLine(input, (line) => {
    reader.line(line);
  });
  reader.end();
  assert.equal(again, whole(input));
}

function readTuples(input: Uint8Array): void {
  const text = whole(input);
  const reader = new TupleReader(({ record, file }) => {
    assert.ok(text.includes(`Fetched tuple from peer: ${file} [${record}]\n`), "not what went in");
  });
  eachLine(input, (line) => {
    reader.line(line);
  });
  reader.end();
}

/** As bytes, with a newline at its end. */
function whole(input: Uint8Array): string {
  const text = Buffer.from(input).toString("latin1");
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
}

function readCfg(input: Uint8Array): void {
  writeFileSync(join(folder, "csync2.cfg"), input);
  const { warnings } = loadCsync2Cfg({ systemDirectory: folder, configName: "", hostname: "h1" });
  for (const { message } of warnings) assert.ok(!message.includes(vectors.badRequests.groupKey));
}

function readIni(input: Uint8Array): void {
  const file = join(folder, "csync2rev.ini");
  writeFileSync(file, input);
  loadSettings(file, true);
}
