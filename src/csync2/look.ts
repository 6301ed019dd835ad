import type { ThisHost } from "../host.ts";
import { attempt, repeat } from "./insist.ts";
import { RecordReader, type Recorded } from "./rows.ts";
import { readCsync2 } from "./run.ts";
import { LIST_FILES } from "./verbs.ts";

/** What a look into this host's csync2 database shows. */
export type Look =
  /** It knows files. */
  | { readonly kind: "records" }
  /** It knows none, directories aside, which csync2 finds on an empty disk too: a new member, a new disk, a database made anew. */
  | { readonly kind: "empty" }
  /** csync2 cannot read it; `why` is csync2's own word. `away`: another csync2 holds it, or its server is away. */
  | { readonly kind: "unreadable"; readonly why: string; readonly away: boolean };

/**
 * Has csync2 list what its database has recorded; changes nothing. Throws `system` if there is no csync2.
 * @param onFile told of each file; the list ends with the first one if nobody wants to be told
 */
export async function lookIntoDatabase(host: ThisHost, onFile?: (row: Recorded) => void): Promise<Look> {
  const found = new AbortController();
  const seen = { files: 0 };
  const end = await repeat(host, {}, async () => {
    const reader = new RecordReader((row) => {
      if (row.record.split(":").includes("type=dir")) return;
      seen.files++;
      if (onFile === undefined) found.abort();
      else onFile(row);
    });
    const listed = await attempt(
      host,
      LIST_FILES,
      {
        stdout: (line) => {
          reader.line(line);
        },
      },
      (...run) => readCsync2(...run, { stop: found.signal }),
    );
    reader.end();
    return listed;
  });
  if (found.signal.aborted) return { kind: "records" };
  if (end.kind === "busy") return { kind: "unreadable", why: end.holder, away: true };
  if (end.exit === 0) return { kind: seen.files === 0 ? "empty" : "records" };
  const { complaint, databaseAway } = end.report;
  return { kind: "unreadable", why: complaint ?? "csync2 gave no reason", away: databaseAway };
}
