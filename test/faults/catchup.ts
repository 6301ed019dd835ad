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

const TIMEOUT = 120_000;

/** Has a host ask the others, to the end. */
export async function catchUp(host: Host, ...args: readonly string[]): Promise<CaughtUp> {
  return read(
    await host.run(["csync2rev", "--others", "--json", "--deadline", "60", ...args], { timeout: TIMEOUT }),
  );
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

/** Runs a line in the host's shell, which must succeed. */
export async function shell(host: Host, line: string): Promise<string> {
  const { code, stdout, stderr } = await host.run(["bash", "-c", line], { timeout: TIMEOUT });
  assert.equal(code, 0, `${host.name}# ${line}\n${stdout}${stderr}`);
  return stdout;
}

/** The commands in csync2rev's report that stand behind these words, which must be there. */
export async function advice<const W extends readonly string[]>(
  host: Host,
  words: W,
  ...args: readonly string[]
): Promise<{ [K in keyof W]: string }> {
  const { stdout } = await host.run(["csync2rev", "--others", ...args], { timeout: TIMEOUT });
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
  const { code } = await host.run(["flock", "--nonblock", "/run/csync2rev.lock", "true"]);
  assert.equal(code, 0, "the lock is free");
}

/** The processes of csync2, without those that its superserver starts. */
export function csync2s(host: Host): number[] {
  return host
    .processes()
    .filter(({ command }) => /^(\S*\/)?csync2 (?!-i)/.test(command))
    .map(({ pid }) => pid);
}
