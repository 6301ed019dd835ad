import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { debianRoot } from "../machines/root.ts";

const INCLUDE = [
  ...["csync2", "libsqlite3-0", "openbsd-inetd", "update-inetd", "netbase", "iproute2"],
  ...["systemd", "systemd-sysv", "dbus"],
];
/** In milliseconds. */
const BOOTS_WITHIN = 60_000;
const POLL = 100;

/** A Debian as debootstrap makes it, with its own Node.js and csync2. Made once; needs root. */
export async function cleanRoot(): Promise<string> {
  return debianRoot("bookworm", INCLUDE);
}

/** A machine of its own, with systemd as its first process. Needs root and a cgroup2 file system. */
export class Machine {
  readonly #child: ChildProcess;
  readonly #cgroup: string;
  readonly #pid: number;
  static #booted = 0;

  private constructor(child: ChildProcess, cgroup: string, pid: number) {
    this.#child = child;
    this.#cgroup = cgroup;
    this.#pid = pid;
  }

  /**
   * Boots one from a root folder, which stays as it is, with a package as /root/csync2rev.deb.
   * @param prepare a line of shell that runs on its disk ahead of that
   */
  static async boot(root: string, packageFile: string, prepare = ":"): Promise<Machine> {
    const cgroup = join(cgroup2(), `csync2rev-test-${process.pid}-${Machine.#booted++}`);
    mkdirSync(cgroup);
    const enter = `echo $$ >"$1/cgroup.procs"; shift; exec unshare --cgroup --mount --pid --net --uts --ipc --fork --kill-child bash "$@"`;
    const script = join(import.meta.dirname, "machine.sh");
    const child = spawn("bash", ["-c", enter, "machine", cgroup, script, root, packageFile, prepare], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let console = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => (console += text));
    const end = performance.now() + BOOTS_WITHIN;
    while (performance.now() < end && child.exitCode === null) {
      const inner = childOf(childOf(child.pid) ?? child.pid);
      const pid = inner ?? childOf(child.pid);
      if (pid !== undefined) {
        const machine = new Machine(child, cgroup, pid);
        const { stdout } = machine.run("systemctl is-system-running");
        if (/^(running|degraded)$/m.test(stdout)) return machine;
      }
      await sleep(POLL);
    }
    child.kill("SIGKILL");
    await removeCgroup(cgroup);
    throw new Error(`the machine does not boot: ${console}`);
  }

  /** Runs a shell command in it. */
  run(command: string): { readonly status: number | null; readonly stdout: string } {
    const clean = [
      "env",
      "-i",
      "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
      "LANG=C.UTF-8",
      "sh",
      "-c",
      `exec 2>&1; ${command}`,
    ];
    return spawnSync("nsenter", ["--target", String(this.#pid), "--all", ...clean], { encoding: "utf8" });
  }

  /** The command that starts a program of this host in the machine's network, or in one that `ip netns add` has made there. */
  inNetwork(command: readonly string[], network?: string): string[] {
    const file = network === undefined ? "ns/net" : `root/run/netns/${network}`;
    return ["nsenter", `--net=/proc/${this.#pid}/${file}`, ...command];
  }

  /** Writes a file in it. */
  write(file: string, content: string | Uint8Array): void {
    writeFileSync(join(`/proc/${this.#pid}/root`, file), content);
  }

  /** Waits until a shell command succeeds. */
  async until(command: string, within = 30_000): Promise<void> {
    const end = performance.now() + within;
    for (;;) {
      const { status, stdout } = this.run(command);
      if (status === 0) return;
      if (performance.now() > end) throw new Error(`${command}: not so after ${within} ms\n${stdout}`);
      await sleep(POLL);
    }
  }

  async close(): Promise<void> {
    if (this.#child.exitCode === null) {
      const exited = once(this.#child, "exit");
      this.#child.kill("SIGKILL");
      await exited;
    }
    await removeCgroup(this.#cgroup);
  }
}

function childOf(pid: number | undefined): number | undefined {
  if (pid === undefined) return undefined;
  try {
    const [first = ""] = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ");
    return first === "" ? undefined : Number(first);
  } catch {
    return undefined;
  }
}

/** Where the unified hierarchy of control groups is mounted. */
function cgroup2(): string {
  const mount = /^\S+ (\S+) cgroup2 /m.exec(readFileSync("/proc/mounts", "utf8"))?.[1];
  if (mount === undefined) throw new Error("no cgroup2 file system is mounted");
  return mount;
}

/** Its processes end in their own time after the first of them. */
async function removeCgroup(folder: string): Promise<void> {
  for (let attempts = 0; attempts < 50; attempts++) {
    try {
      const folders = readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map((entry) => join(entry.parentPath, entry.name));
      for (const inner of folders.sort((a, b) => b.length - a.length)) rmdirSync(inner);
      rmdirSync(folder);
      return;
    } catch {
      await sleep(POLL);
    }
  }
}
