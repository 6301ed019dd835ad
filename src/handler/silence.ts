import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";

/** The step on a machine at rest, in milliseconds: longer than csync2rev needs to find any reason for silence. */
const STEP = 100;
/** The longest step, as a multiple of the shortest. */
const MOST = 64;

/**
 * When a connection without a reply ends: a multiple of a step after its request. So its time does not show whether the key was wrong or
 * the config name does not exist. All work takes longer while other threads want the processor, so the step grows with their number as it
 * is when the request arrives: nothing depends on the request by then.
 */
export class Silence {
  readonly #began = process.uptime();
  readonly #step = STEP * threadsForEachProcessor();

  /** How long to wait from now, in milliseconds. */
  left(): number {
    return this.#step - (((process.uptime() - this.#began) * 1000) % this.#step);
  }
}

/** Rounded up to a power of two, at most MOST; 1 if the system does not tell. */
function threadsForEachProcessor(): number {
  try {
    const [, running] = / (\d+)\/\d+ /.exec(readFileSync("/proc/loadavg", "latin1")) ?? [];
    const each = Math.max(1, Number(running ?? 1) / availableParallelism());
    return Math.min(MOST, 2 ** Math.ceil(Math.log2(each)));
  } catch {
    return 1;
  }
}
