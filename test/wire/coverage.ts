// Coverage-guided fuzzing of everything that reads what others wrote, by Jazzer.js (libFuzzer for Node): npm run fuzz:coverage.
// FUZZ_SECONDS for each reader, 60 unless said otherwise. What is found, and the inputs that lead somewhere new, stay in .cache/fuzz.
import { buildSync } from "esbuild";
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { READERS } from "./readers.ts";

const CACHE = join(import.meta.dirname, "../../.cache/fuzz");
const SECONDS = process.env["FUZZ_SECONDS"] ?? "60";
const JAZZER = "4.0.0";
/** What the addon in Jazzer.js's package was linked with. */
const GLIBC = 2.38;

mkdirSync(CACHE, { recursive: true });
const node = nodeCommand();
const jazzer = fetchJazzer();
buildSync({
  entryPoints: [join(import.meta.dirname, "target.ts")],
  bundle: true,
  platform: "node",
  format: "cjs",
  outfile: join(CACHE, "target.cjs"),
});

console.log("| what reads | inputs | branches reached | inputs kept | findings |");
console.log("| --- | ---: | ---: | ---: | ---: |");
for (const [place, { what, seeds }] of READERS.entries()) {
  const corpus = join(CACHE, what.replaceAll(/\W+/g, "-"));
  mkdirSync(corpus, { recursive: true });
  for (const seed of seeds) writeFileSync(join(corpus, createHash("sha1").update(seed).digest("hex")), seed);
  const [program, ...args] = [...node, jazzer, join(CACHE, "target.cjs"), corpus];
  // Included files may be anywhere: that csync2.cfg leads out of its folder is not a finding.
  const options = ["-f", "fuzz", "--sync", "--disable_bug_detectors=path-traversal", "--"];
  const limits = [`-max_total_time=${SECONDS}`, `-artifact_prefix=${corpus}-`, "-print_final_stats=1"];
  const { status, stdout, stderr } = spawnSync(program, [...args, ...options, ...limits], {
    cwd: CACHE,
    encoding: "utf8",
    env: { ...process.env, FUZZ_READER: String(place) },
    maxBuffer: 1 << 28,
  });
  const said = stdout + stderr;
  const inputs = /^stat::number_of_executed_units: (\d+)/m.exec(said)?.[1];
  const [, reached = "?", kept = "?"] =
    /cov: (\d+) .*corp: (\d+)\/[^]*$/.exec(said.slice(said.lastIndexOf(" cov: "))) ?? [];
  console.log(`| ${what} | ${inputs ?? "?"} | ${reached} | ${kept} | ${status === 0 ? 0 : 1} |`);
  if (status === 0) continue;
  console.error(said.slice(-5000));
  process.exitCode = 1;
}

/** Jazzer.js's program: fetched once, no script of its packages run. */
function fetchJazzer(): string {
  const directory = join(CACHE, `jazzer-${JAZZER}`);
  const program = join(directory, "node_modules/@jazzer.js/core/dist/cli.js");
  if (!existsSync(program)) {
    const options = ["--no-save", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund"];
    execFileSync("npm", ["install", "--prefix", directory, ...options, `@jazzer.js/core@${JAZZER}`]);
  }
  return program;
}

/** The command that runs this Node: with Debian 13's C library, unpacked beside, if the machine's is too old. */
function nodeCommand(): readonly string[] {
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  const [major = 0, minor = 0] = (header.glibcVersionRuntime ?? "0").split(".").map(Number);
  if (major + minor / 100 >= GLIBC) return [process.execPath];
  const directory = join(CACHE, "debian13");
  const script = `
    set -eu; rm -rf "$1.part"; mkdir -p "$1.part/lists/partial"; cd "$1.part"
    echo "deb http://deb.debian.org/debian trixie main" >sources.list
    apt() {
      apt-get -q -o Dir::State="$PWD" -o Dir::State::status=/dev/null -o Dir::Cache="$PWD" -o Dir::Etc::sourcelist="$PWD/sources.list" \\
        -o Dir::Etc::sourceparts=/dev/null -o APT::Sandbox::User= -o Acquire::Languages=none "$@" >&2
    }
    apt update; apt download libc6 libstdc++6 libgcc-s1
    for deb in *.deb; do dpkg -x "$deb" .; done
    mv "$PWD" "$1"`;
  if (!existsSync(directory)) execFileSync("bash", ["-c", script, "bash", directory], { stdio: "pipe" });
  const libraries = join(directory, "usr/lib", entryOf(join(directory, "usr/lib"), /-linux-gnu$/));
  const loader = join(libraries, entryOf(libraries, /^ld-linux/));
  return [loader, "--library-path", libraries, process.execPath];
}

function entryOf(directory: string, pattern: RegExp): string {
  return readdirSync(directory).find((entry) => pattern.test(entry)) ?? "";
}
