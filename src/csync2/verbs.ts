import type { Difference } from "./merge.ts";
import { END_OF_TUPLES } from "./rows.ts";

/** One csync2 to run: its arguments after the options that every run has, and the exit statuses that mean success. */
export interface Command {
  readonly args: readonly string[];
  readonly good: readonly number[];
  /** How a line of its stderr must begin: a comparison whose connection breaks off reads as success, and as files that the peer lacks. */
  readonly says?: string;
  /** It only reads databases: ending it harms nothing. */
  readonly reads?: true;
  /** It talks to the peer's csync2, which may keep it waiting: one that gets no further loses its connection. */
  readonly talks?: true;
  /** One run serves every request that came before it started. */
  readonly shared?: true;
  /** What it means, for the reader of a report, that a signal ended it. */
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

/** Finds local changes and marks them dirty for every peer. Never with -G, which would record changes and not mark them. */
export const CHECK: Command = {
  args: ["-c", "-r", "/"],
  good: [0],
  shared: true,
  // Its first statements are transactions of their own: it may have recorded a file's state and not yet marked it dirty.
  killed: "--reconcile brings the file that it had in hand",
};

/**
 * The check of a host whose database knows no file: records what is there as it is and marks nothing. A marked file would be pushed
 * over its peers' newer ones.
 */
export const FIRST_CHECK: Command = { ...CHECK, args: ["-c", "-I", "-r", "/"] };

/** What one verb is: everything that csync2rev does differently from verb to verb. */
interface Row {
  /** What it runs, in order. A preview and a reconcile compare too. */
  readonly commands: (scope: Scope) => readonly Command[];
  /** Whether it writes files on the requester. */
  readonly pushes: boolean;
  /** Whether it is to find out first if the requester's csync2 can be reached. */
  readonly needsWayBack: boolean;
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
  previews: false,
  counts: false,
  reconciles: null,
  doing: "answering",
};

/** Everything that a requester may ask for. */
export const VERBS = {
  ping: { ...QUIET, needsWayBack: true },
  /** How many files wait, without a look at the trees. */
  status: { ...QUIET, counts: true, doing: "counting what waits" },
  check: { ...QUIET, commands: () => [CHECK], doing: "checking its files" },
  update: {
    ...QUIET,
    commands: (scope) => [push(scope)],
    pushes: true,
    needsWayBack: true,
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
    reconciles: () => true,
    doing: "reconciling",
  },
  /** What both have: for files that two peers wrote, so that the older version came last. */
  renew: {
    ...QUIET,
    pushes: true,
    needsWayBack: true,
    reconciles: ({ on }) => on === "both",
    doing: "pushing newer versions",
  },
} satisfies Readonly<Record<string, Row>>;

export type Verb = keyof typeof VERBS;

/** A verb by its name; undefined for a name that is none. */
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

/** Compares this host's database with a peer's; the second -v has csync2 name what the peer has recorded. 2 when they are equal. */
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
 * Marks files as dirty whose paths come behind it. For a database of our own: in the host's it would mark them for every peer.
 * The peer may have had a hand in a file's name: behind `--` csync2 takes it for no option.
 */
export function mark({ groups }: Pick<Scope, "groups">): Command {
  return { args: ["-m", ...limitedTo(groups), "--"], good: [0] };
}

/** Pushes what is dirty for the peer. */
export function push({ peer, groups }: Scope): Command {
  return { args: ["-u", "-P", peer, ...limitedTo(groups)], good: [0], talks: true };
}

/**
 * Has csync2 compare what is dirty for the peer, contents too, and write nothing (-d). Files that are the same are no longer dirty
 * afterwards: for a database of our own.
 */
export function compareContents({ peer, groups }: Scope): Command {
  return { args: ["-u", "-d", "-P", peer, ...limitedTo(groups)], good: [0], reads: true };
}

function limitedTo(groups: Scope["groups"]): readonly string[] {
  return groups === null ? [] : ["-G", groups.join(",")];
}
