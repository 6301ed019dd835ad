import type { Difference } from "../csync2/compare.ts";
import type { PeerResult } from "../requester/outcome.ts";

/** The kinds of difference, in the order in which they are told, with what would help. */
const DIFFERENCES: readonly (readonly [what: string, is: (difference: Difference) => boolean])[] = [
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
  ["of which nobody can tell which is newer", ({ newer }) => newer === null],
];

/** What `--verify` makes of a peer that has delivered all: nothing new if nothing differs. The files are named in the order of their kinds. */
export function whatDiffers(differences: readonly Difference[]): Partial<PeerResult> {
  if (differences.length === 0) return {};
  const kinds = DIFFERENCES.map(([what, is]) => ({ what, found: differences.filter(is) }));
  const found = kinds.filter((kind) => kind.found.length > 0);
  return {
    outcome: "pending",
    reason: "differs",
    detail: found.map((kind) => `${kind.found.length} ${kind.what}`).join("; "),
    pending: differences.length,
    files: found.flatMap((kind) => kind.found.map(({ file }) => file)),
  };
}
