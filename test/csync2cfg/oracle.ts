import { execFile, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { loadCsync2Cfg } from "../../src/csync2cfg/load.ts";
import { encode } from "../../src/csync2cfg/source.ts";
import { Csync2revError } from "../../src/errors.ts";
import { debianPackages, withPackages } from "../cluster/debian.ts";

/** Files for one run of csync2; the text holds one character a byte. `csync2.cfg` is among them. */
export interface Case {
  readonly files: Readonly<Record<string, string>>;
  readonly hostname?: string;
  /** csync2's -G. */
  readonly groups?: string;
}

/** What a reader made of a case. */
export interface Verdict {
  readonly taken: boolean;
  /** Sorted `ME <-> PEER`, each once: the peers that this host pushes to, and the names it uses. */
  readonly pairs: readonly string[];
  /** `NAME PATH` of the prefixes that this host has, in file order. */
  readonly prefixes: readonly string[];
  /** What was said about it. */
  readonly message: string;
}

/** What makes unshare's command one that may mount. */
const AS_ROOT = process.getuid?.() === 0 ? [] : ["--user", "--map-root-user"];

const RUN = `
mkdir -p "$1"
while read -r directory host groups; do
  CSYNC2_SYSTEM_DIR=$directory csync2 -N "$host" -D "$1" -vv -T \${groups:+-G "$groups"} </dev/null >"$directory/said" 2>&1
  echo "exit status $?" >>"$directory/said"
done
`;

// Not Node: a socket that it passes on does not block, and csync2 would take that for the end.
const CONVERSE = `
use IO::Socket::INET;
$SIG{PIPE} = "IGNORE";
my ($hostname, $database, $command, @peers) = @ARGV;
my $listener = IO::Socket::INET->new(Listen => 5, LocalAddr => "127.0.0.1") or die;
for my $peer (@peers) {
  my $client = IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $listener->sockport, LocalAddr => $peer) or die;
  my $connection = $listener->accept or die;
  my $pid = fork;
  if (!$pid) {
    open STDIN, "<&", $connection; open STDOUT, ">&", $connection; open STDERR, ">", "/dev/null";
    close $_ for $connection, $client, $listener;
    exec "csync2", "-i", "-N", $hostname, "-D", $database;
  }
  close $connection;
  my $answer;
  for my $line ("CONFIG ", "HELLO $peer", $command) { print $client "$line\\n"; $answer = <$client>; }
  close $client;
  waitpid $pid, 0;
  print $answer // "nothing\\n";
}
`;

/** Debian's csync2, asked what it makes of csync2.cfg files. */
export class Oracle {
  /** Where the cases live: `$BASE` in their texts. The working directory of both readers. */
  readonly base: string;
  readonly #packages: string;
  #cases = 0;

  constructor(base: string, packages: string) {
    this.base = base;
    this.#packages = packages;
  }

  static async start(): Promise<Oracle> {
    const packages = await debianPackages(["csync2", "libsqlite3-0"]);
    const inMemory = statSync("/dev/shm", { throwIfNoEntry: false })?.isDirectory() ?? false;
    const base = mkdtempSync(join(inMemory ? "/dev/shm" : tmpdir(), "csync2rev-"));
    process.chdir(base);
    return new Oracle(base, packages);
  }

  stop(): void {
    process.chdir("/");
    rmSync(this.base, { recursive: true, force: true });
  }

  /** What csync2 and csync2rev each make of the cases. */
  async compare(
    cases: readonly Case[],
  ): Promise<{ csync2: Verdict; csync2rev: Verdict; directory: string }[]> {
    const directories = cases.map((each) => this.write(each));
    const lines = cases.map(
      ({ hostname = "h1", groups = "" }, index) => `${directories[index] ?? ""} ${hostname} ${groups}\n`,
    );
    const shells = availableParallelism();
    await Promise.all(
      Array.from({ length: shells }, (_, shell) =>
        this.#run(
          shell,
          lines.filter((_line, index) => index % shells === shell),
        ),
      ),
    );
    const verdicts = cases.map((each, index) => {
      const directory = directories[index] ?? "";
      return { csync2: heard(directory), csync2rev: read(directory, each), directory };
    });
    for (const directory of directories) rmSync(directory, { recursive: true });
    return verdicts;
  }

  /** Puts the files of a case into a directory of their own. */
  write({ files }: Case): string {
    const directory = join(this.base, String(this.#cases++));
    mkdirSync(directory);
    for (const [name, text] of Object.entries(files)) {
      writeFileSync(
        join(directory, name),
        text.replaceAll("$BASE", this.base).replaceAll("$HERE", directory),
        "latin1",
      );
    }
    return directory;
  }

  /**
   * Connects to `csync2 -i` from each of the peers, which are addresses, says HELLO with it and then the command. Returns the answers
   * to the command.
   */
  async converse(
    systemDirectory: string,
    hostname: string,
    peers: readonly string[],
    command: string,
  ): Promise<string[]> {
    const env = { ...process.env, CSYNC2_SYSTEM_DIR: systemDirectory };
    const perl = ["perl", "-e", CONVERSE, hostname, systemDirectory, command, ...peers];
    const { stdout } = await promisify(execFile)(
      "unshare",
      [...AS_ROOT, ...withPackages(this.#packages, perl)],
      { env },
    );
    return stdout.trimEnd().split("\n");
  }

  // Without a network no name resolves, and csync2 says which peer it would talk to and goes on to the next.
  async #run(shell: number, lines: readonly string[]): Promise<void> {
    const database = join(this.base, `database${shell}`);
    const command = withPackages(this.#packages, ["sh", "-c", RUN, "run", database]);
    const child = spawn("unshare", [...AS_ROOT, "--net", ...command], {
      stdio: ["pipe", "inherit", "inherit"],
      cwd: this.base,
    });
    child.stdin.end(lines.join(""));
    const code = await new Promise((resolve, reject) => child.on("error", reject).on("close", resolve));
    if (code !== 0) throw new Error(`the shell that runs csync2 ended with ${String(code)}`);
  }
}

function heard(directory: string): Verdict {
  const said = readFileSync(join(directory, "said"), "latin1");
  const taken = /^(Finished with [0-9]+ errors\.$|This host \()/m.test(said);
  if (!taken) return { taken, pairs: [], prefixes: [], message: said };
  const pairs = [...said.matchAll(/^Running in-sync check for ([^]*?)\.\nConnecting to host /gm)].map(
    (match) => match[1] ?? "",
  );
  const prefixes = [...said.matchAll(/^Prefix '([^]*?)' is set to '([^]*?)'\.$/gm)].map(
    ([, name = "", path = ""]) => `${name} ${path}`,
  );
  return { taken, pairs: [...new Set(pairs)].sort(), prefixes, message: said };
}

function read(systemDirectory: string, { hostname = "h1", groups }: Case): Verdict {
  try {
    const cfg = loadCsync2Cfg({ systemDirectory, configName: "", hostname });
    const pairs = cfg.groups
      .filter((group) => groups === undefined || groups.split(",").includes(group.name))
      .flatMap(({ me, hosts }) =>
        hosts
          .filter((host) => host !== me)
          .map((host) => `${encode(me.peername)} <-> ${encode(host.peername)}`),
      );
    const prefixes = [...cfg.prefixes]
      .reverse()
      .flatMap(({ name, path }) => (path === null ? [] : [`${encode(name)} ${encode(path)}`]));
    return { taken: true, pairs: [...new Set(pairs)].sort(), prefixes, message: "" };
  } catch (error) {
    if (!(error instanceof Csync2revError)) throw error;
    return { taken: false, pairs: [], prefixes: [], message: `${error.code}: ${error.message}` };
  }
}
