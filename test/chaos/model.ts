import type { ByteString } from "./names.ts";

/** What a host has at a path, as a word that only this state has: kind, mode and content's hash; or nothing. */
export type State = string;
export const ABSENT: State = "absent";

/** One write, link, chmod or removal. */
export interface Version {
  readonly host: string;
  readonly state: State;
  /** The version that the host had when it made this one; null if it had none. */
  readonly parent: Version | null;
  /** Whether csync2 ran on the host just then: it can overwrite what is written while it receives. */
  readonly raced: boolean;
}

/** All that was ever done to one path. */
export class History {
  readonly versions: Version[] = [];

  /** A host that had `before` made it `after`. */
  add(host: string, before: State, after: State, raced: boolean): void {
    this.versions.push({ host, state: after, parent: this.#base(host, before), raced });
  }

  /** The newest versions, which no other was built on: one, unless two hosts wrote and did not know of each other. */
  newest(): Version[] {
    const built = new Set(this.versions.map(({ parent }) => parent));
    return this.versions.filter((version) => !built.has(version));
  }

  /** The only newest version, if all others led to it; undefined if writes were in conflict. */
  agreed(): Version | undefined {
    const [only, ...others] = this.newest();
    return others.length === 0 && this.versions.filter(({ parent }) => parent === null).length === 1
      ? only
      : undefined;
  }

  /** The version that has this state. */
  versionOf(state: State): Version | undefined {
    return this.versions.findLast((version) => version.state === state);
  }

  /** Whether `state` is one that led to `later`. */
  isOlder(state: State, later: State): boolean {
    for (let version = this.versionOf(later)?.parent; version; version = version.parent) {
      if (version.state === state) return true;
    }
    return false;
  }

  /** Nothing there can be a removal that has arrived, or a file that has not come yet: only its own removal does a host know for sure. */
  #base(host: string, before: State): Version | null {
    const version = this.versionOf(before);
    if (before !== ABSENT) return version ?? null;
    return version?.host === host ? version : null;
  }
}

/** Every path that was written in a round. */
export class Model {
  readonly #histories = new Map<ByteString, History>();

  history(path: ByteString): History {
    const known = this.#histories.get(path);
    if (known) return known;
    const made = new History();
    this.#histories.set(path, made);
    return made;
  }

  paths(): ByteString[] {
    return [...this.#histories.keys()];
  }
}
