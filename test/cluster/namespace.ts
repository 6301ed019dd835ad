import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/**
 * A process that holds namespaces open. It waits for the end of its standard input, so that everything it holds
 * vanishes with us, however we end. Its script says its pid in a line, waits for one, says "ready", and
 * waits.
 */
export class Holder {
  /** As this process sees it, whatever PID namespace the holder is in. */
  readonly pid: number;
  /** Whether its namespaces belong to a user namespace, because we are not root. */
  readonly rootless: boolean;
  readonly #child: Child;
  readonly #next: () => Promise<string>;

  private constructor(child: Child, next: () => Promise<string>, pid: number, rootless: boolean) {
    this.#child = child;
    this.#next = next;
    this.pid = pid;
    this.rootless = rootless;
  }

  /** Starts a command that ends up running a holder's script, and waits until that has said its pid. */
  static async start(command: readonly string[], rootless: boolean): Promise<Holder> {
    const [program = "", ...args] = command;
    const child = spawn(program, args, { detached: true, stdio: ["pipe", "pipe", "pipe"] });
    let complaint = "";
    child.on("error", (error) => (complaint += error.message));
    child.stdin.on("error", () => undefined); // it has ended, which the next line tells
    child.stderr.setEncoding("utf8").on("data", (text: string) => (complaint += text));
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    const next = async (): Promise<string> => {
      const line = await lines.next();
      if (line.done !== true) return line.value;
      if (!child.stderr.closed && child.pid !== undefined) await once(child.stderr, "close");
      throw new Error(complaint.trim() || "the process that holds a namespace ended");
    };
    return new Holder(child, next, Number(await next()), rootless);
  }

  /** Lets the script go on after what was prepared for it from outside, and waits until it has done its part. */
  async proceed(): Promise<void> {
    this.#child.stdin.write("go\n");
    const answer = await this.#next();
    if (answer !== "ready")
      throw new Error(`unexpected line from the process that holds a namespace: ${answer}`);
    this.#keepAwake(false);
  }

  /** Ends it, and with the first process of a PID namespace everything in there. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#keepAwake(true);
    const exited = once(this.#child, "exit");
    signal(this.pid, "SIGKILL");
    await exited;
  }

  /** A test that does not close its cluster must still end. */
  #keepAwake(awake: boolean): void {
    const { stdin, stdout, stderr } = this.#child;
    for (const handle of [this.#child, stdin, stdout, stderr] as { ref?: () => void; unref?: () => void }[]) {
      if (awake) handle.ref?.();
      else handle.unref?.();
    }
  }
}

/** The command that runs `command` in these of a holder's namespaces. */
export function entering(
  holder: Holder,
  namespaces: readonly string[],
  command: readonly string[],
): string[] {
  const user = holder.rootless ? ["--user", "--preserve-credentials"] : [];
  return ["nsenter", "--target", String(holder.pid), ...user, ...namespaces, "--", ...command];
}

/** The processes that `pid` has started and that are still there, as this process sees them. */
export function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** Sends a signal, to a process or with a negative pid to its group; false if it has ended. */
export function signal(pid: number, name: NodeJS.Signals | number): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}
