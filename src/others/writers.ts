import { encode } from "../csync2cfg/source.ts";
import type { Difference } from "../csync2/merge.ts";
import { OutputReader } from "../csync2/output.ts";
import type { Turn } from "./turn.ts";

/** At most this many names of files that one peer wrote are kept: about 20 MB. */
const NAMES_KEPT = 100_000;
/** How a handler says that it has left out lines of csync2's (handler/replies.ts), and how it ends one that it has cut. */
const LEFT_OUT = /^\(\d+ lines left out|…$/;

/** What one host has written here in this run. */
interface Written {
  readonly files: Set<string>;
  /** Whether it may have written more than is known. */
  incomplete: boolean;
}

/**
 * Who wrote which file on this host in one run. csync2 puts what a peer pushes over what the peer before it has pushed, whichever is
 * newer: this host has not changed the file itself, and so is not asked which one wins.
 */
export class Writers {
  /** By hostname: a host can be asked under two peernames. */
  readonly #written = new Map<string, Written>();

  /** Listens to csync2's lines on one peer, as the wire has them. One listener a conversation. */
  listenTo(turn: Turn): (line: string) => void {
    const { hostname } = turn.route.peer;
    const known = this.#written.get(hostname);
    const written = known ?? { files: new Set(), incomplete: false };
    if (known === undefined) this.#written.set(hostname, written);
    const reader = new OutputReader((file) => {
      if (written.files.size < NAMES_KEPT) written.files.add(file);
      else written.incomplete = true;
    });
    return (line) => {
      if (LEFT_OUT.test(line)) written.incomplete = true;
      reader.stderr(encode(line));
    };
  }

  /** Whether a peer wrote a file that another one may have written too. */
  hasShared(turn: Turn): boolean {
    const { own, others } = this.#of(turn);
    const mayShare = (other: Written): boolean =>
      (own.incomplete && isSome(other)) ||
      (other.incomplete && isSome(own)) ||
      [...own.files].some((file) => other.files.has(file));
    return others.some(mayShare);
  }

  /**
   * Whether a difference from a peer is due to another one that wrote the file too. That this host has a newer version than the peer
   * is none: the peer has yet to get it. If not all names are known, only what is newer there is sure.
   */
  explain(turn: Turn, { file, on, newer }: Difference): boolean {
    const { own, others } = this.#of(turn);
    if (on === "both" && newer === "here") return false;
    if (own.files.has(file) && others.some(({ files }) => files.has(file))) return true;
    const mayHave = (written: Written): boolean => written.files.has(file) || written.incomplete;
    return on === "both" && newer === "there" && mayHave(own) && others.some(mayHave);
  }

  #of(turn: Turn): { readonly own: Written; readonly others: readonly Written[] } {
    const { hostname } = turn.route.peer;
    return {
      own: this.#written.get(hostname) ?? { files: new Set(), incomplete: false },
      others: [...this.#written].filter(([host]) => host !== hostname).map(([, written]) => written),
    };
  }
}

function isSome({ files, incomplete }: Written): boolean {
  return files.size > 0 || incomplete;
}
