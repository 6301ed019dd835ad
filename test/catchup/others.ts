import assert from "node:assert/strict";
import type { OthersResult } from "../../src/others/others.ts";
import type { PeerResult } from "../../src/requester/outcome.ts";
import type { Host, RunResult } from "../cluster/cluster.ts";

/** What came of one `csync2rev --others --json`. */
export interface CaughtUp extends OthersResult {
  readonly code: number | null;
  readonly stderr: string;
  /** The peers' outcomes, in their order, for comparing at a glance. */
  readonly outcomes: readonly string[];
}

/** Has a host ask the others, to the end. Nothing but what -v shows may be on stderr. */
export async function catchUp(host: Host, ...options: readonly string[]): Promise<CaughtUp> {
  const args = ["--json", "--deadline", "60", ...options];
  const result = read(await host.run(["csync2rev", "--others", ...args]));
  if (!options.includes("-v")) assert.equal(result.stderr, "");
  return result;
}

/** Reads what a `csync2rev --others --json` printed. */
export function read({ code, stdout, stderr }: Omit<RunResult, "signal">): CaughtUp {
  assert.match(stdout, /^\{.*\}\n$/, `code ${String(code)}: ${stdout}${stderr}`);
  const result = JSON.parse(stdout) as OthersResult;
  assert.equal(result.exit, code);
  return { ...result, code, stderr, outcomes: result.peers.map(({ outcome }) => outcome) };
}

/** The result of one peer. */
export function peerOf({ peers }: OthersResult, name: string): PeerResult {
  const found = peers.find(({ peer }) => peer === name);
  assert.ok(found, `no ${name} in ${JSON.stringify(peers)}`);
  return found;
}

/** Asserts that every peer was asked and has delivered all it had: these peers, if they are named. */
export function assertCaughtUp(result: CaughtUp, ...peers: readonly string[]): void {
  assert.equal(result.code, 0, JSON.stringify(result, null, 2));
  const others = result.peers.filter(({ outcome }) => outcome !== "caught-up");
  assert.deepEqual(others, [], JSON.stringify(result, null, 2));
  const names = result.peers.map(({ peer }) => peer);
  assert.deepEqual(names, peers.length > 0 ? peers : names);
  assert.notEqual(names.length, 0, "no peer was asked");
}

/** Asserts what came of each peer, as `outcome` or `outcome/reason`. */
export function assertOutcomes(result: OthersResult, expected: Readonly<Record<string, string>>): void {
  const found = result.peers.map(({ peer, outcome, reason }) => [
    peer,
    reason === null ? outcome : `${outcome}/${reason}`,
  ]);
  assert.deepEqual(Object.fromEntries(found), expected, JSON.stringify(result, null, 2));
}

/** The commands in csync2rev's report that stand behind these words, which must be there. */
export async function advice<const W extends readonly string[]>(
  host: Host,
  words: W,
  ...args: readonly string[]
): Promise<{ [K in keyof W]: string }> {
  const { stdout } = await host.run(["csync2rev", "--others", ...args]);
  return words.map((begin) => {
    const [, command] =
      stdout
        .split("\n")
        .map((line) => line.split(`${begin}  `))
        .find(([, rest]) => rest) ?? [];
    assert.ok(command, `no "${begin}" in\n${stdout}`);
    return command;
  }) as { [K in keyof W]: string };
}

/** csync2's list of dirty files on a host, without those for hosts other than `peer`. */
export async function dirty(host: Host, peer: string): Promise<string[]> {
  const { stdout } = await host.csync2("-M");
  return stdout
    .split("\n")
    .map((line) => line.split("\t"))
    .filter(([, , peername]) => peername === peer)
    .map(([, , , file = ""]) => file);
}

/** Waits until neither csync2, flock nor a handler runs, and checks that no lock is held. */
export async function untilQuiet(host: Host): Promise<void> {
  await host.until("nothing is left running", () => host.processes().length === 0, 20_000);
  await host.shell("flock --nonblock /run/csync2rev.lock true");
}

/** The processes of csync2, without those that its superserver starts. */
export function csync2s(host: Host): number[] {
  return host
    .processes()
    .filter(({ command }) => /^(\S*\/)?csync2 (?!-i)/.test(command))
    .map(({ pid }) => pid);
}
