import type { Csync2Cfg, Host } from "../csync2cfg/model.ts";
import { Csync2revError } from "../errors.ts";
import type { ThisHost } from "../host.ts";
import { Batch } from "./batch.ts";
import { compareWith } from "./compare.ts";
import { demand } from "./insist.ts";
import { Counter } from "./list.ts";
import { typeOf } from "./rows.ts";
import type { RunOptions } from "./run.ts";
import { compareContents, type Scope } from "./verbs.ts";

/** At most about this many files are handled together: their names take about 20 MB. */
const AT_ONCE = 100_000;

/** No more names are kept than this, whatever a peer calls its files. */
const PART_LIMIT = 2 * AT_ONCE;

/** What comparing contents shows. */
export interface Contents {
  /** Both databases have recorded the same of these files, and their contents differ. */
  readonly different: Counter;
  /** csync2 pushes these from this host to nobody, and so compares none of them: a group in which this host is a slave. */
  readonly unknown: Counter;
}

/**
 * Compares the contents of the regular files of which this host's database and the peer's have recorded the same. csync2 does it: it
 * has the peer send the checksums of each file's blocks, as ahead of a push. Both hosts read every file; nothing is written.
 * @param limit so many names of each kind are kept
 * Throws `system` or `output` if csync2 cannot compare them all.
 */
export async function differentContents(
  host: ThisHost,
  scope: Scope,
  cfg: Pick<Csync2Cfg, "groups" | "prefixes">,
  limit: number,
  options: RunOptions,
): Promise<Contents> {
  const isPeer = ({ peername }: Host): boolean => peername === scope.peer;
  const contents: Contents = { different: new Counter(limit), unknown: new Counter(limit) };
  const pushable = cfg.groups
    .filter(({ me, hosts }) => me.peername === scope.me && !me.slave && hosts.some(isPeer))
    .map(({ name }) => name);
  const all = await equalFiles(host, scope, 0, 1, options);
  const parts = Math.ceil(all.count / AT_ONCE);
  for (let part = 0; part < parts; part++) {
    const { files, certificate } = parts === 1 ? all : await equalFiles(host, scope, part, parts, options);
    // Only a host that may push a file can compare it: the peer's csync2 tells a slave nothing.
    const batch = new Batch(host, { ...scope, groups: pushable }, cfg.prefixes);
    try {
      const unknown = new Set(pushable.length === 0 ? files : await batch.mark(files));
      for (const file of unknown) contents.unknown.add(file);
      if (unknown.size === files.length) continue;
      if (certificate !== null) await batch.trust(certificate);
      demand(await batch.run(compareContents(scope), {}, options), "its comparison of contents");
      for (const file of await batch.dirty()) contents.different.add(file);
    } finally {
      batch.close();
    }
  }
  return contents;
}

interface Equal {
  readonly files: readonly string[];
  /** Of all parts. */
  readonly count: number;
  readonly certificate: string | null;
}

/** The regular files that both have recorded alike: those of one part, of so many. Throws `system`. */
async function equalFiles(
  host: ThisHost,
  scope: Scope,
  part: number,
  parts: number,
  options: RunOptions,
): Promise<Equal> {
  let [files, count]: [string[], number] = [[], 0];
  const end = await compareWith(
    host,
    scope,
    {},
    () => {
      [files, count] = [[], 0];
      return {
        differs: () => undefined,
        equals: ({ file, record }) => {
          if (typeOf(record) !== "reg") return;
          count++;
          if (files.length < PART_LIMIT && partOf(file, parts) === part) files.push(file);
        },
      };
    },
    options,
  );
  demand(end, "its comparison");
  if (parts > 1 && files.length === PART_LIMIT)
    throw new Csync2revError("system", "too many files with like names: their contents cannot be compared");
  return { files, count, certificate: end.certificate };
}

/** Deals names out evenly (FNV-1a). */
function partOf(file: string, parts: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < file.length; i++) hash = Math.imul(hash ^ file.charCodeAt(i), 0x01000193);
  return (hash >>> 0) % parts;
}
