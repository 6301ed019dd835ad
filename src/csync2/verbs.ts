/** What a requester may ask for. */
export const VERBS = ["ping", "check", "update", "sync", "preview", "reconcile"] as const;
export type Verb = (typeof VERBS)[number];

/** One csync2 to run: its arguments after the options that every run has, and the exit statuses that mean success. */
export interface Command {
  readonly args: readonly string[];
  readonly good: readonly number[];
  /** What csync2 must have said on stderr: a comparison whose connection breaks off reads as success, and as files that the peer lacks. */
  readonly says?: RegExp;
  /** A dry run counts a file in a directory that it did not make as an error: 1 is good where csync2 complains of nothing else. */
  readonly dry?: true;
}

/**
 * What a verb runs, in order; a reconcile, what it runs once the files that differ are marked.
 * @param from the requester's peername, as the local csync2.cfg has it: never from the network
 */
export function commandsOf(verb: Verb, from: string): readonly Command[] {
  switch (verb) {
    case "ping":
      return [];
    case "check":
      return [CHECK];
    case "update":
    case "reconcile":
      return [push(from)];
    case "sync":
      return [{ args: ["-x", "-r", "-P", from], good: [0] }];
    case "preview":
      return [{ args: ["-x", "-r", "-d", "-P", from], good: [0], dry: true }];
  }
}

/** Finds local changes and marks them dirty for every peer. */
export const CHECK: Command = { args: ["-c", "-r", "/"], good: [0] };

/** Lists the dirty files; 2 when there are none. */
export const LIST_DIRTY: Command = { args: ["-M"], good: [0, 2] };

/** Lists what the database has recorded of each file; 2 when there is none. */
export const LIST_FILES: Command = { args: ["-L"], good: [0, 2] };

/** Compares this host's database with a peer's; the second -v has csync2 name what the peer has recorded. */
export function compare(me: string, peer: string): Command {
  return { args: ["-v", "-T", me, peer], good: [0, IN_SYNC], says: /^End of query results: OK \(/ };
}

/** Marks every file that differs from the peer's, or that only this host has, as changed here, for that peer alone. */
export function markDifferences(me: string, peer: string): Command {
  return { args: ["-T", "-U", "-I", me, peer], good: [0, IN_SYNC] };
}

/**
 * Marks one file that differs from the peer's as changed here, for that peer alone. The peer may have had a hand in the file's name:
 * behind `--` csync2 takes it for no option.
 */
export function markDifference(me: string, peer: string, file: string): Command {
  return { args: ["-T", "-U", "-I", "--", me, peer, file], good: [0, IN_SYNC] };
}

/** `csync2 -T` exits so when both hosts have the same (csync2 -h, Exit codes). */
const IN_SYNC = 2;

function push(from: string): Command {
  return { args: ["-u", "-P", from], good: [0] };
}
