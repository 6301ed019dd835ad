import { writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { chart, isKept, type Row, table } from "./results.ts";
import type { Extent } from "./stage.ts";
import { bigConfiguration } from "./rows/big-configuration.ts";
import { bigTrees } from "./rows/big-trees.ts";
import { conversation } from "./rows/conversation.ts";
import { memory } from "./rows/memory.ts";
import { millionFiles } from "./rows/million-files.ts";
import { onePeer } from "./rows/one-peer.ts";
import { pushes } from "./rows/pushes.ts";
import { sevenPeers } from "./rows/seven-peers.ts";
import { thousandPeers } from "./rows/thousand-peers.ts";

const SUBJECTS: Readonly<Record<string, (extent: Extent) => Promise<Row[]>>> = {
  conversation,
  memory,
  "one-peer": onePeer,
  "seven-peers": sevenPeers,
  "thousand-peers": thousandPeers,
  pushes,
  "big-configuration": bigConfiguration,
  "big-trees": bigTrees,
  "million-files": millionFiles,
};

// An extra file of certificates costs every Node 45 ms, and says nothing about csync2rev.
delete process.env["NODE_EXTRA_CA_CERTS"];

const args = process.argv.slice(2);
const quick = args.includes("--quick");
const wanted = args.filter((arg) => arg !== "--quick");
const unknown = wanted.find((name) => !Object.hasOwn(SUBJECTS, name));
if (unknown !== undefined)
  throw new Error(`there is no "${unknown}", only ${Object.keys(SUBJECTS).join(", ")} and --quick`);

const rows: Row[] = [];
for (const [name, measure] of Object.entries(SUBJECTS)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const began = performance.now();
  const onNode = await measure({ quick, build: "node" });
  const standalone = await measure({ quick, build: "standalone" });
  const found = standalone.map((row, index) => ({ ...row, onNode: onNode[index] ?? row }));
  rows.push(...found);
  process.stdout.write(table(found));
  process.stderr.write(`${name} took ${((performance.now() - began) / 1000).toFixed(0)} s\n`);
}

// Only a whole run makes the figures that are shown.
if (!quick && wanted.length === 0) {
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? "unknown processor"}, ${(totalmem() / 2 ** 30).toFixed(0)} GB, Node ${process.versions.node}`;
  const about = `Made by \`npm run bench\` on ${machine}. A row's figure and the one beside it are medians of runs that took turns; both builds were measured one after the other.`;
  writeFileSync(
    join(import.meta.dirname, "results.md"),
    `# What csync2rev costs\n\n${about}\n\n${table(rows)}`,
  );
  writeFileSync(join(import.meta.dirname, "results.svg"), chart(rows));
}
const broken = rows.filter((row) => !isKept(row));
if (broken.length > 0) process.stderr.write(`${broken.length} of ${rows.length} rows miss their limit\n`);
