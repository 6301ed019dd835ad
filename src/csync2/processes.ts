import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";

/** The clock ticks of proc(5) in a second; 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** The processor time that a process and its ended children have used, in clock ticks; undefined if it is unknown. */
export function processorTicks(pid: number): number | undefined {
  return statFields(pid)
    ?.slice(11, 15)
    .reduce((sum, field) => sum + Number(field), 0);
}

/** The bytes that a process, and all that it has started, have read and written (proc(5)); undefined if it is unknown. */
export function movedBytes(pid: number): number | undefined {
  const counts = family(pid).flatMap((one) => read(`/proc/${one}/io`)?.match(/(?<=^[rw]char: )\d+$/gm) ?? []);
  return counts.length === 0 ? undefined : counts.reduce((sum, count) => sum + Number(count), 0);
}

/** A process and all its descendants. */
export function family(pid: number): readonly number[] {
  const children = read(`/proc/${pid}/task/${pid}/children`)?.match(/\d+/g) ?? [];
  return [pid, ...children.flatMap((child) => family(Number(child)))];
}

/** The first child of a process; undefined if it has none, or if it is unknown. */
export function childOf(pid: number): number | undefined {
  const first = read(`/proc/${pid}/task/${pid}/children`)?.split(" ")[0];
  return first === undefined || first === "" ? undefined : Number(first);
}

/**
 * How many bytes each csync2 that serves a peer on this host has read so far (proc(5), rchar), by pid. inetd, xinetd and systemd start
 * `csync2 -i`; a csync2 of its own is `csync2 -ii`, and starts a process for each connection, which is its standard input then.
 */
export function receivedBytes(): ReadonlyMap<string, number> {
  const serving = readdirSync("/proc").filter(
    (entry) =>
      /^\d+$/.test(entry) &&
      read(`/proc/${entry}/comm`)?.trim() === "csync2" &&
      (read(`/proc/${entry}/cmdline`)?.split("\0") ?? []).some((word) => /^-\w*i/.test(word)) &&
      hasSocketAsInput(entry),
  );
  return new Map(
    serving.map((pid) => [pid, Number(/^rchar: (\d+)$/m.exec(read(`/proc/${pid}/io`) ?? "")?.[1] ?? 0)]),
  );
}

/** A file that a peer pushes, as far as it is on this host's disk. */
export interface IncomingFile {
  readonly name: string;
  readonly bytes: number;
}

/** The largest file that a csync2 here is receiving: it writes `.NAME.XXXXXX` and renames that in the end. Null if there is none. */
export function incomingFile(): IncomingFile | null {
  const found = [...receivedBytes().keys()].flatMap(openTemporaryFiles);
  return found.sort((one, other) => other.bytes - one.bytes)[0] ?? null;
}

function openTemporaryFiles(pid: string): IncomingFile[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      const [, name] =
        /\/\.([^/]+)\.\w{6}(?: \(deleted\))?$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`)) ?? [];
      return name === undefined ? [] : [{ name, bytes: statSync(`/proc/${pid}/fd/${fd}`).size }];
    });
  } catch {
    return [];
  }
}

function hasSocketAsInput(pid: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/fd/0`).startsWith("socket:");
  } catch {
    return false;
  }
}

/** Whether a process exists. */
export function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}`);
}

/** Whether a process has been started with this text as one of its arguments. */
export function isInUse(argument: string): boolean {
  return readdirSync("/proc").some(
    (pid) => read(`/proc/${pid}/cmdline`)?.split("\0").includes(argument) === true,
  );
}

/** Who holds a lock file, in words for an administrator: the program, its pid and how long it has run. */
export function describeHolder(lockFile: string): string {
  const holder = lockHolder(lockFile);
  if (holder === undefined) return `another csync2 holds ${lockFile}`;
  const pid = childOf(holder) ?? holder;
  const name = read(`/proc/${pid}/comm`)?.trim() ?? "a process";
  const started = Number(statFields(pid)?.[19]) / TICKS_PER_SECOND;
  const uptime = Number(read("/proc/uptime")?.split(" ")[0]);
  const seconds = Math.max(0, Math.round(uptime - started));
  return `${name} (pid ${pid}) holds ${lockFile}${Number.isFinite(seconds) ? `, running for ${seconds} s` : ""}`;
}

/** The process behind an flock(2) lock, from proc_locks(5). */
function lockHolder(lockFile: string): number | undefined {
  let inode: number;
  try {
    inode = statSync(lockFile).ino;
  } catch {
    return undefined;
  }
  const row = read("/proc/locks")
    ?.split("\n")
    .map((line) => line.split(/\s+/))
    .find(([, , , access, , place]) => access === "WRITE" && place?.endsWith(`:${inode}`));
  const pid = Number(row?.[4]);
  return pid > 0 ? pid : undefined;
}

/** The fields of /proc/PID/stat after the program's name, which may itself contain blanks and parentheses. */
function statFields(pid: number): string[] | undefined {
  const stat = read(`/proc/${pid}/stat`);
  return stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "latin1");
  } catch {
    return undefined;
  }
}
