// A boot of many hosts at the same moment, simulated: every host asks every other. Time is virtual, the schedule is the real one: its
// pauses and defaults come from src/. What one step costs comes from the measured figures below.
//   npm run bench:scale               prints the table
//   npm run bench:scale -- --write    writes docs/scale.md's table and chart anew
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { backoffAfter } from "../src/backoff.ts";
import { OTHERS_RULES } from "../src/settings.ts";
import { scaleChart } from "./scale-chart.ts";

/** What one thing costs, in seconds or megabytes. */
export interface Costs {
  /** Processor time of a handler from its start to `done` (bench/results.md, the standalone executable). */
  readonly handler: number;
  /** A handler's own memory while it waits. */
  readonly memory: number;
  /** How long csync2's check takes, and a push to one host. */
  readonly check: number;
  readonly push: number;
}

/** How long a handler waits for the lock (`lock-timeout`), in seconds. */
const LOCK_TIMEOUT = 60;
const CORES = 2;
/** Handlers at once, as the shipped xinetd file and systemd socket allow. */
const HANDLERS = 300;
/** The virtual clock stops here, in seconds: a day. */
const END = 86_400;

export interface Scenario {
  readonly hosts: number;
  /** How many of them have files for all others. */
  readonly writers: number;
  readonly costs: Costs;
  /** The setting of that name. */
  readonly jobs: number;
  /** How many handlers each host allows at once. */
  readonly limit: number;
}

export interface Outcome {
  readonly scenario: Scenario;
  /** When half of the hosts, and all of them, had caught up, in seconds. */
  readonly half: number;
  readonly all: number;
  readonly conversations: number;
  /** How many of them were turned away or `busy`. */
  readonly refused: number;
  /** The most handlers at once on one host. */
  readonly handlers: number;
  /** The most processor seconds that one host spent, and the most checks that it ran. */
  readonly processor: number;
  readonly checks: number;
}

/** What happens when: a heap by time. */
class Clock {
  now = 0;
  readonly #heap: { readonly at: number; readonly run: () => void }[] = [];

  after(seconds: number, run: () => void): void {
    const heap = this.#heap;
    let at = heap.length;
    const event = { at: this.now + seconds, run };
    heap.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || above.at <= event.at) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = event;
  }

  /** Runs all events until there are none, or END. */
  run(): void {
    for (let event = this.#take(); event !== undefined && event.at <= END; event = this.#take()) {
      this.now = event.at;
      event.run();
    }
  }

  #take(): { readonly at: number; readonly run: () => void } | undefined {
    const heap = this.#heap;
    const [first, last] = [heap[0], heap.pop()];
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      const [left, right] = [heap[child], heap[child + 1]];
      if (left === undefined) break;
      if (right !== undefined && right.at < left.at) child++;
      const least = heap[child];
      if (least === undefined || least.at >= last.at) break;
      heap[at] = least;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

/** Work that is done one after another, by so many workers; who waits too long goes away. */
class Queue {
  readonly #clock: Clock;
  readonly #waiting: { readonly begin: () => void; gone: boolean }[] = [];
  #free: number;

  constructor(clock: Clock, workers: number) {
    this.#clock = clock;
    this.#free = workers;
  }

  /** @param busy called in place of `done` if it has not begun within `patience` seconds */
  do(seconds: number, done: () => void, patience = Infinity, busy = (): void => undefined): void {
    const begin = (): void => {
      this.#clock.after(seconds, () => {
        this.#free++;
        this.#next();
        done();
      });
    };
    if (this.#free > 0) {
      this.#free--;
      begin();
      return;
    }
    const entry = { begin, gone: false };
    this.#waiting.push(entry);
    if (patience !== Infinity)
      this.#clock.after(patience, () => {
        if (entry.gone) return;
        entry.gone = true;
        busy();
      });
  }

  #next(): void {
    let entry = this.#waiting.shift();
    while (entry?.gone === true) entry = this.#waiting.shift();
    if (entry === undefined) return;
    entry.gone = true;
    this.#free--;
    entry.begin();
  }
}

/** One host, as its peers see it. */
class Peer {
  readonly #clock: Clock;
  readonly #costs: Costs;
  readonly #limit: number;
  readonly #processor: Queue;
  readonly #lock: Queue;
  handlers = 0;
  mostHandlers = 0;
  processor = 0;
  checks = 0;
  #checking: { readonly came: (() => void)[] } | null = null;
  #nextCheck: (() => void)[] = [];

  constructor(clock: Clock, { costs, limit }: Scenario) {
    this.#clock = clock;
    this.#costs = costs;
    this.#limit = limit;
    this.#processor = new Queue(clock, CORES);
    this.#lock = new Queue(clock, 1);
  }

  /** One conversation. `refused` if there are too many handlers, or the lock does not come free in time. */
  ask(verb: "check" | "update", done: () => void, refused: () => void): void {
    if (this.handlers >= this.#limit) {
      this.#clock.after(0, refused);
      return;
    }
    this.handlers++;
    this.mostHandlers = Math.max(this.mostHandlers, this.handlers);
    this.processor += this.#costs.handler;
    const end = (then: () => void) => (): void => {
      this.handlers--;
      then();
    };
    this.#processor.do(this.#costs.handler, () => {
      if (verb === "check") this.#check(end(done));
      else this.#lock.do(this.#costs.push, end(done), LOCK_TIMEOUT, end(refused));
    });
  }

  /** A check serves every request that came before it began. */
  #check(done: () => void): void {
    this.#nextCheck.push(done);
    if (this.#checking !== null) return;
    this.#startCheck();
  }

  #startCheck(): void {
    this.checks++;
    const checking = (this.#checking = { came: this.#nextCheck });
    this.#nextCheck = [];
    this.processor += this.#costs.check;
    this.#lock.do(this.#costs.check, () => {
      this.#checking = null;
      for (const done of checking.came) done();
      if (this.#nextCheck.length > 0) this.#startCheck();
    });
  }
}

/** Runs one scenario. */
export function simulate(scenario: Scenario): Outcome {
  const { hosts, writers, jobs } = scenario;
  const clock = new Clock();
  const peers = Array.from({ length: hosts }, () => new Peer(clock, scenario));
  const caughtUp: number[] = [];
  let [conversations, refused] = [0, 0];

  for (let me = 0; me < hosts; me++) {
    const order = inRandomOrder(hosts, me);
    let left = order.length;
    const pushes: number[] = [];
    let pushing = false;
    const finish = (): void => {
      if (--left === 0) caughtUp.push(clock.now);
    };
    const push = (): void => {
      const peer = pushing ? undefined : pushes.shift();
      if (peer === undefined) return;
      pushing = true;
      insist(peer, "update", () => {
        pushing = false;
        finish();
        push();
      });
    };
    const insist = (peer: number, verb: "check" | "update", done: () => void, tries = 1): void => {
      conversations++;
      peers[peer]?.ask(verb, done, () => {
        refused++;
        clock.after(backoffAfter(tries) / 1000, () => {
          insist(peer, verb, done, tries + 1);
        });
      });
    };
    const checkNext = (): void => {
      const peer = order.shift();
      if (peer === undefined) return;
      insist(peer, "check", () => {
        if (peer < writers) {
          pushes.push(peer);
          push();
        } else finish();
        checkNext();
      });
    };
    for (let job = 0; job < jobs; job++) checkNext();
  }
  clock.run();
  caughtUp.sort((a, b) => a - b);
  const most = (of: (peer: Peer) => number): number => Math.max(...peers.map(of));
  return {
    scenario,
    half: caughtUp[hosts >> 1] ?? Infinity,
    all: caughtUp[hosts - 1] ?? Infinity,
    conversations,
    refused,
    handlers: most(({ mostHandlers }) => mostHandlers),
    processor: most(({ processor }) => processor),
    checks: most(({ checks }) => checks),
  };
}

/** All hosts but this one, as a requester asks them. */
function inRandomOrder(hosts: number, me: number): number[] {
  return Array.from({ length: hosts }, (_, peer) => ({ peer, place: Math.random() }))
    .filter(({ peer }) => peer !== me)
    .sort((a, b) => a.place - b.place)
    .map(({ peer }) => peer);
}

const HOSTS = [10, 40, 100, 300, 1_000];
const COSTS: Costs = { handler: 0.015, memory: 5, check: 0.5, push: 1 };

function main(): void {
  const usual = { costs: COSTS, jobs: OTHERS_RULES.jobs.byDefault, limit: HANDLERS };
  const outcomes = [0, 3].flatMap((writers) => HOSTS.map((hosts) => simulate({ ...usual, hosts, writers })));
  const thousand = { ...usual, hosts: 1_000, writers: 0 };
  const slow = { ...COSTS, check: 3 };
  const variants = [
    { ...thousand, costs: slow },
    { ...thousand, costs: slow, jobs: 32 },
    { ...thousand, writers: 3, limit: 64 },
  ].map(simulate);
  const lines = [
    ["hosts", "with files for all", "settings", "half", "all", "conversations", "turned away or busy"],
    ["---", "---", "---", "---", "---", "---", "---"],
  ];
  lines[0]?.push("handlers at once, memory", "processor, one host", "checks, one host");
  lines[1]?.push("---", "---", "---");
  for (const outcome of [...outcomes, ...variants]) {
    const { scenario, half, all, conversations, refused, handlers, processor, checks } = outcome;
    lines.push([
      String(scenario.hosts),
      String(scenario.writers),
      [
        scenario.costs.check === COSTS.check ? "" : `check ${scenario.costs.check} s`,
        scenario.jobs === usual.jobs ? "" : `jobs ${scenario.jobs}`,
        scenario.limit === usual.limit ? "" : `${scenario.limit} handlers`,
      ]
        .filter((word) => word !== "")
        .join(", "),
      ...[half, all].map((seconds) => `${seconds.toFixed(1)} s`),
      ...[conversations, refused].map((count) => count.toLocaleString("en")),
      `${handlers}, ${handlers * scenario.costs.memory} MB`,
      `${processor.toFixed(1)} s`,
      String(checks),
    ]);
  }
  const table = lines.map((cells) => `| ${cells.join(" | ")} |\n`).join("");
  process.stdout.write(table);
  if (!process.argv.includes("--write")) return;
  const page = join(import.meta.dirname, "../docs/scale.md");
  const between = /(<!-- table -->\n).*?(\n<!-- end -->)/s;
  writeFileSync(
    page,
    readFileSync(page, "utf8").replace(
      between,
      (_, begin: string, end: string) => `${begin}\n${table}${end}`,
    ),
  );
  writeFileSync(join(import.meta.dirname, "../docs/scale.svg"), scaleChart(outcomes));
}

main();
