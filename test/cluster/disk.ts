import { chmodSync, copyFileSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const DIRECTORIES = [
  ...["dev", "etc/alternatives", "mnt", "opt", "proc", "root", "run", "srv/data", "sys", "tmp", "usr"],
  ...["var/lib/csync2", "var/log"],
];

/** What every host's /etc has beside what the cluster gives it. */
const ETC: Readonly<Record<string, readonly string[]>> = {
  passwd: ["root:x:0:0:root:/root:/bin/bash", "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin"],
  group: ["root:x:0:", "tty:x:5:", "nogroup:x:65534:"],
  "nsswitch.conf": ["passwd", "group", "hosts", "services", "protocols"].map((table) => `${table}: files`),
  protocols: ["ip 0 IP", "icmp 1 ICMP", "tcp 6 TCP", "udp 17 UDP"],
  services: ["csync2 30865/tcp", "csync2rev 30866/tcp"],
};

/** Makes the file system of a host anew in the directory `root`, with these files in /etc. */
export function furnish(root: string, etc: Readonly<Record<string, string>>): void {
  rmSync(root, { recursive: true, force: true });
  for (const directory of DIRECTORIES) mkdirSync(join(root, directory), { recursive: true });
  chmodSync(join(root, "tmp"), 0o1777);
  for (const link of ["bin", "lib", "lib64", "sbin"]) {
    if (existsSync(`/${link}`)) symlinkSync(`usr/${link}`, join(root, link));
  }
  if (existsSync("/etc/ld.so.cache")) copyFileSync("/etc/ld.so.cache", join(root, "etc/ld.so.cache"));
  for (const [name, lines] of Object.entries(ETC)) writeFileSync(join(root, "etc", name), text(lines));
  for (const [name, content] of Object.entries(etc)) {
    writeFileSync(join(root, "etc", name), content, { mode: name.startsWith("csync2") ? 0o600 : 0o644 });
  }
}

/** A file's text, of its lines. */
export function text(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}
