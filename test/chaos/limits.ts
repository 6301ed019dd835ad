/** What csync2rev says it does not do: the README's heading, and words that stand below it. A violation that one of these explains is none. */
export const LIMITS = {
  "check-cut": {
    heading: "When the origin of a change is gone: --reconcile",
    words: "A csync2 that is killed or loses power in a check can forget to mark the file it had in hand",
  },
  "auto-decides": {
    heading: "When the origin of a change is gone: --reconcile",
    words: "Files that both hosts have changed are the group's `auto` method's to decide",
  },
  "deletion-comes-back": {
    heading: "When the origin of a change is gone: --reconcile",
    words: "a stale peer can bring one back",
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
