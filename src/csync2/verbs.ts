/** What a requester may ask for. */
export const VERBS = ["ping", "check", "update", "sync", "preview", "reconcile"] as const;
export type Verb = (typeof VERBS)[number];

/** One csync2 to run: its arguments after the options that every run has, and the exit statuses that mean success. */
export interface Command {
  readonly args: readonly string[];
  readonly good: readonly number[];
  /** A dry run counts a file in a directory that it did not make as an error: 1 is good where csync2 complains of nothing else. */
  readonly dry?: true;
}

/**
 * What a verb runs, in order. Both names come from the local csync2.cfg: never from the network.
 * @param me this host's peername in the group
 * @param from the requester's peername
 */
export function commandsOf(verb: Verb, me: string, from: string): readonly Command[] {
  switch (verb) {
    case "ping":
      return [];
    case "check":
      return [CHECK];
    case "update":
      return [push(from)];
    case "sync":
      return [{ args: ["-x", "-r", "-P", from], good: [0] }];
    case "preview":
      return [{ args: ["-x", "-r", "-d", "-P", from], good: [0], dry: true }];
    case "reconcile":
      return [{ args: ["-T", "-U", "-I", me, from], good: [0, IN_SYNC] }, push(from)];
  }
}

/** Finds local changes and marks them dirty for every peer. */
export const CHECK: Command = { args: ["-c", "-r", "/"], good: [0] };

/** Lists the dirty files; 2 when there are none. */
export const LIST_DIRTY: Command = { args: ["-M"], good: [0, 2] };

/** Compares this host's database with a peer's. */
export function compare(me: string, peer: string): Command {
  return { args: ["-T", me, peer], good: [0, IN_SYNC] };
}

/** Marks one file that differs from the peer's as changed here, for that peer alone. */
export function markDifference(me: string, peer: string, file: string): Command {
  return { args: ["-T", "-U", "-I", me, peer, file], good: [0, IN_SYNC] };
}

/** `csync2 -T` exits so when both hosts have the same (csync2 -h, Exit codes). */
const IN_SYNC = 2;

function push(from: string): Command {
  return { args: ["-u", "-P", from], good: [0] };
}
