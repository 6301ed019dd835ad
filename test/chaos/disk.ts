import { createHash } from "node:crypto";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  type Stats,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import type { Host } from "../cluster/cluster.ts";
import { ABSENT, type State } from "./model.ts";
import type { ByteString } from "./names.ts";
import { DIRECTORIES, realDirectory } from "./plan.ts";

/** What is at a path. */
export interface Entry {
  readonly state: State;
  readonly directory: boolean;
  /** Time of modification, in milliseconds. */
  readonly modified: number;
}

/** All that a host has in its synchronised directories, by the plan's paths. */
export type Disk = ReadonlyMap<ByteString, Entry>;

/** Where a host has a path, on the real machine. */
export function realPath(host: Host, path: ByteString): Buffer {
  const directory = DIRECTORIES.find((directory) => path === directory || path.startsWith(`${directory}/`));
  if (directory === undefined) throw new Error(`${path} is in no directory`);
  const inside = Buffer.from(realDirectory(host.name, directory) + path.slice(directory.length), "latin1");
  return Buffer.concat([Buffer.from(host.path("/")), inside]);
}

export function stateAt(host: Host, path: ByteString): State {
  return entryAt(realPath(host, path))?.state ?? ABSENT;
}

export function readDisk(host: Host): Disk {
  const disk = new Map<ByteString, Entry>();
  const visit = (path: ByteString): void => {
    const real = realPath(host, path);
    const entry = entryAt(real);
    if (!entry) return;
    disk.set(path, entry);
    if (!entry.directory) return;
    for (const name of readdirSync(real, { encoding: "buffer" })) visit(`${path}/${name.toString("latin1")}`);
  };
  for (const directory of DIRECTORIES) visit(directory);
  return disk;
}

/** Puts a file in place at once, as careful programs do; its time of modification is given, in seconds. False if there is no room for it. */
export function putFile(host: Host, path: ByteString, content: Uint8Array, seconds: number): boolean {
  const temporary = host.path("/mnt/new");
  writeFileSync(temporary, content, { mode: 0o644 });
  utimesSync(temporary, seconds, seconds);
  return put(host, path, temporary);
}

export function putLink(host: Host, path: ByteString, target: string): boolean {
  const temporary = host.path("/mnt/new");
  rmSync(temporary, { force: true });
  symlinkSync(target, temporary);
  return put(host, path, temporary);
}

export function changeMode(host: Host, path: ByteString, mode: number): void {
  chmodSync(realPath(host, path), mode);
}

export function remove(host: Host, path: ByteString): void {
  rmSync(realPath(host, path), { recursive: true });
}

function put(host: Host, path: ByteString, temporary: string): boolean {
  try {
    mkdirSync(realPath(host, path.slice(0, path.lastIndexOf("/"))), { recursive: true });
    renameSync(temporary, realPath(host, path));
    return true;
  } catch (error) {
    // There is a directory of that name in place of the file, or a file in place of the directory.
    if (["EISDIR", "ENOTDIR", "EEXIST"].includes((error as NodeJS.ErrnoException).code ?? "")) return false;
    throw error;
  }
}

function entryAt(real: Buffer): Entry | undefined {
  try {
    const stat = lstatSync(real);
    return { state: stateOf(real, stat), directory: stat.isDirectory(), modified: stat.mtimeMs };
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  }
}

function stateOf(real: Buffer, stat: Stats): State {
  const mode = (stat.mode & 0o7777).toString(8);
  if (stat.isSymbolicLink()) return `link ${readlinkSync(real)}`;
  if (stat.isDirectory()) return `directory ${mode}`;
  const content = readFileSync(real);
  const version = /^v\d+\n/.exec(content.toString("latin1", 0, 16))?.[0].trim() ?? "no version";
  return `file ${mode} ${version} ${createHash("sha256").update(content).digest("hex").slice(0, 8)}`;
}
