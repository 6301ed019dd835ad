import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";

const CACHE = join(import.meta.dirname, "../../.cache/debian");

const FETCH = join(import.meta.dirname, "fetch.sh");

const STATUS = "/var/lib/dpkg/status";

/**
 * Unpacks the named Debian packages, and all that they depend on, into a folder under .cache, and returns that folder.
 * What this machine has installed makes no difference, but for the essential packages (libc among them), which are
 * the machine's own. Fetches once; processes that ask at the same time wait for the first.
 */
export async function debianPackages(names: readonly string[]): Promise<string> {
  const release = existsSync("/etc/os-release") ? readFileSync("/etc/os-release", "utf8") : "";
  const identity = JSON.stringify([release, process.arch, readFileSync(FETCH, "utf8"), names]);
  const target = join(CACHE, createHash("sha256").update(identity).digest("hex").slice(0, 16));
  if (existsSync(target)) return target;
  await mkdir(CACHE, { recursive: true });
  const fetch = spawn("flock", ["lock", "bash", FETCH, target, ...names], {
    cwd: CACHE,
    stdio: ["pipe", "pipe", "inherit"],
  });
  fetch.stdin.on("error", () => undefined); // it need not read what it is given
  fetch.stdin.end(existsSync(STATUS) ? essential(readFileSync(STATUS, "utf8")) : "");
  let complaint = "";
  fetch.stdout.setEncoding("utf8").on("data", (text: string) => (complaint += text));
  await new Promise<void>((resolve, reject) => {
    fetch.on("error", (error) => {
      reject(new Error(`cannot run flock to fetch Debian packages: ${error.message}`));
    });
    fetch.on("close", (code) => {
      if (code === 0) resolve();
      else
        reject(
          new Error(
            complaint.trim() || `fetching ${names.join(", ")} ended with exit status ${code ?? "none"}`,
          ),
        );
    });
  });
  return target;
}

/** The command that runs a command where a folder of unpacked packages lies over the machine's /usr; for root. */
export function withPackages(packages: string, command: readonly string[]): string[] {
  const script = 'mount -t overlay -o "lowerdir=$0/usr:/usr" overlay /usr; exec "$@"';
  return ["unshare", "--mount", "sh", "-euc", script, packages, ...command];
}

/** Of dpkg's status file the packages that no Debian lacks: the essential ones, and all that they depend on. */
function essential(status: string): string {
  const installed = new Map<string, string>();
  const wanted: string[] = [];
  for (const paragraph of status.split(/\n\n+/)) {
    if (!/^Status: \S+ ok installed$/m.test(paragraph)) continue;
    for (const name of namesIn(paragraph, "Package|Provides")) installed.set(name, paragraph);
    if (/^Essential: yes$/m.test(paragraph)) wanted.push(paragraph);
  }
  const kept = new Set(wanted);
  for (const paragraph of kept) {
    for (const name of namesIn(paragraph, "Pre-Depends|Depends")) {
      const needed = installed.get(name);
      if (needed !== undefined) kept.add(needed);
    }
  }
  return [...kept].map((paragraph) => `${paragraph.trim()}\n\n`).join("");
}

/** The packages that these fields of a paragraph name, whatever their versions. */
function namesIn(paragraph: string, fields: string): string[] {
  const found = paragraph.matchAll(new RegExp(`^(?:${fields}): (.*)$`, "gm"));
  return Array.from(found, ([, list = ""]) => list.split(/[,|]/))
    .flat()
    .flatMap((entry) => /[^ :(]+/.exec(entry) ?? []);
}
