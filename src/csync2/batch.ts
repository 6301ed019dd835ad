import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { pathOf, type Prefix } from "../csync2cfg/model.ts";
import { encode, quote } from "../csync2cfg/source.ts";
import { Csync2revError } from "../errors.ts";
import type { ThisHost } from "../host.ts";
import { attempt, demand, demandWanted, type Insisted, type InsistWatcher } from "./insist.ts";
import { eachDirty } from "./list.ts";
import { isAlive, isInUse } from "./processes.ts";
import { TupleReader } from "./rows.ts";
import { readCsync2, runCsync2, runOnNames, type RunOptions } from "./run.ts";
import { compare, mark, type Command, type Scope } from "./verbs.ts";

/** A push waits so long for the lock, in seconds: then its files are judged anew. */
const LOCK_WAIT = 5;
/** What the directories' names have behind that of the lock file; the pid of who made one comes next. */
const DIRECTORY = ".batch-";

/**
 * Files that are handled together, marked in a database of their own, in a fresh directory beside the lock: nothing else is in it,
 * and no mark outlives what is done with it, nor this host's power.
 */
export class Batch {
  readonly #host: ThisHost;
  readonly #scope: Scope;
  readonly #prefixes: readonly Prefix[];
  readonly #directory: string;

  constructor(host: ThisHost, scope: Scope, prefixes: readonly Prefix[]) {
    const { settings } = host;
    removeAbandoned(settings.lockFile);
    this.#directory = mkdtempSync(`${settings.lockFile}${DIRECTORY}${process.pid}-`);
    const lockTimeout = Math.min(settings.lockTimeout, LOCK_WAIT);
    this.#host = { ...host, database: this.#directory, settings: { ...settings, lockTimeout } };
    this.#scope = scope;
    this.#prefixes = prefixes.map(({ name, path }) => ({
      name: encode(name),
      path: path === null ? null : encode(path),
    }));
  }

  /** @returns those that csync2 does not find by their names. Throws `system`. */
  async mark(files: readonly string[]): Promise<readonly string[]> {
    const paths = files.flatMap((file) => pathOf(file, this.#prefixes) ?? []);
    if (paths.length > 0) {
      const names = Buffer.from(paths.map((path) => `${path}\0`).join(""), "latin1");
      const end = await attempt(this.#host, mark(this.#scope), {}, (host, command, watcher) =>
        runOnNames(host, command, names, watcher),
      );
      demand(end, "marking files");
    }
    const marked = await this.dirty();
    const wanted = new Set(files);
    for (const file of marked)
      if (!wanted.has(file))
        throw new Csync2revError("system", `csync2 marked ${quote(file)}, which it was not told to`);
    return files.filter((file) => !marked.has(file));
  }

  /**
   * Has csync2 take the peer's certificate into this database, and makes sure that it is the one that the host's own database
   * knows. Throws `system`.
   */
  async trust(certificate: string): Promise<void> {
    const reader = new TupleReader(() => undefined);
    const { args, ...command } = compare(this.#scope);
    const watcher = {
      stderr: (line: string) => {
        reader.line(line);
      },
    };
    // The record of one file is asked for, so that the peer lists no more.
    demand(
      await attempt(this.#host, { ...command, args: [...args, "/"] }, watcher, readCsync2),
      "its look at the peer's certificate",
    );
    if (reader.certificate !== certificate)
      throw new Csync2revError("system", "the peer's csync2 showed another certificate than a moment ago");
  }

  /** Runs csync2 on what is marked. */
  async run(command: Command, watcher: InsistWatcher, options: RunOptions = {}): Promise<Insisted> {
    demandWanted(watcher);
    return await attempt(this.#host, command, watcher, (...start) =>
      command.reads ? readCsync2(...start, options) : runCsync2(...start),
    );
  }

  /** What is marked, and not done. */
  async dirty(): Promise<ReadonlySet<string>> {
    const files = new Set<string>();
    const add = (file: string): void => {
      files.add(file);
    };
    await eachDirty(this.#host, this.#scope, add, () => {
      files.clear();
    });
    return files;
  }

  close(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** Removes what a process that was killed has left. A csync2 may still be at work in it. */
function removeAbandoned(lockFile: string): void {
  const begin = basename(lockFile) + DIRECTORY;
  for (const name of readdirSync(dirname(lockFile))) {
    if (!name.startsWith(begin)) continue;
    const directory = join(dirname(lockFile), name);
    const pid = Number.parseInt(name.slice(begin.length), 10);
    if (!isAlive(pid) && !isInUse(directory)) rmSync(directory, { recursive: true, force: true });
  }
}
