import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";

const CACHE = join(import.meta.dirname, "../../.cache/debian");

// apt works on lists and a cache of its own, so neither root nor the machine's package lists are needed.
// Each package is resolved by itself: inetd and xinetd conflict as packages, but not as unpacked files.
const FETCH = `
target=$1; shift
[ -e "$target" ] && exit
for tool in apt-get dpkg; do
  command -v $tool >/dev/null || { echo "$tool is not on this machine: run this on Debian or Ubuntu"; exit 1; }
done
missing=
for package; do
  [ "$(dpkg-query -W -f '\${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing="$missing $package"
done
state=$PWD/apt
part=$PWD/part
rm -rf "$part"
mkdir -p "$state/lists/partial" "$state/archives/partial" "$part/usr"
apt() {
  apt-get -q -y -o Dir::State="$state" -o Dir::State::status=/var/lib/dpkg/status -o Dir::Cache="$state" \\
    -o Debug::NoLocking=true -o APT::Sandbox::User= -o Acquire::Languages=none -o Acquire::Retries=2 "$@"
}
if [ -n "$missing" ]; then
  echo "fetching Debian packages into .cache (nothing gets installed):$missing" >&2
  rm -f "$state"/archives/*.deb
  apt update >apt.log 2>&1 || :
  for package in $missing; do
    if ! apt install --download-only --no-install-recommends "$package" >>apt.log 2>&1; then
      tail -n 5 apt.log
      echo "could not fetch the package $package: is the network up, and does /etc/apt list Debian's (or Ubuntu's universe) packages?"
      exit 1
    fi
  done
  for deb in "$state"/archives/*.deb; do dpkg -x "$deb" "$part"; done
  for dir in bin lib sbin; do
    if [ -d "$part/$dir" ]; then mkdir -p "$part/usr/$dir"; cp -a "$part/$dir/." "$part/usr/$dir/"; fi
  done
fi
mv "$part" "$target"
`;

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
  const fetch = spawn("flock", ["lock", "bash", "-euc", FETCH, "fetch", target, ...names], {
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
