import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { Csync2revError } from "./errors.ts";

/*
 * The text format of Prometheus, in a file for the textfile collector of node_exporter.
 */

/** node_exporter runs as a user of its own. */
const MODE = 0o644;
/** The previous file is read only up to this size, in bytes. */
const READ_LIMIT = 1 << 20;

export type Labels = Readonly<Record<string, string>>;

/** One metric, a gauge, with its samples. */
export interface Metric {
  readonly name: string;
  readonly help: string;
  readonly samples: readonly { readonly labels: Labels; readonly value: number }[];
}

/** A metric with one sample for each element of `all`. */
export function gaugeOfEach<T extends { readonly labels: Labels }>(
  all: readonly T[],
  name: string,
  help: string,
  value: (one: T) => number,
): Metric {
  return { name, help, samples: all.map((one) => ({ labels: one.labels, value: value(one) })) };
}

/**
 * Writes metrics with one atomic rename.
 * @param metricsOf makes the metrics. It gets a function that finds a value in the previous file by the sample's name; 0 if there is none
 * Throws `system` if the file cannot be written.
 */
export function writeMetrics(
  file: string,
  metricsOf: (before: (sample: string) => number) => Metric[],
): void {
  const before = readSamples(file);
  const text = metricsOf((sample) => before.get(sample) ?? 0)
    .map(render)
    .join("");
  const part = `${file}.${randomBytes(6).toString("hex")}.part`;
  let made = false;
  try {
    const fd = openSync(part, "wx", MODE);
    made = true;
    try {
      fchmodSync(fd, MODE);
      writeSync(fd, text);
    } finally {
      closeSync(fd);
    }
    renameSync(part, file);
  } catch (cause) {
    if (made) rmSync(part, { force: true });
    const { code } = cause as NodeJS.ErrnoException;
    throw new Csync2revError(
      "system",
      `cannot write the metrics to ${file}: ${code ?? "unknown error"}; make its folder, writable for root`,
      { cause },
    );
  }
}

function render({ name, help, samples }: Metric): string {
  const lines = samples.map(({ labels, value }) => `${sampleName(name, labels)} ${String(value)}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${lines.join("")}`;
}

/** The name of a sample with its labels. */
export function sampleName(name: string, labels: Labels): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${escaped(value)}"`);
  return pairs.length === 0 ? name : `${name}{${pairs.join(",")}}`;
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

/** The samples of a file that this program wrote; none if there is no such file. The folder may belong to another user. */
function readSamples(file: string): ReadonlyMap<string, number> {
  const samples = new Map<string, number>();
  let fd: number;
  try {
    fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return samples;
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile() || stat.size > READ_LIMIT) return samples;
    for (const line of readFileSync(fd, "utf8").split("\n")) {
      const [, name, value] = /^([^#].*) (\d+(?:\.\d+)?)$/.exec(line) ?? [];
      if (name !== undefined) samples.set(name, Number(value));
    }
    return samples;
  } finally {
    closeSync(fd);
  }
}
