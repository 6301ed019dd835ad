import { pathOf, type Prefix } from "../csync2cfg/model.ts";
import { encode, quote } from "../csync2cfg/source.ts";
import { isLeftover } from "../csync2/leftover.ts";
import { lookIntoDatabase } from "../csync2/look.ts";
import { Csync2revError } from "../errors.ts";
import { csync2Lock, type ThisHost } from "../host.ts";
import { withoutPasswords } from "../printable.ts";
import { failed, ok, warning, type Finding } from "./finding.ts";

const item = "csync2's database";

/** So many leftovers are named. */
const NAMED = 5;

/**
 * Has csync2 read its own database, and names recorded files that a csync2 has left half-made. A csync2 that is stopped reads nothing.
 * @param prefixes those of this host, which are in the names of files
 */
export async function checkDatabase(
  host: ThisHost,
  prefixes: readonly Prefix[],
): Promise<readonly Finding[]> {
  return [...judgePassword(host), ...(await readDatabase(host, prefixes))];
}

function judgePassword({ database = "" }: ThisHost): readonly Finding[] {
  if (withoutPasswords(database) === database) return [];
  return [
    warning(
      item,
      "-D holds a password, which every user of this host sees in ps while csync2 runs",
      'write database "URL"; into csync2.cfg, chmod 600 it, and leave -D out, for csync2 too',
    ),
  ];
}

async function readDatabase(host: ThisHost, prefixes: readonly Prefix[]): Promise<readonly Finding[]> {
  if (csync2Lock(host) !== null) return [];
  const encoded = prefixes.map(({ name, path }) => ({
    name: encode(name),
    path: path === null ? null : encode(path),
  }));
  const leftovers = new Set<string>();
  try {
    const look = await lookIntoDatabase(host, ({ file }) => {
      const path = pathOf(file, encoded);
      if (path !== null && isLeftover(path)) leftovers.add(path);
    });
    switch (look.kind) {
      case "records":
        return [ok(item, "can be read"), ...describeLeftovers(leftovers)];
      case "empty":
        return [ok(item, "can be read; no file is recorded yet, so csync2rev --others reconciles this host")];
      case "unreadable":
        return [
          failed(
            item,
            `csync2 cannot read it: ${look.why}`,
            look.away ? "see that the database's server runs, and that no csync2 hangs" : null,
          ),
        ];
    }
  } catch (error) {
    // A program that is missing is told elsewhere.
    if (error instanceof Csync2revError && error.code === "system") return [];
    throw error;
  }
}

function describeLeftovers(paths: ReadonlySet<string>): readonly Finding[] {
  if (paths.size === 0) return [];
  const named = [...paths].slice(0, NAMED).map(quote).join(", ");
  const more = paths.size > NAMED ? ` and ${paths.size - NAMED} more` : "";
  return [
    warning(
      "half-made files",
      `${named}${more}: a csync2 was ended while it received a file, and csync2 has recorded what it left`,
      "look at them and delete them; csync2 then deletes them on the other members too",
    ),
  ];
}
