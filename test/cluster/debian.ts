import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";

const CACHE = join(import.meta.dirname, "../../.cache/debian");

const FETCH = join(import.meta.dirname, "fetch.sh");

/**
 * Unpacks those of the named Debian packages (and of what they depend on) that this machine lacks into a folder under
 * .cache, and returns that folder. Fetches once; processes that ask at the same time wait for the first.
 */
export async function debianPackages(names: readonly string[]): Promise<string> {
  const release = existsSync("/etc/os-release") ? readFileSync("/etc/os-release", "utf8") : "";
  const identity = JSON.stringify([release, process.arch, names]);
  const target = join(CACHE, createHash("sha256").update(identity).digest("hex").slice(0, 16));
  if (existsSync(target)) return target;
  await mkdir(CACHE, { recursive: true });
  const fetch = spawn("flock", ["lock", "bash", FETCH, target, ...names], {
    cwd: CACHE,
    stdio: ["ignore", "pipe", "inherit"],
  });
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
