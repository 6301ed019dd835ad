import { lookIntoDatabase } from "../csync2/look.ts";
import { Csync2revError } from "../errors.ts";
import { csync2Lock, type ThisHost } from "../host.ts";
import { failed, ok, type Finding } from "./finding.ts";

/** Has csync2 read its own database; a csync2 that is stopped reads nothing. */
export async function checkDatabase(host: ThisHost): Promise<readonly Finding[]> {
  const item = "csync2's database";
  if (csync2Lock(host) !== null) return [];
  try {
    const look = await lookIntoDatabase(host);
    switch (look.kind) {
      case "records":
        return [ok(item, "can be read")];
      case "empty":
        return [ok(item, "can be read; no file is recorded yet, so csync2rev --others reconciles this host")];
      case "unreadable":
        return [failed(item, `csync2 cannot read it: ${look.why}`, null)];
    }
  } catch (error) {
    // A program that is missing is told elsewhere.
    if (error instanceof Csync2revError && error.code === "system") return [];
    throw error;
  }
}
