/** What docs/reconcile.md says that csync2rev does not do. A violation that one of these explains does not count. */
export const LIMITS = {
  "check-cut": {
    words: "A csync2 that is killed or loses power in a check can forget to mark the file it had in hand",
  },
  "auto-decides": {
    words: "If both hosts changed a file, the group's `auto` method decides",
  },
  "deletion-comes-back": {
    words: "a peer that was down can bring a deleted file back",
  },
  "receiver-cut": {
    words: "The next check on that host takes both for changes of its own",
  },
  "third-host": {
    words: "this host can keep the version that lost",
  },
  "third-host-carries": {
    words: "a reconcile from there brings it back",
  },
} as const;
export type Limit = keyof typeof LIMITS;

/** Counts how often a limit explained what was found. */
export class LimitsMet {
  readonly counts = new Map<Limit, number>();

  /** Counts a limit if it applies, and says whether it does. */
  explains(limit: Limit, applies: boolean): boolean {
    if (!applies) return false;
    this.counts.set(limit, (this.counts.get(limit) ?? 0) + 1);
    return true;
  }
}
