import type { Cluster, Host } from "../cluster/cluster.ts";
import type { OthersResult } from "../../src/others/others.ts";
import {
  caughtUp,
  changed,
  conflictsSettled,
  differing,
  type Disks,
  newestKept,
  nothingChanged,
  nothingForeign,
  nothingLost,
  trulyEqual,
  type Truth,
  type Violation,
  violation,
} from "./claims.ts";
import { readDisk } from "./disk.ts";
import { mendAll } from "./faults.ts";
import { LimitsMet } from "./limits.ts";
import { catchUp, doStep } from "./operations.ts";
import { isMember, type Plan } from "./plan.ts";
import { escaped, isNamed, readResult } from "./said.ts";
import { World } from "./world.ts";

export interface Round {
  readonly violations: readonly Violation[];
  /** How many versions were written. */
  readonly changes: number;
  readonly limits: LimitsMet;
}

/** So often every host catches up at most, until nothing more comes. */
const PASSES = 4;
/** How long what still runs may take to end, in milliseconds: by itself, and after its csync2 was ended. */
const PATIENCE = 15_000;
const LONG_ENOUGH = 60_000;

/** Plays a plan on a cluster, lets all come to rest, and holds what is there against what is promised. */
export async function playRound(cluster: Cluster, plan: Plan): Promise<Round> {
  const world = await World.make(cluster, plan);
  for (const step of plan.steps) await doStep(world, step);
  await world.together();
  await mendAll(world);
  const quiet = new QuietPhase(world);
  return { violations: await quiet.check(), changes: world.versions, limits: quiet.truth.limits };
}

/** What is checked once all writes and faults are over. */
class QuietPhase {
  readonly truth: Truth;
  readonly #world: World;
  /** The hosts that are in a group; the others have no peer to ask. */
  readonly #members: readonly Host[];
  readonly #violations: Violation[] = [];

  constructor(world: World) {
    this.#world = world;
    this.#members = world.hosts.filter(({ name }) => isMember(world.plan, name));
    this.truth = { plan: world.plan, model: world.model, damage: world.damage, limits: new LimitsMet() };
  }

  async check(): Promise<readonly Violation[]> {
    await this.#untilIdle();
    await this.#dryRun();
    const exits = await this.#catchUpAll();
    const disks = this.#disks();
    const done = [...exits].flatMap(([host, exit]) => (exit === 0 ? [host] : []));
    for (const host of done) this.#note(caughtUp(this.truth, disks, host));
    if (done.length === exits.size) this.#note(conflictsSettled(this.truth, disks, done));
    this.#note(newestKept(this.truth, disks, "after catching up"), nothingForeign(this.truth, disks));
    await this.#verify();
    await this.#reconcile();
    this.#note(newestKept(this.truth, this.#disks(), "after a reconcile"));
    await this.#untilIdle();
    this.#checkOutput();
    return this.#violations;
  }

  /** A dry run on one host, then the real thing, which must bring what was named. */
  async #dryRun(): Promise<void> {
    const host = this.#members[this.#world.versions % this.#members.length];
    if (!host) return;
    const before = this.#disks();
    const dry = await this.#run(host, "--dry-run");
    this.#note(nothingChanged(before, this.#disks()));
    await this.#run(host);
    if (
      !dry?.peers.every(({ outcome, pending, files }) => outcome === "caught-up" || pending === files.length)
    )
      return;
    const named = dry.peers.flatMap(({ files }) => files);
    for (const path of changed(before.get(host.name) ?? new Map(), readDisk(host)))
      if (!isNamed(named, host.name, path))
        this.#note([
          violation(
            "a dry run names what comes",
            host.name,
            path,
            `came, named were ${JSON.stringify(named)}`,
          ),
        ]);
  }

  /** Every host's last exit status, once another pass would not change anything. */
  async #catchUpAll(): Promise<ReadonlyMap<string, number>> {
    let before = "";
    for (let pass = 1; ; pass++) {
      const results = new Map<string, OthersResult | undefined>();
      for (const host of this.#members) results.set(host.name, await this.#run(host));
      const now = JSON.stringify(
        [...results.values()].map((result) =>
          result?.peers.map(({ outcome, updated, deleted, pending }) => [outcome, updated, deleted, pending]),
        ),
      );
      if (now === before || pass === PASSES)
        return new Map([...results].map(([host, result]) => [host, result?.exit ?? -1]));
      before = now;
    }
  }

  async #verify(): Promise<void> {
    for (const host of this.#members) {
      const result = await this.#run(host, "--verify");
      if (!result) continue;
      const disks = this.#disks();
      const peers = this.#members.filter((peer) => peer !== host);
      if (result.exit === 0)
        for (const peer of peers) this.#note(trulyEqual(this.truth, disks, host.name, peer.name));
      const complete = result.peers.every(
        ({ outcome, reason, pending, files }) =>
          outcome === "caught-up" || (reason === "differs" && pending === files.length),
      );
      if (!complete) continue;
      const named = result.peers.flatMap(({ files }) => files);
      for (const peer of peers)
        for (const path of differing(this.truth.plan, disks, host.name, peer.name))
          if (!isNamed(named, host.name, path))
            this.#note([
              violation(
                "--verify names what differs",
                host.name,
                path,
                `differs from ${peer.name}, named were ${JSON.stringify(named)}`,
              ),
            ]);
    }
  }

  /** A reconcile moves nothing back; if a file is dirty on two hosts, the `auto` method decides. */
  async #reconcile(): Promise<void> {
    for (const host of this.#members) {
      const clean = await this.#nothingDirty();
      const before = this.#disks();
      await this.#run(host, "--reconcile");
      if (clean) this.#note(nothingLost(this.truth, before, this.#disks()));
    }
  }

  async #nothingDirty(): Promise<boolean> {
    const lists = await Promise.all(this.#world.hosts.map((host) => host.csync2("-M")));
    return lists.every(({ stdout }) => stdout === "");
  }

  /** Runs `--others --json`, whose words are held against the claims too. */
  async #run(host: Host, ...options: readonly string[]): Promise<OthersResult | undefined> {
    const { result, violations } = readResult(host.name, await catchUp(this.#world, host, ...options));
    this.#note(violations);
    return result;
  }

  /** A csync2 whose other end lost power waits for ever: the administrator ends it. Nothing else may be left running, and no lock may be held. */
  async #untilIdle(): Promise<void> {
    const busy = (): Host[] => this.#world.hosts.filter((host) => host.processes().length > 0);
    const untilIdle = async (timeout: number): Promise<void> =>
      this.#world.hosts[0]
        ?.until("no host does anything", () => busy().length === 0, timeout)
        .catch(() => undefined);
    await untilIdle(PATIENCE);
    for (const host of busy()) {
      await host.run(["pkill", "-KILL", "-x", "csync2"]);
      this.#world.damage.checkCut.add(host.name);
      this.#world.damage.receiverCut.add(host.name);
    }
    await untilIdle(LONG_ENOUGH);
    for (const host of busy())
      this.#note([violation("no process is left", host.name, null, JSON.stringify(host.processes()))]);
    for (const host of this.#world.hosts) {
      const { code } = await host.run(["flock", "--nonblock", "/run/csync2rev.lock", "true"]);
      if (code !== 0)
        this.#note([violation("no lock is left", host.name, null, "/run/csync2rev.lock is held")]);
    }
  }

  #checkOutput(): void {
    for (const { host, command, text } of this.#world.said) this.#note(escaped(host, command, text));
    for (const host of this.#world.hosts)
      for (const { message } of host.syslog("csync2rev")) this.#note(escaped(host.name, "syslog", message));
  }

  #disks(): Disks {
    return new Map(this.#world.hosts.map((host) => [host.name, readDisk(host)]));
  }

  #note(...violations: readonly (readonly Violation[])[]): void {
    this.#violations.push(...violations.flat());
  }
}
