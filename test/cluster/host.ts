import assert from "node:assert/strict";
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { childrenOf, entering, Holder, signal } from "./namespace.ts";
import {
  type Service,
  type ServiceText,
  type Superserver,
  WITHOUT_SETGROUPS,
  configure,
  csync2,
  csync2rev,
} from "./services.ts";
import { type LogLine, parseLog } from "./syslog.ts";
import { type Tree, treeOf } from "./tree.ts";

const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const RUN_TIMEOUT_MS = 120_000;
const LISTEN_TIMEOUT_MS = 20_000;
/** At first, for what happens at once; then ever more seldom, since others want the processor. */
const POLL_MS = { first: 2, longest: 40 };

const INIT = join(import.meta.dirname, "init.pl");

type Env = Readonly<Record<string, string>>;

/** A line for the host's shell (bash), or a program and its arguments, which no shell then looks at. */
export type Command = string | readonly string[];

export interface RunOptions {
  readonly input?: string | Uint8Array;
  readonly env?: Env;
  /** In milliseconds; a program that runs longer is killed, and the promise rejected. */
  readonly timeout?: number;
}

export interface RunResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface HostProcess {
  /** In the host's own PID namespace. */
  readonly pid: number;
  readonly command: string;
}

/** What a host needs from the cluster that it is part of. */
export interface Surroundings {
  readonly holder: Holder;
  /** Where the host's file system is on the real machine. */
  readonly root: string;
  /** Where the holder's namespace has it. */
  readonly rootInside: string;
  plugIn(pid: number): Promise<void>;
  attach(attached: boolean): Promise<void>;
}

/** One host of a cluster: a machine of its own as far as the programs on it can tell. */
export class Host {
  readonly name: string;
  readonly #around: Surroundings;
  #init: Holder | undefined;
  #superserver: { child: ChildProcessWithoutNullStreams; output: () => string }[] = [];
  #served: (() => Promise<void>) | undefined;
  #attached = true;

  constructor(name: string, around: Surroundings) {
    this.name = name;
    this.#around = around;
  }

  get up(): boolean {
    return this.#init !== undefined;
  }

  /**
   * Where a file of this host's disk is on the real machine, also while the host is down. What is mounted on the
   * running host cannot be seen there.
   */
  path(file: string): string {
    return join(this.#around.root, file);
  }

  /** Writes a file, and the directories that it is in. */
  write(file: string, content: string | Uint8Array, mode = 0o644): void {
    const path = this.path(file);
    const before = statSync(path, { throwIfNoEntry: false });
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content, { mode });
    // csync2 tells a change by size and whole seconds, and tests change files faster than that.
    if (!before) return;
    const seconds = Math.floor(before.mtimeMs / 1000) + 1;
    if (statSync(path).mtimeMs < seconds * 1000) utimesSync(path, seconds, seconds);
  }

  read(file: string): string {
    return readFileSync(this.path(file), "utf8");
  }

  /** Removes a file, or a directory with all that is in it. */
  remove(file: string): void {
    rmSync(this.path(file), { recursive: true, force: true });
  }

  /** What is in a directory, for comparing it with another host's. */
  tree(directory = "/srv/data"): Tree {
    return treeOf(this.path(directory));
  }

  /** Switches the host on, with the services that it had when it was switched off. */
  async boot(): Promise<void> {
    if (this.#init) return;
    const { holder, rootInside } = this.#around;
    for (const directory of ["/run", "/tmp"])
      for (const left of readdirSync(this.path(directory))) this.remove(join(directory, left));
    const unshare = ["unshare", "--mount", "--net", "--uts", "--pid", "--fork", "--kill-child"];
    const script = ["perl", INIT, this.name, rootInside, process.arch];
    const init = await Holder.start(
      entering(holder, ["--mount", "--net"], [...unshare, ...script]),
      holder.rootless,
    );
    await this.#around.plugIn(init.pid);
    await init.proceed();
    this.#init = init;
    this.#attached = true;
    await this.#served?.();
  }

  /** Cuts the power: everything on the host stops at once, and packets to it get no answer any more. */
  async powerOff(): Promise<void> {
    const init = this.#init;
    if (!init) return;
    this.#init = undefined;
    this.#superserver = [];
    this.#attached = true;
    await this.#around.attach(false);
    await init.kill();
  }

  /** Ends everything on the host; its connections may notice, unlike when the power is cut. */
  async end(): Promise<void> {
    const init = this.#init;
    this.#init = undefined;
    this.#superserver = [];
    await init?.kill();
  }

  /** Packets from and to the host are lost until {@link mendNetwork}. */
  async cutNetwork(): Promise<void> {
    await this.#around.attach(false);
    this.#attached = false;
  }

  async mendNetwork(): Promise<void> {
    if (this.#attached) return;
    await this.#around.attach(true);
    this.#attached = true;
  }

  /**
   * Starts a command on the host, as its root and with a clean environment. The child's `kill` reaches the program
   * itself, or the shell of a line that is more than one program.
   */
  spawn(command: Command, env: Env = {}): ChildProcessWithoutNullStreams {
    const init = this.#running();
    const argv = typeof command === "string" ? ["bash", "-c", command] : command;
    const [program = "", ...args] = entering(init, ["--mount", "--net", "--uts", "--pid"], argv);
    const child = spawn(program, args, {
      detached: true,
      env: { PATH, HOME: "/root", USER: "root", LOGNAME: "root", LANG: "C.UTF-8", ...env },
    });
    child.stdin.on("error", () => undefined); // a program need not read what it is given
    child.kill = (name = "SIGTERM") => {
      // Between us and the program there is nsenter, which passes no signals on but ends as the program does.
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return false;
      const [program] = childrenOf(child.pid);
      return signal(program ?? -child.pid, name);
    };
    return child;
  }

  /** Runs a command on the host to its end, however it ends. */
  async run(command: Command, options: RunOptions = {}): Promise<RunResult> {
    const child = this.spawn(command, options.env);
    const out = { stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (text: string) => (out.stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (out.stderr += text));
    child.stdin.end(options.input);
    const timeout = options.timeout ?? RUN_TIMEOUT_MS;
    const timer = setTimeout(() => {
      const what = `${this.name}: ${lineOf(command)}: no end after ${timeout} ms`;
      child.emit("error", new Error([what, out.stdout, out.stderr].join("\n")));
      if (child.pid !== undefined) signal(-child.pid, "SIGKILL");
      child.stdout.destroy();
      child.stderr.destroy();
    }, timeout);
    try {
      const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
      return { code, signal, ...out };
    } finally {
      clearTimeout(timer);
    }
  }

  /** Runs a command on the host, which must succeed; what it prints to stdout. */
  async shell(command: Command, options: RunOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.run(command, options);
    assert.equal(code, 0, `${this.name}# ${lineOf(command)}\n${stdout}${stderr}`);
    return stdout;
  }

  async csync2(...args: readonly string[]): Promise<RunResult> {
    return this.run(["csync2", ...args]);
  }

  /**
   * Starts a superserver with these services (csync2 and csync2rev by default), instead of the one before, and waits
   * until it listens on each of their ports. The services are started again when the host boots.
   */
  async serve(
    kind: Superserver,
    services: readonly (Service | ServiceText)[] = [csync2, csync2rev],
  ): Promise<void> {
    await this.stopServices();
    const start = async (): Promise<void> => {
      const { files, commands } = configure(kind, services);
      this.remove("/etc/xinetd.d");
      for (const [file, text] of Object.entries(files)) this.write(file, text);
      const env = kind === "xinetd" && this.#around.holder.rootless ? WITHOUT_SETGROUPS : {};
      for (const command of commands) this.#superserver.push(this.#start(command, env));
      for (const { port } of services) await this.#untilServed(kind, port);
    };
    try {
      await start();
    } catch (error) {
      await this.stopServices();
      throw error;
    }
    this.#served = start;
  }

  /** Stops the superserver; what it has started goes on. */
  async stopServices(): Promise<void> {
    this.#served = undefined;
    const stopped = this.#superserver.map(async ({ child }) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      child.ref();
      await exited;
    });
    this.#superserver = [];
    await Promise.all(stopped);
  }

  /** Whether something on the host accepts TCP connections on this port. */
  listens(port: number): boolean {
    return this.#sockets().some(({ local, state }) => local === port && state === "0A");
  }

  /** The host's established TCP connections to this port of another host (or its own). */
  connectionsTo(port: number): { readonly retransmissions: number }[] {
    return this.#sockets().filter(({ remote, state }) => remote === port && state === "01");
  }

  /** What runs on the host, but for the superserver and what makes the host itself. */
  processes(): HostProcess[] {
    const proc = `/proc/${this.#running().pid}/root/proc`;
    const own = new Set([1, ...this.#superserver.map(({ child }) => this.#pidInside(child))]);
    const found: HostProcess[] = [];
    for (const entry of readdirSync(proc)) {
      const pid = Number(entry);
      if (!Number.isInteger(pid) || own.has(pid)) continue;
      try {
        const command = readFileSync(join(proc, entry, "cmdline"), "utf8")
          .split("\0")
          .join(" ")
          .trim();
        if (command !== "") found.push({ pid, command });
      } catch {
        // it ended while we looked
      }
    }
    return found;
  }

  /** Where the machine has a file of proc(5) on one of this host's processes, by its pid on the host. */
  procPath(pid: number, file: string): string {
    return `/proc/${this.#running().pid}/root/proc/${pid}/${file}`;
  }

  /** The most memory that one of this host's processes has had, in kB; 0 if it has ended. */
  peakMemory(pid: number): number {
    try {
      return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(this.procPath(pid, "status"), "utf8"))?.[1] ?? 0);
    } catch {
      return 0;
    }
  }

  /** What was logged on this host since its disk was made: by everybody, or by one ident. */
  syslog(ident?: string): LogLine[] {
    const file = this.path("/var/log/syslog");
    const lines = existsSync(file) ? parseLog(readFileSync(file, "utf8")) : [];
    return ident === undefined ? lines : lines.filter((line) => line.ident === ident);
  }

  /** Waits until one ident has logged this number of lines, which may take a moment; returns all that it has logged. */
  async logged(ident = "csync2rev", count = 1): Promise<LogLine[]> {
    await this.until(`${ident} has logged`, () => this.syslog(ident).length >= count);
    return this.syslog(ident);
  }

  /** Waits until something is true, and says what was waited for when it does not become so. */
  async until(
    what: string,
    isTrue: () => boolean | Promise<boolean>,
    timeout = LISTEN_TIMEOUT_MS,
  ): Promise<void> {
    const end = performance.now() + timeout;
    for (let pause = POLL_MS.first; !(await isTrue()); pause = Math.min(pause * 1.2, POLL_MS.longest)) {
      if (performance.now() > end) throw new Error(`${this.name}: ${what}: not so after ${timeout} ms`);
      await sleep(pause);
    }
  }

  async #untilServed(kind: Superserver, port: number): Promise<void> {
    try {
      await this.until(`${kind} listens on port ${port}`, () => {
        if (this.#superserver.every(({ child }) => child.exitCode !== null))
          throw new Error(`${kind} has ended`);
        return this.listens(port);
      });
    } catch (error) {
      const said = this.#superserver.map(({ output }) => output());
      const logged = this.syslog(kind).map(({ message }) => message);
      throw new Error([(error as Error).message, ...said, ...logged].join("\n"), { cause: error });
    }
  }

  #start(
    command: readonly string[],
    env: Env,
  ): { child: ChildProcessWithoutNullStreams; output: () => string } {
    const child = this.spawn(command, { PATH: "/sbin:/bin:/usr/sbin:/usr/bin", ...env });
    let text = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (part: string) => (text += part));
      (stream as unknown as { unref(): void }).unref();
    }
    child.stdin.end();
    child.unref();
    return { child, output: () => text };
  }

  #pidInside(child: ChildProcessWithoutNullStreams): number {
    const [outside] = childrenOf(child.pid ?? 0);
    try {
      const pids = /^NSpid:\s+(.*)$/m.exec(readFileSync(`/proc/${outside ?? 0}/status`, "utf8"))?.[1];
      return Number(pids?.split(/\s+/).at(-1));
    } catch {
      return 0;
    }
  }

  /** What the kernel knows of the host's TCP sockets; the state as it writes it, 0A for one that listens, 01 for an established one. */
  #sockets(): { local: number; remote: number; state: string; retransmissions: number }[] {
    return ["tcp", "tcp6"].flatMap((table) => {
      const file = `/proc/${this.#running().pid}/net/${table}`;
      const rows = existsSync(file) ? readFileSync(file, "utf8").trim().split("\n").slice(1) : [];
      return rows.map((row) => {
        const [, local = "", remote = "", state = "", , , retransmissions = ""] = row.trim().split(/\s+/);
        const [localPort, remotePort] = [local, remote].map((address) =>
          parseInt(address.split(":")[1] ?? "", 16),
        ) as [number, number];
        return {
          local: localPort,
          remote: remotePort,
          state,
          retransmissions: parseInt(retransmissions, 16),
        };
      });
    });
  }

  #running(): Holder {
    if (!this.#init) throw new Error(`${this.name} is powered off`);
    return this.#init;
  }
}

function lineOf(command: Command): string {
  return typeof command === "string" ? command : command.join(" ");
}
