import type { ThisHost } from "../host.ts";
import { attempt, repeat } from "./insist.ts";
import { RecordReader } from "./rows.ts";
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
  const found = new AbortController();
  const end = await repeat(host, {}, async () => {
    const reader = new RecordReader(({ record }) => {
      if (!record.split(":").includes("type=dir")) found.abort();
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
  if (end.kind === "ended" && end.exit === 0) return { kind: "empty" };
  const why = end.kind === "ended" ? end.report.complaint : end.holder;
  return { kind: "unreadable", why: why ?? "csync2 gave no reason" };
}
