import { setTimeout as sleep } from "node:timers/promises";
import { backoffAfter } from "../backoff.ts";
import type { ThisHost } from "../host.ts";
import { OutputReader } from "./output.ts";
import { readCsync2 } from "./run.ts";
import { LIST_FILES } from "./verbs.ts";

/** What a look into this host's csync2 database shows. */
export type Look =
  /** It knows files. */
  | { readonly kind: "records" }
  /** It knows none, directories aside, which csync2 finds on an empty disk too: a new member, a new disk, a database made anew. */
  | { readonly kind: "empty" }
  /** csync2 cannot read it; `why` is csync2's own word. */
  | { readonly kind: "unreadable"; readonly why: string };

/** Has csync2 list what its database has recorded, up to the first file; changes nothing. Throws `system` if there is no csync2. */
export async function lookIntoDatabase(host: ThisHost): Promise<Look> {
  for (let attempts = 1; ; attempts++) {
    const said = new OutputReader();
    const look = await new Promise<Look>((resolve, reject) => {
      readCsync2(host, LIST_FILES, {
        stdout: (line) => {
          if (isFile(line)) resolve({ kind: "records" });
        },
        stderr: (line) => {
          said.stderr(line);
        },
      }).then((end) => {
        if (end.kind === "exited" && LIST_FILES.good.includes(end.exit)) resolve({ kind: "empty" });
        else resolve({ kind: "unreadable", why: said.report.complaint ?? "csync2 gave no reason" });
      }, reject);
    });
    if (look.kind !== "unreadable" || said.report.passing === undefined || attempts > host.settings.retries)
      return look;
    await sleep(backoffAfter(attempts));
  }
}

/** Whether a row of `csync2 -L`, `RECORD TAB FILE`, is that of something else than a directory (checktxt.c). */
function isFile(row: string): boolean {
  const [record, file] = row.split("\t", 2);
  return file !== undefined && record !== undefined && !record.split(":").includes("type=dir");
}
