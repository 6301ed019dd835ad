// Bytes that nobody meant, a million and more with FUZZ_INPUTS (npm run fuzz), into everything that reads what others wrote.
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { LineSplitter } from "../../src/csync2/lines.ts";
import { DirtyReader, OutputReader } from "../../src/csync2/output.ts";
import { loadCsync2Cfg } from "../../src/csync2cfg/load.ts";
import { Csync2revError } from "../../src/errors.ts";
import { printable } from "../../src/printable.ts";
import { loadSettings } from "../../src/settings.ts";
import { REPLY_BODY_LIMIT, takeFrame } from "../../src/wire/frame.ts";
import { decodeGreeting, decodeReply, decodeRequest, decodeSealedRequest } from "../../src/wire/messages.ts";
import { bytes, keyOf, receiveRequest } from "./receive.ts";
import vectors from "./wire-v1.json" with { type: "json" };

const INPUTS = Number(process.env["FUZZ_INPUTS"] ?? 20_000);
/** Printed, so that a find can be had again. */
const SEED = Number(process.env["FUZZ_SEED"] ?? randomInt(2 ** 32));

const folder = mkdtempSync(join(tmpdir(), "csync2rev-fuzz-"));
after(() => {
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
  "Updating /a on h2 ...\nFile stays in dirty state. Try again later...\n?M: h2 /b\nFinished with 1 errors.\nchary\th1\th2\t/c\nX\th1\th2\t/d\n",
].map((text) => new Uint8Array(Buffer.from(text)));

/** Each reader with what it is fed, and its share of the inputs. */
const readers: readonly (readonly [string, number, readonly Uint8Array[], (input: Uint8Array) => void])[] = [
  ["the handler, in pieces", 0.3, frames, (input) => receiveRequest(pieces(input), key, challenge)],
  ["frames", 0.1, frames, (input) => takeFrame(input, REPLY_BODY_LIMIT)],
  ["the greeting", 0.1, frames, (input) => decodeGreeting(input.subarray(2))],
  ["a sealed request", 0.1, frames, (input) => decodeSealedRequest(input.subarray(2))],
  ["a request", 0.15, texts, (input) => decodeRequest(input)],
  ["a reply", 0.15, texts, (input) => decodeReply(input)],
  ["csync2's lines", 0.05, lines, readLines],
  ["csync2.cfg", 0.025, cfgs, readCfg],
  ["csync2rev.ini", 0.025, inis, readIni],
];

for (const [what, share, seeds, read] of readers)
  test(`${what}: any bytes end in a value or a Csync2revError (seed ${SEED})`, () => {
    const inputs = inputsFrom(seeds, generator(SEED));
    let turnedDown = 0;
    for (let i = 0; i < INPUTS * share; i++) {
      const input = inputs();
      try {
        read(input);
      } catch (error) {
        const hex = Buffer.from(input).toString("hex");
        assert.ok(error instanceof Csync2revError, `${String(error)} for input ${hex}`);
        assert.ok(
          error.message.length < 5000,
          `${error.message.length} characters of message for input ${hex}`,
        );
        turnedDown++;
      }
    }
    if (/frame|greeting|sealed|request|reply|cfg|ini/.test(what))
      assert.ok(turnedDown > 0, "nothing was ever turned down");
  });

function* pieces(input: Uint8Array): Iterable<Uint8Array> {
  const length = 1 + ((input[0] ?? 0) % 7) * 5;
  for (let at = 0; at < input.length; at += length) yield input.subarray(at, at + length);
}

function readLines(input: Uint8Array): void {
  const output = new OutputReader();
  const dirty = new DirtyReader("h2", 20);
  const splitter = new LineSplitter((line) => {
    assert.ok(Buffer.byteLength(line) <= 3 * 8192);
    output.stderr(line);
    output.stdout(line);
    dirty.line(line);
    assert.doesNotMatch(printable(line), /[^\P{Cc}]|[\u202a-\u202e\ufffd]/u);
  });
  for (const piece of pieces(input)) splitter.push(Buffer.from(piece));
  splitter.end();
}

function readCfg(input: Uint8Array): void {
  writeFileSync(join(folder, "key"), vectors.badRequests.groupKey);
  writeFileSync(join(folder, "csync2.cfg"), input);
  const { warnings } = loadCsync2Cfg({ systemDirectory: folder, configName: "", hostname: "h1" });
  for (const { message } of warnings) assert.ok(!message.includes(vectors.badRequests.groupKey));
}

function readIni(input: Uint8Array): void {
  const file = join(folder, "csync2rev.ini");
  writeFileSync(file, input);
  loadSettings(file, true);
}

type Random = (below: number) => number;

/** xorshift32 (Marsaglia 2003): the same inputs for the same seed on every machine. */
function generator(seed: number): Random {
  let state = seed | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** Noise, or one of the seeds with bytes changed, cut out, doubled or put in. */
function inputsFrom(seeds: readonly Uint8Array[], random: Random): () => Uint8Array {
  const noise = (length: number): Uint8Array => Uint8Array.from({ length }, () => random(256));
  const mutations: readonly ((input: Uint8Array, at: number) => Uint8Array)[] = [
    (input, at) => input.with(at, random(256)),
    (input, at) => input.with(at, (input[at] ?? 0) ^ (1 << random(8))),
    (input, at) => Buffer.concat([input.subarray(0, at), input.subarray(at + 1 + random(9))]),
    (input, at) => Buffer.concat([input.subarray(0, at), noise(1 + random(9)), input.subarray(at)]),
    (input, at) => Buffer.concat([input.subarray(0, at), input.subarray(random(at + 1))]),
    (input, at) => input.subarray(0, at),
  ];
  return () => {
    if (random(4) === 0) return noise(random(200));
    let input = seeds[random(seeds.length)] ?? noise(9);
    for (let left = 1 + random(4); left > 0 && input.length > 0; left--)
      input = mutations[random(mutations.length)]?.(input, random(input.length)) ?? input;
    return input;
  };
}
