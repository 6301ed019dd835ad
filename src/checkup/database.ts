import { pathOf } from "../csync2cfg/model.ts";
import { encodePrefixes } from "../csync2cfg/roots.ts";
import { quote } from "../csync2cfg/source.ts";
import { isLeftover } from "../csync2/leftover.ts";
import { lookIntoDatabase } from "../csync2/look.ts";
import { describeGone } from "../csync2/trees.ts";
import { Csync2revError } from "../errors.ts";
import { csync2Lock, type ConfiguredHost, type HostOptions } from "../host.ts";
import { withoutPasswords } from "../printable.ts";
import { unless, type Limits } from "../requester/limits.ts";
import { ownTreeRemedies } from "../requester/remedies.ts";
import { failed, ok, warning, type Finding } from "./finding.ts";

const item = "csync2's database";

/** So many leftovers are named. */
const NAMED = 5;

/**
 * Has csync2 read its own database, looks if the files are there, and names recorded files that a csync2 has left half-made. A csync2
 * that is stopped reads nothing.
 */
export async function checkDatabase(
  site: ConfiguredHost,
  options: HostOptions,
  limits: Limits,
): Promise<readonly Finding[]> {
  return [...judgePassword(site.host), ...(await readDatabase(site, options, limits))];
}

function judgePassword({ database = "" }: ConfiguredHost["host"]): readonly Finding[] {
  if (withoutPasswords(database) === database) return [];
  return [
    warning(
      item,
      "-D holds a password, which every user of this host sees in ps while csync2 runs",
      'write database "URL"; into csync2.cfg, chmod 600 it, and leave -D out, for csync2 too',
    ),
  ];
}

async function readDatabase(
  site: ConfiguredHost,
  options: HostOptions,
  limits: Limits,
): Promise<readonly Finding[]> {
  if (csync2Lock(site.host) !== null) return [];
  const prefixes = encodePrefixes(site.configuration.prefixes);
  const leftovers = new Set<string>();
  try {
    const looking = lookIntoDatabase(site, {}, (file) => {
      const path = pathOf(file, prefixes);
      if (path !== null && isLeftover(path)) leftovers.add(path);
    });
    const look = await unless(["deadline"], limits, looking);
    switch (look.kind) {
      case "records":
        return [ok(item, "can be read"), ...describeLeftovers(leftovers)];
      case "empty":
        return [ok(item, "can be read; no file is recorded yet, so csync2rev --others reconciles this host")];
      case "gone":
        return [
          failed("files", describeGone(look.trees, site.host.hostname), ownTreeRemedies(options).join("; ")),
        ];
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
    if (!(error instanceof Csync2revError)) throw error;
    // A program that is missing is told elsewhere.
    if (error.code === "system") return [];
    if (error.code === "gone")
      return [failed(item, `csync2 has not read it: ${error.message}`, "see that no csync2 hangs")];
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
