import { lstatSync, opendirSync, type Stats } from "node:fs";
import { pathOf, type Prefix } from "../csync2cfg/model.ts";
import { encodePrefixes, parentOf, rootsOf, type Root } from "../csync2cfg/roots.ts";
import { bytes, decode } from "../csync2cfg/source.ts";
import type { ConfiguredHost } from "../host.ts";
import type { MaxDeleted } from "../settings.ts";
import { typeOf, type Recorded } from "./rows.ts";

/** So many rows are held against the disk, and no more if nothing is wrong with them. */
const SAMPLE = 2_000;
/** A directory with no more entries than this, those of its directories included, is nearly empty. */
const NEARLY_EMPTY = 20;
/** A share means nothing for a tree of fewer recorded files than this. */
const FEW = 3;

/** The recorded files below one directory. */
export interface Tree {
  /** The directory, as csync2's database names it: a byte string. */
  readonly name: string;
  readonly recorded: number;
  /** How many of them csync2 would take for deleted. */
  readonly gone: number;
  /** The groups that they are of. */
  readonly groups: ReadonlySet<string>;
}

/** A tree while it is counted. */
type Count = { -readonly [Field in keyof Tree]: Tree[Field] } & { readonly groups: Set<string> };

/**
 * Holds what csync2 has recorded against what is on the disk: first the directories that csync2.cfg includes, then a sample of the
 * recorded files, and all of them if either looks bad, or if a number of files is the limit.
 */
export class Trees {
  readonly #limit: MaxDeleted;
  readonly #prefixes: readonly Prefix[];
  readonly #roots: ReadonlyMap<string, Root>;
  /** Names of roots and trees of which every file is to be looked at. The roots are looked at when the first row comes. */
  #doubtful: Set<string> | undefined;
  readonly #trees = new Map<string, Count>();
  /** Whether a directory is there, and no link on the way to it: csync2 looks behind none. */
  readonly #directories = new Map<string, boolean>();
  #rows = 0;
  #files = 0;

  constructor({ host, configuration }: ConfiguredHost) {
    const { groups, prefixes } = configuration;
    this.#limit = host.settings.maxDeleted;
    this.#prefixes = encodePrefixes(prefixes);
    this.#roots = new Map(rootsOf(groups, prefixes).map((root) => [root.name, root]));
  }

  /** How many files have been taken so far. Directories are none. */
  get files(): number {
    return this.#files;
  }

  /** Whether no more rows need be taken. */
  get seenEnough(): boolean {
    return this.#files > 0 && this.#rows >= SAMPLE && this.#limit.unit === "%" && this.#doubtful?.size === 0;
  }

  /** Takes one row of csync2's list; whether it is that of a file, and not of a directory. */
  take({ file, record }: Recorded): boolean {
    this.#doubtful ??= new Set(this.#doubtfulRoots());
    if (this.#rows === SAMPLE) this.#judgeSample(this.#doubtful);
    this.#rows++;
    if (typeOf(record) === "dir") return false;
    this.#files++;
    const root = this.#rootOf(file);
    if (root === undefined) return true;
    // An include of one file counts with the others in its directory.
    const name = root.name === file ? parentOf(file) || file : root.name;
    const tree = this.#tree(name);
    tree.recorded++;
    for (const group of root.groups) tree.groups.add(group);
    const isLookedAt =
      this.#rows <= SAMPLE ||
      this.#limit.unit !== "%" ||
      this.#doubtful.has(root.name) ||
      this.#doubtful.has(name);
    if (isLookedAt && !this.#isThere(file)) tree.gone++;
    return true;
  }

  /** The trees of which more is gone than may be, the largest loss first. */
  get gone(): readonly Tree[] {
    const { value, unit } = this.#limit;
    return [...this.#trees.values()]
      .filter(({ gone, recorded }) =>
        unit === "%" ? recorded >= FEW && gone * 100 > recorded * value : gone > value,
      )
      .sort((one, other) => other.gone - one.gone);
  }

  /** A tree that has lost half of what it may lose is looked at as a whole. */
  #judgeSample(doubtful: Set<string>): void {
    for (const { name, gone, recorded } of this.#trees.values())
      if (gone * 200 > recorded * this.#limit.value) doubtful.add(name);
  }

  #tree(name: string): Count {
    let tree = this.#trees.get(name);
    if (tree === undefined) this.#trees.set(name, (tree = { name, recorded: 0, gone: 0, groups: new Set() }));
    return tree;
  }

  #rootOf(file: string): Root | undefined {
    for (let name = file; name !== ""; name = parentOf(name)) {
      const root = this.#roots.get(name);
      if (root !== undefined) return root;
    }
    return this.#roots.get("/");
  }

  #doubtfulRoots(): readonly string[] {
    return [...this.#roots.values()].filter((root) => this.#isDoubtful(root)).map(({ name }) => name);
  }

  /** Whether a root is missing or nearly empty, or a link. */
  #isDoubtful({ name, path, named }: Root): boolean {
    if (path === null) return false;
    const stat = statOf(path);
    if (stat === null || stat.isSymbolicLink() || !this.#isDirectory(parentOf(name))) return true;
    return stat.isDirectory() && hasAtMost(named ? NEARLY_EMPTY : 0, path, named);
  }

  /** As csync2 sees it (check.c): a file that cannot be looked at, or is behind a link, has been deleted. */
  #isThere(file: string): boolean {
    const path = pathOf(file, this.#prefixes);
    // csync2 itself does not get so far without the prefix.
    if (path === null) return true;
    return this.#isDirectory(parentOf(file)) && statOf(path) !== null;
  }

  #isDirectory(name: string): boolean {
    if (name === "") return true;
    let known = this.#directories.get(name);
    if (known === undefined) {
      const path = pathOf(name, this.#prefixes);
      const isHere = path === null || statOf(path)?.isDirectory() === true;
      this.#directories.set(name, (known = isHere && this.#isDirectory(parentOf(name))));
    }
    return known;
  }
}

/** What is wrong, for people: "407 of 407 recorded files below /srv/data are gone on h1. Is it mounted?" */
export function describeGone(trees: readonly Tree[], host: string): string {
  const named = trees.slice(0, 3).map(({ name, recorded, gone }, i) => {
    const files = i === 0 ? " recorded files" : "";
    return `${gone} of ${recorded}${files} below ${decode(name)}`;
  });
  const more = trees.length > named.length ? [`those of ${trees.length - named.length} more`] : [];
  const are = trees.length === 1 ? "Is it" : "Are they";
  return `${[...named, ...more].join(" and ")} are gone on ${host}. ${are} mounted?`;
}

/** Null for what cannot be looked at, for whatever reason. */
function statOf(path: string): Stats | null {
  try {
    return lstatSync(bytes(path), { throwIfNoEntry: false }) ?? null;
  } catch {
    return null;
  }
}

/** Whether a directory has no more entries than this, `deep` with those of the directories in it. */
function hasAtMost(most: number, directory: string, deep: boolean): boolean {
  const directories = [directory];
  let count = 0;
  for (const path of directories) {
    try {
      const open = opendirSync(bytes(path), { encoding: "latin1" });
      try {
        for (let entry = open.readSync(); entry !== null; entry = open.readSync()) {
          if (++count > most) return false;
          if (deep && entry.isDirectory()) directories.push(`${path}/${entry.name}`);
        }
      } finally {
        open.closeSync();
      }
    } catch {
      // csync2 could not look into it either.
    }
  }
  return true;
}
