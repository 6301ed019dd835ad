import { lstatSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { pathOf, type Prefix } from "../csync2cfg/model.ts";
import { encodePrefixes } from "../csync2cfg/roots.ts";
import { quote } from "../csync2cfg/source.ts";
import { Csync2revError } from "../errors.ts";
import type { ThisHost } from "../host.ts";
import { attempt, demand, demandWanted, type Insisted, type InsistWatcher } from "./insist.ts";
import { eachDirty } from "./list.ts";
import { isAlive, isInUse } from "./processes.ts";
import { TupleReader } from "./rows.ts";
import { readCsync2, runCsync2, runOnNames, type RunOptions } from "./run.ts";
import { compare, mark, type Command, type Scope } from "./verbs.ts";

/** How long a push waits for the lock, in seconds. After that, its files are judged again. */
const LOCK_WAIT = 5;
/** The directories' names: the lock file's name, then this, then the pid of the process that made it. */
const DIRECTORY = ".batch-";

/**
 * Files that are handled together. They are marked in a database of their own, in a new directory beside the lock. Nothing else is in it, and
 * no mark stays behind after the work, or after a power cut.
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
    this.#prefixes = encodePrefixes(prefixes);
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
   * Lets csync2 take the peer's certificate into this database, and makes sure that it is the one in the host's own database.
   * Throws `system`.
   */
  async trust(certificate: string): Promise<void> {
    const reader = new TupleReader(() => undefined);
    const { args, ...command } = compare(this.#scope);
    const watcher = {
      stderr: (line: string) => {
        reader.line(line);
      },
    };
    // Only one file's record is asked for, so the peer's list is short.
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

/**
 * Removes the directories of processes that were killed, unless a csync2 still works in one. Another user's directory of such a name is left
 * alone: while it is removed, its owner could put a link into it, to have other files deleted.
 */
function removeAbandoned(lockFile: string): void {
  const begin = basename(lockFile) + DIRECTORY;
  for (const name of readdirSync(dirname(lockFile))) {
    if (!name.startsWith(begin)) continue;
    const directory = join(dirname(lockFile), name);
    const stat = lstatSync(directory, { throwIfNoEntry: false });
    if (stat?.isDirectory() !== true || stat.uid !== process.geteuid?.()) continue;
    const pid = Number.parseInt(name.slice(begin.length), 10);
    if (!isAlive(pid) && !isInUse(directory)) rmSync(directory, { recursive: true, force: true });
  }
}
