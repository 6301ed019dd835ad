import type { Contents } from "../csync2/contents.ts";
import { Counter } from "../csync2/list.ts";
import type { Difference } from "../csync2/merge.ts";
import type { PeerResult } from "../requester/outcome.ts";

/** At most this many files of each kind are named; all are counted. */
export const NAMES_OF_A_KIND = 1_000;

/** The kinds of difference, in the order in which they are told, with what would help. */
const KINDS: readonly (readonly [what: string, is: (difference: Difference) => boolean])[] = [
  ["newer there: --reconcile brings them", ({ on, newer }) => on === "both" && newer === "there"],
  ["only there, new or deleted elsewhere: --reconcile brings them too", ({ on }) => on === "there"],
  [
    "newer here: csync2rev --others --reconcile there brings them",
    ({ on, newer }) => on === "both" && newer === "here",
  ],
  [
    "only here, new or deleted elsewhere: csync2rev --others --reconcile there brings them too",
    ({ on }) => on === "here",
  ],
  ["where csync2rev cannot tell which version is newer", ({ newer }) => newer === null],
];

const DIFFERENT_CONTENTS =
  "with other contents, though size and time are the same: touch the good copy and run csync2 -x on its host";
const UNKNOWN_CONTENTS =
  "whose contents were not compared: this host is a slave there, so csync2 pushes none of them; run it on the peer";

/** Counts differences by kind, and names the first of each. */
export class Differences {
  readonly #kinds = KINDS.map(([what, is]) => ({ what, is, found: new Counter(NAMES_OF_A_KIND) }));

  #contents: Contents | null = null;

  add(difference: Difference): void {
    this.#kinds.find(({ is }) => is(difference))?.found.add(difference.file);
  }

  addContents(contents: Contents): void {
    this.#contents = contents;
  }

  /** Whether a file is newer on the peer. */
  get hasNewerThere(): boolean {
    return (this.#kinds[0]?.found.count ?? 0) > 0;
  }

  /** What they make of a peer's result: nothing if there are none. Files are named in the order of their kinds. */
  get result(): Partial<PeerResult> {
    const contents =
      this.#contents === null
        ? []
        : [
            { what: DIFFERENT_CONTENTS, found: this.#contents.different },
            { what: UNKNOWN_CONTENTS, found: this.#contents.unknown },
          ];
    const kinds = [...this.#kinds, ...contents].filter(({ found }) => found.count > 0);
    if (kinds.length === 0) return {};
    return {
      outcome: "pending",
      reason: "differs",
      detail: kinds.map(({ what, found }) => `${found.count} ${what}`).join("; "),
      pending: kinds.reduce((sum, { found }) => sum + found.count, 0),
      files: kinds.flatMap(({ found }) => found.names()),
    };
  }
}
