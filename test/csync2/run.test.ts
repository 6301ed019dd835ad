import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { ThisHost } from "../../src/host.ts";
import { readCsync2 } from "../../src/csync2/run.ts";
import { LIST_FILES } from "../../src/csync2/verbs.ts";
import { DEFAULT_SETTINGS } from "../../src/settings.ts";

test("two that end at the same moment, each of which is ended because the other has, are no error", async () => {
  const directory = mkdtempSync(join(tmpdir(), "csync2rev-run-"));
  try {
    const file = (name: string): string => join(directory, name);
    // Closes its output, says so by a file named after its pid, and ends once it is told to.
    const stub = [
      "#!/bin/sh",
      "exec >&- 2>&-",
      `: >${directory}/$$.closed`,
      `until [ -e ${directory}/go ]; do sleep 0.01; done`,
    ];
    writeFileSync(file("csync2"), stub.map((line) => `${line}\n`).join(""), { mode: 0o755 });
    const host = {
      config: "",
      systemDirectory: directory,
      settings: { ...DEFAULT_SETTINGS, csync2: file("csync2") },
    } as unknown as ThisHost;
    const stops = [new AbortController(), new AbortController()];
    const ends = stops.map(async ({ signal }, i) => {
      const end = await readCsync2(host, LIST_FILES, {}, { stop: signal });
      stops[1 - i]?.abort();
      return end;
    });
    const pids = (): string[] =>
      readdirSync(directory).flatMap((name) => (name.endsWith(".closed") ? [name.slice(0, -7)] : []));
    while (pids().length < 2) await sleep(10);
    await sleep(100);

    writeFileSync(file("go"), "");
    // Node hears of both at once, since it is kept busy until both have ended.
    const hasEnded = (pid: string): boolean =>
      !existsSync(`/proc/${pid}`) || readFileSync(`/proc/${pid}/stat`, "latin1").includes(" Z ");
    while (!pids().every(hasEnded));
    assert.deepEqual(await Promise.all(ends), [
      { kind: "exited", exit: 0 },
      { kind: "exited", exit: 0 },
    ]);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
