import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type ClusterOptions, type Host, type Cluster, startCluster } from "../test/cluster/cluster.ts";
import { bundled } from "../test/cluster/bundled.ts";
import type { Errand, Report } from "./client.ts";

/** The two builds of the program. */
export type Build = "standalone" | "node";

/** What is measured. */
export interface Extent {
  /** Not all of it, but enough to see that it works. */
  readonly quick: boolean;
  readonly build: Build;
}

const PROGRAMS: Readonly<Record<Build, string>> = {
  standalone: `csync2rev-linux-${process.arch}`,
  node: "csync2rev.cjs",
};

/** Runs `work` with a cluster of its own that has this build, in which hosts can log in to each other with ssh. */
export async function withCluster<T>(
  build: Build,
  options: ClusterOptions,
  work: (cluster: Cluster) => Promise<T>,
): Promise<T> {
  const program = join(import.meta.dirname, "../dist", PROGRAMS[build]);
  const cluster = await startCluster({
    ...options,
    program,
    packages: ["openssh-server", "openssh-client"],
  });
  try {
    return await work(cluster);
  } finally {
    await cluster.close();
  }
}

/** Lets `from` log in to these hosts with ssh; `forced` is what sshd runs for it, whatever it asks for. */
export async function letIn(from: Host, hosts: readonly Host[], forced?: string): Promise<void> {
  await succeed(from, ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/root/.ssh/id"]);
  const publicKey = from.read("/root/.ssh/id.pub");
  from.write(
    "/root/.ssh/config",
    "Host *\n  IdentityFile /root/.ssh/id\n  BatchMode yes\n  StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n  LogLevel ERROR\n",
    0o600,
  );
  for (const host of hosts) {
    await succeed(host, ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/etc/ssh_host_key"]);
    host.write(
      "/etc/authorized_keys",
      `${forced === undefined ? "" : `command="${forced}" `}${publicKey}`,
      0o600,
    );
    host.write("/etc/passwd", `${host.read("/etc/passwd")}sshd:x:100:65534::/run/sshd:/usr/sbin/nologin\n`);
    host.write("/run/sshd/.keep", "");
    host.write(
      "/etc/sshd_config",
      "HostKey /etc/ssh_host_key\nAuthorizedKeysFile /etc/authorized_keys\nPermitRootLogin yes\nStrictModes no\nUsePAM no\nUseDNS no\nPidFile none\n",
    );
    const sshd = host.spawn(["/usr/sbin/sshd", "-D", "-e", "-f", "/etc/sshd_config"]);
    sshd.unref();
    await host.until("sshd listens", () => host.listens(22));
  }
}

/** A process on a host that runs errands, already started and warm, as a requester's long-lived process would be. */
export class Client {
  readonly #child: ReturnType<Host["spawn"]>;
  readonly #lines: AsyncIterator<string>;
  #complaint = "";

  constructor(host: Host) {
    const file = "/opt/client.mjs";
    host.write(file, bundled(join(import.meta.dirname, "client.ts")));
    this.#child = host.spawn(["node", file]);
    this.#child.stderr.setEncoding("utf8").on("data", (text: string) => (this.#complaint += text));
    this.#lines = createInterface(this.#child.stdout)[Symbol.asyncIterator]();
  }

  async run(errand: Errand): Promise<Report> {
    this.#child.stdin.write(`${JSON.stringify(errand)}\n`);
    const line = await this.#lines.next();
    if (line.done === true) throw new Error(`${JSON.stringify(errand)}: ${this.#complaint}`);
    return JSON.parse(line.value) as Report;
  }

  async close(): Promise<void> {
    this.#child.stdin.end();
    await once(this.#child, "close");
  }
}

/** Runs a program on a host; throws where it does not exit with one of `good`. */
export async function succeed(
  host: Host,
  command: readonly string[],
  good: readonly number[] = [0],
): Promise<string> {
  const { code, stdout, stderr } = await host.run(command, { timeout: 600_000 });
  if (code === null || !good.includes(code))
    throw new Error(
      `${host.name}: ${command.join(" ")} ended with ${code ?? "a signal"}: ${stdout}${stderr}`,
    );
  return stdout;
}
