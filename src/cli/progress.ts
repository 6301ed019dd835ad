import { isAnnouncement } from "../csync2/output.ts";
import { incomingFile } from "../csync2/processes.ts";
import { VERBS, type Verb } from "../csync2/verbs.ts";
import type { OthersWatcher } from "../others/conversations.ts";
import type { Screen } from "../others/screen.ts";
import { describeProgress, describeStage, describeStart, type PushedFile } from "../others/words.ts";
import { printable, quotable } from "../printable.ts";
import type { Stage } from "../requester/ask.ts";
import type { PlannedPeer } from "../requester/plan.ts";

/** How many bytes of the peers' lines may wait for their reader before further lines are left out. */
const BACKLOG_LIMIT = 1 << 20;
/** How often a file that arrives is looked at, and how often a line says how it goes if there is no screen. In milliseconds. */
const LOOK_EVERY = 1_000;
const SAY_EVERY = 60_000;

/** How the progress is shown. */
export interface ProgressOptions {
  /** Null if there is none. */
  readonly screen: Screen | null;
  /** Whether csync2's lines are shown, on stderr. */
  readonly verbose: boolean;
  /** Whether a line on stderr says at the start, and once a minute, how it goes. */
  readonly periodic: boolean;
  /** When nothing is waited for any more. */
  readonly until: Date;
}

/** What is shown of a peer that has no result yet. */
interface Shown {
  readonly verb: Verb | null;
  readonly stage: Stage;
  /** How many files csync2 there has named. */
  readonly files: number;
  readonly file: PushedFile | null;
  /** When `file` was first seen, on the clock of `performance`. */
  readonly since: number;
}

/** Shows the progress of `--others`. */
export class Progress implements OthersWatcher {
  readonly #peers: readonly PlannedPeer[];
  readonly #options: ProgressOptions;
  readonly #shown = new Map<PlannedPeer, Shown>();
  readonly #timer: NodeJS.Timeout | undefined;
  #done = 0;
  #leftOut = 0;

  constructor(peers: readonly PlannedPeer[], options: ProgressOptions) {
    this.#peers = peers;
    this.#options = options;
    if (options.screen !== null)
      this.#timer = setInterval(() => {
        this.#look();
      }, LOOK_EVERY);
    else if (options.periodic && peers.length > 0) {
      this.#say(describeStart(peers.length, options.until));
      this.#timer = setInterval(() => {
        this.#say(describeProgress(this.#done, this.#peers.length, this.#waitedFor()));
      }, SAY_EVERY);
    }
  }

  stage(peer: PlannedPeer, verb: Verb | null, stage: Stage): void {
    const line = stage.at === "running" ? stage.line : null;
    const before = this.#shown.get(peer);
    const isFile = line !== null && isAnnouncement(line);
    this.#shown.set(peer, {
      verb,
      stage,
      files: (before?.files ?? 0) + (isFile ? 1 : 0),
      file: isFile ? null : (before?.file ?? null),
      since: before?.since ?? 0,
    });
    if (line !== null && this.#options.verbose && !this.#print(peer, line)) return;
    this.#draw(peer);
  }

  result(peer: PlannedPeer, { outcome }: Parameters<OthersWatcher["result"]>[1]): void {
    if (this.#shown.delete(peer)) this.#done++;
    this.#options.screen?.set(this.#peers.indexOf(peer), outcome, true);
  }

  /** Ends what is shown. */
  close(): void {
    clearInterval(this.#timer);
    this.#options.screen?.close();
  }

  /** A line of csync2's; false if it was left out. */
  #print(peer: PlannedPeer, line: string): boolean {
    if (process.stderr.writableLength > BACKLOG_LIMIT) {
      this.#leftOut++;
      return false;
    }
    const before =
      this.#leftOut > 0 ? `(${this.#leftOut} lines left out: they came faster than they were read)\n` : "";
    this.#leftOut = 0;
    const text = `${before}${printable(peer.name)}: ${quotable(line)}\n`;
    if (this.#options.screen === null) process.stderr.write(text);
    else this.#options.screen.print(text);
    return true;
  }

  /** A file that arrives here is seen here: a peer names it when it begins, and says no more until it has ended. */
  #look(): void {
    for (const [peer, shown] of this.#shown) {
      const { verb, stage, file, since } = shown;
      if (stage.at !== "running" || verb === null || !VERBS[verb].pushes) continue;
      const found = incomingFile();
      const began = found !== null && found.name === file?.name ? since : performance.now();
      const seconds = Math.round((performance.now() - began) / 1000);
      this.#shown.set(peer, { ...shown, file: found === null ? null : { ...found, seconds }, since: began });
      this.#draw(peer);
    }
  }

  #draw(peer: PlannedPeer): void {
    this.#options.screen?.set(this.#peers.indexOf(peer), this.#textOf(peer), false);
  }

  #textOf(peer: PlannedPeer): string {
    const shown = this.#shown.get(peer);
    if (shown === undefined) return "";
    return describeStage(shown.verb, shown.stage, shown.files, shown.file, this.#options.until);
  }

  /** Each peer that is waited for, with what goes on there. */
  #waitedFor(): string[] {
    return this.#peers
      .filter((peer) => this.#shown.has(peer))
      .map((peer) => `${peer.name}: ${this.#textOf(peer)}`);
  }

  #say(text: string): void {
    process.stderr.write(`csync2rev: ${quotable(text)}\n`);
  }
}
