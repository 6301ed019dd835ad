import type { Difference } from "./merge.ts";
import { END_OF_TUPLES } from "./rows.ts";

/** One csync2 to run: its arguments after the options of every run, and the exit statuses that mean success. */
export interface Command {
  readonly args: readonly string[];
  readonly good: readonly number[];
  /** How one line of its stderr must begin. Without it, a comparison with a broken connection would look like success with missing files. */
  readonly says?: string;
  /** It only reads databases: ending it harms nothing. */
  readonly reads?: true;
  /** It talks to the peer's csync2, which may keep it waiting. If it makes no progress, its connection is closed. */
  readonly talks?: true;
  /** One run serves every request that came before it started. */
  readonly shared?: true;
  /** What the report says if a signal ended it. */
  readonly killed?: string;
}

/** What a run may touch. All names come from the local csync2.cfg, never from the network. */
export interface Scope {
  /** This host's peername. */
  readonly me: string;
  readonly peer: string;
  /** Only files of these groups (csync2's -G); null: of every group. */
  readonly groups: readonly string[] | null;
}

/** Finds local changes and marks them dirty for every peer. Never with -G: that would record changes without marking them. */
export const CHECK: Command = {
  args: ["-c", "-r", "/"],
  good: [0],
  shared: true,
  // Its first statements are transactions of their own. So it may have recorded a file's state, but not have marked it dirty yet.
  killed: "--reconcile brings the file that it had in hand",
};

/**
 * The check of a host whose database has no file yet: it records the files as they are and marks nothing. A marked file would be pushed
 * over newer files of its peers.
 */
export const FIRST_CHECK: Command = { ...CHECK, args: ["-c", "-I", "-r", "/"] };

/** One verb: everything that differs from verb to verb. */
interface Row {
  /** What it runs, in order. A preview and a reconcile also compare. */
  readonly commands: (scope: Scope) => readonly Command[];
  /** Whether it writes files on the requester. */
  readonly pushes: boolean;
  /** Whether it first finds out if the requester's csync2 can be reached. */
  readonly needsWayBack: boolean;
  /** Whether it is to look first if the files that csync2 knows of are there. A check does so in any case. */
  readonly looks: boolean;
  /** Whether it only tells what would be pushed. */
  readonly previews: boolean;
  /** Whether it tells what waits for every peer, not for the requester alone. */
  readonly counts: boolean;
  /** Compares, and pushes what is newer here of the files that this says; null: does not. */
  readonly reconciles: ((difference: Pick<Difference, "on">) => boolean) | null;
  /** What a screen says while it runs. */
  readonly doing: string;
}

const QUIET: Row = {
  commands: () => [],
  pushes: false,
  needsWayBack: false,
  looks: false,
  previews: false,
  counts: false,
  reconciles: null,
  doing: "answering",
};

/** Everything that a requester may ask for. */
export const VERBS = {
  ping: { ...QUIET, needsWayBack: true },
  /** How many files wait, without a check. */
  status: { ...QUIET, looks: true, counts: true, doing: "counting what waits" },
  check: { ...QUIET, commands: () => [CHECK], doing: "checking its files" },
  update: {
    ...QUIET,
    commands: (scope) => [push(scope)],
    pushes: true,
    needsWayBack: true,
    looks: true,
    doing: "pushing",
  },
  preview: {
    ...QUIET,
    commands: () => [CHECK],
    needsWayBack: true,
    previews: true,
    doing: "previewing",
  },
  reconcile: {
    ...QUIET,
    commands: (scope) => [push(scope)],
    pushes: true,
    needsWayBack: true,
    looks: true,
    reconciles: () => true,
    doing: "reconciling",
  },
  /** What both have: for files that two peers wrote, so that the older version came last. */
  renew: {
    ...QUIET,
    pushes: true,
    needsWayBack: true,
    looks: true,
    reconciles: ({ on }) => on === "both",
    doing: "pushing newer versions",
  },
} satisfies Readonly<Record<string, Row>>;

export type Verb = keyof typeof VERBS;

/** A verb by its name; undefined if there is no such verb. */
export function verbOf(name: string): Verb | undefined {
  return Object.hasOwn(VERBS, name) ? (name as Verb) : undefined;
}

/** Lists the dirty files; 2 when there are none. */
export function listDirtyOf({ groups }: Pick<Scope, "groups">): Command {
  return { args: ["-M", ...limitedTo(groups)], good: [0, 2], reads: true };
}

/** Lists what this host's database has recorded of each file; 2 when there is none. */
export const LIST_FILES: Command = { args: ["-L"], good: [0, 2], reads: true };

/** Lists what this host's database has recorded of each file that it shares with a peer; 2 when there is none. */
export function listFilesOf({ me, peer, groups }: Scope): Command {
  return { args: ["-S", ...limitedTo(groups), me, peer], good: [0, 2], reads: true };
}

/** Compares this host's database with a peer's. With the second -v, csync2 names the peer's records. 2 when they are equal. */
export function compare({ me, peer, groups }: Scope): Command {
  return {
    args: ["-v", "-T", ...limitedTo(groups), me, peer],
    good: [0, 2],
    says: END_OF_TUPLES,
    reads: true,
    talks: true,
  };
}

/**
 * Marks files as dirty; their paths come after it. Only for a database of our own: in the host's database it would mark them for every
 * peer. The peer may have chosen a file's name: after `--`, csync2 does not take it for an option.
 */
export function mark({ groups }: Pick<Scope, "groups">): Command {
  return { args: ["-m", ...limitedTo(groups), "--"], good: [0] };
}

/** Pushes what is dirty for the peer. */
export function push({ peer, groups }: Scope): Command {
  return { args: ["-u", "-P", peer, ...limitedTo(groups)], good: [0], talks: true };
}

/**
 * Lets csync2 compare the files that are dirty for the peer, also their contents, and write nothing (-d). Equal files are no longer dirty
 * afterwards, so it is only for a database of our own.
 */
export function compareContents({ peer, groups }: Scope): Command {
  return { args: ["-u", "-d", "-P", peer, ...limitedTo(groups)], good: [0], reads: true };
}

function limitedTo(groups: Scope["groups"]): readonly string[] {
  return groups === null ? [] : ["-G", groups.join(",")];
}
