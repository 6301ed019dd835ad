import { encode } from "../csync2cfg/source.ts";
import type { Difference } from "../csync2/merge.ts";
import { Names } from "../csync2/names.ts";
import { OutputReader } from "../csync2/output.ts";
import type { Turn } from "./turn.ts";

/** At most this many names of files that one peer wrote are kept, and fewer if they are long. */
const NAMES_KEPT = 100_000;
/** How a handler says that it has left out lines of csync2 (handler/replies.ts), and how it ends a line that it has cut. */
const LEFT_OUT = /^\(\d+ lines left out|…$/;

/** The files that one host has written here in this run. */
interface Written {
  readonly files: Names;
  /** Whether lines that say what it wrote have been left out. */
  leftOut: boolean;
}

/**
 * Which peer wrote which file on this host in one run. For csync2, a pushed file replaces the file that another peer pushed before, even a
 * newer one: this host has not changed the file itself, so the `auto` method is not asked.
 */
export class Writers {
  /** By hostname: a host can be asked under two peernames. */
  readonly #written = new Map<string, Written>();

  /** Listens to csync2's lines on one peer, as they come from the wire. One listener for each conversation. */
  listenTo(turn: Turn): (line: string) => void {
    const { hostname } = turn.route.peer;
    const known = this.#written.get(hostname);
    const written = known ?? nothing();
    if (known === undefined) this.#written.set(hostname, written);
    const reader = new OutputReader((file) => {
      written.files.add(file);
    });
    return (line) => {
      if (LEFT_OUT.test(line)) written.leftOut = true;
      reader.stderr(encode(line));
    };
  }

  /** Whether a peer wrote a file that another one may have written too. */
  hasShared(turn: Turn): boolean {
    const { own, others } = this.#of(turn);
    const mayShare = (other: Written): boolean =>
      (isIncomplete(own) && isSome(other)) ||
      (isIncomplete(other) && isSome(own)) ||
      [...own.files].some((file) => other.files.has(file));
    return others.some(mayShare);
  }

  /**
   * Whether a difference from a peer comes from another peer that also wrote the file. If this host's version is newer, it does not count:
   * the peer will still get it. If not all names are known, only a newer version on the peer is certain.
   */
  explain(turn: Turn, { file, on, newer }: Difference): boolean {
    const { own, others } = this.#of(turn);
    if (on === "both" && newer === "here") return false;
    if (own.files.has(file) && others.some(({ files }) => files.has(file))) return true;
    const mayHave = (written: Written): boolean => written.files.has(file) || isIncomplete(written);
    return on === "both" && newer === "there" && mayHave(own) && others.some(mayHave);
  }

  #of(turn: Turn): { readonly own: Written; readonly others: readonly Written[] } {
    const { hostname } = turn.route.peer;
    return {
      own: this.#written.get(hostname) ?? nothing(),
      others: [...this.#written].filter(([host]) => host !== hostname).map(([, written]) => written),
    };
  }
}

function nothing(): Written {
  return { files: new Names(NAMES_KEPT), leftOut: false };
}

/** Whether it may have written more than is known. */
function isIncomplete({ files, leftOut }: Written): boolean {
  return leftOut || !files.isComplete;
}

function isSome(written: Written): boolean {
  return written.files.size > 0 || isIncomplete(written);
}
