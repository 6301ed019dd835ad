import { createInterface } from "node:readline";
import { lookIntoDatabase } from "../src/csync2/look.ts";
import { openHost } from "../src/host.ts";
import { MAX_DELETED_RULE } from "../src/settings.ts";

// Runs on a host of the cluster, for as long as it is spoken to: a `max-deleted` a line, then the milliseconds of a look.
for await (const line of createInterface(process.stdin)) {
  const opened = openHost({ maxDeleted: MAX_DELETED_RULE.read(line) }, process.env);
  if (opened.configuration === null) throw opened.configurationFault;
  const began = performance.now();
  const { kind } = await lookIntoDatabase(opened);
  if (kind !== "records") throw new Error(kind);
  process.stdout.write(`${performance.now() - began}\n`);
}
