import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { copyFileSync, existsSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { debianPackages } from "./debian.ts";
import { Host } from "./host.ts";
import { entering, Holder } from "./namespace.ts";

export { debianPackages } from "./debian.ts";
export { Host, type HostProcess, type RunOptions, type RunResult } from "./host.ts";
export { csync2, csync2rev, type Service, type ServiceText, type Superserver } from "./services.ts";
export type { LogLine } from "./syslog.ts";
export { type Tree, treeOf } from "./tree.ts";

const PROGRAM = join(import.meta.dirname, "../../dist/csync2rev.cjs");
const PACKAGES = ["csync2", "libsqlite3-0", "openbsd-inetd", "xinetd", "iproute2", "socat", "netcat-openbsd"];
const DIRECTORIES = [
  ...["dev", "etc/alternatives", "mnt", "opt", "proc", "root", "run", "srv/data", "sys", "tmp", "usr"],
  ...["var/lib/csync2", "var/log"],
];

// Everything that the cluster writes is on a tmpfs that only its namespaces have, so there is nothing to clean up
// afterwards. It is mounted on /sys, since every machine has that directory, and nobody keeps a checkout in it.
const GROUND = `
packages=$1 program=$2 node=$3
mount -t tmpfs -o mode=755 cluster /sys
mkdir -p /sys/hosts /sys/usr /sys/own/bin /sys/own/sbin /sys/dev/pts /sys/dev/shm
: >/sys/own/bin/node
ln -s nc.openbsd /sys/own/bin/nc
[ -z "$program" ] || install -m 755 "$program" /sys/own/sbin/csync2rev
mount -t overlay -o "lowerdir=/sys/own:$packages/usr:/usr" overlay /sys/usr
mount --bind "$node" /sys/usr/bin/node
for device in null zero full random urandom tty; do
  : >/sys/dev/$device
  mount --bind /dev/$device /sys/dev/$device
done
mount -t devpts -o newinstance,ptmxmode=666 devpts /sys/dev/pts
ln -s pts/ptmx /sys/dev/ptmx
ln -s /run/log /sys/dev/log
ln -s /proc/self/fd /sys/dev/fd
for i in 0:stdin 1:stdout 2:stderr; do ln -s /proc/self/fd/\${i%:*} /sys/dev/\${i#*:}; done
mount --rbind /sys/usr /usr
ip link add bridge type bridge
ip link set bridge up
echo $$
read -r _
echo ready
while read -r _; do :; done
`;

/** A csync2.cfg, the same for all hosts or one for each. */
export type Cfg = string | ((host: string) => string);

export interface HostOptions {
  readonly name: string;
  /** More names of the host, each with an address of its own. */
  readonly aliases?: readonly string[];
}

export interface ClusterOptions {
  /** Up to 250; h1, h2 and h3 by default. */
  readonly hosts?: readonly (string | HostOptions)[];
  /** {@link groupOf} all hosts by default. */
  readonly cfg?: Cfg;
  /** The built program to have as /usr/sbin/csync2rev; dist/csync2rev.cjs by default, null for none. */
  readonly program?: string | null;
  /** Debian packages to have beside the usual ones. */
  readonly packages?: readonly string[];
}

/** A csync2.cfg with one group, named cluster, of these hosts, with /srv/data in it. */
export function groupOf(hosts: readonly string[], lines: readonly string[] = ["auto younger;"]): string {
  const all = [`host ${hosts.join(" ")};`, "key /etc/csync2.key;", ...lines, "include /srv/data;"];
  return `nossl * *;\n\ngroup cluster {\n${all.map((line) => `    ${line}\n`).join("")}}\n`;
}

/** Hosts on a network of their own, side by side with other clusters on the same machine. */
export class Cluster {
  readonly hosts: readonly Host[];
  /** What /etc/csync2.key holds. */
  readonly key = randomBytes(32).toString("hex");
  readonly #ground: Holder;
  readonly #addresses = new Map<string, readonly { name: string; address: string }[]>();
  #cfg: Cfg;

  /** @internal use {@link startCluster} */
  constructor(ground: Holder, options: ClusterOptions) {
    this.#ground = ground;
    const specified = (options.hosts ?? ["h1", "h2", "h3"]).map((host) =>
      typeof host === "string" ? { name: host } : host,
    );
    this.hosts = specified.map(({ name, aliases = [] }: HostOptions, index) => {
      const addresses = [name, ...aliases].map((name, net) => ({
        name,
        address: `10.77.${net}.${index + 1}`,
      }));
      this.#addresses.set(name, addresses);
      const inside = `/sys/hosts/${name}`;
      return new Host(name, {
        holder: ground,
        root: `/proc/${ground.pid}/root${inside}`,
        rootInside: inside,
        plugIn: (pid) =>
          this.#ip(
            `link add ${name} type veth peer name eth0 address ${mac(index)} netns ${pid}`,
            `link set ${name} master bridge up`,
          ),
        unplug: () => this.#ip(`link delete ${name}`),
        attach: (attached) => this.#ip(`link set ${name} ${attached ? "master bridge" : "nomaster"}`),
      });
    });
    this.#cfg = options.cfg ?? groupOf(specified.map(({ name }) => name));
  }

  host(name: string): Host {
    const host = this.hosts.find((host) => host.name === name);
    if (!host) throw new Error(`no host ${name} in this cluster`);
    return host;
  }

  /** The address of a host's name. */
  address(name: string): string {
    const found = [...this.#addresses.values()].flat().find((entry) => entry.name === name);
    if (!found) throw new Error(`no host ${name} in this cluster`);
    return found.address;
  }

  /**
   * Makes all hosts as they were when the cluster was started, but with the services that they have now: no data, no
   * databases, no log, nothing left running; csync2.cfg and the key as given.
   */
  async reset(cfg: Cfg = this.#cfg): Promise<void> {
    this.#cfg = cfg;
    await Promise.all(
      this.hosts.map(async (host, index) => {
        await host.powerOff();
        this.#furnish(host, index);
        await host.boot();
      }),
    );
  }

  /** Ends everything. Nothing is left of the cluster, on disk or running. */
  async close(): Promise<void> {
    await Promise.all(this.hosts.map((host) => host.powerOff()));
    await this.#ground.kill();
  }

  /** Gives a host a new disk. */
  #furnish(host: Host, index: number): void {
    host.remove("/");
    for (const directory of DIRECTORIES) mkdirSync(host.path(directory), { recursive: true });
    for (const link of ["bin", "lib", "lib64", "sbin"]) {
      if (existsSync(`/${link}`)) symlinkSync(`usr/${link}`, host.path(link));
    }
    const names = [...this.#addresses.values()].flat();
    const hosts = names.map(({ name, address }) => `${address} ${name}`);
    const neighbours = this.hosts.flatMap(({ name }, other) =>
      other === index ? [] : this.#addressesOf(name).map((address) => [address, mac(other)] as const),
    );
    const network = [
      "link set lo up",
      ...this.#addressesOf(host.name).map((address) => `address add ${address}/16 dev eth0`),
      "link set eth0 up",
      // Known beforehand, so that a host that is down gives silence, and not an error after three seconds.
      ...neighbours.map(([address, mac]) => `neighbour add ${address} lladdr ${mac} nud permanent dev eth0`),
    ];
    const files = {
      "etc/hosts": ["127.0.0.1 localhost", ...hosts],
      "etc/hostname": [host.name],
      "etc/passwd": [
        "root:x:0:0:root:/root:/bin/bash",
        "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin",
      ],
      "etc/group": ["root:x:0:", "tty:x:5:", "nogroup:x:65534:"],
      "etc/nsswitch.conf": [
        "passwd: files",
        "group: files",
        "hosts: files",
        "services: files",
        "protocols: files",
      ],
      "etc/protocols": ["ip 0 IP", "icmp 1 ICMP", "tcp 6 TCP", "udp 17 UDP"],
      "etc/services": ["csync2 30865/tcp", "csync2rev 30866/tcp"],
      "etc/network": network,
    };
    for (const [file, lines] of Object.entries(files))
      host.write(file, lines.map((line) => `${line}\n`).join(""));
    if (existsSync("/etc/ld.so.cache")) copyFileSync("/etc/ld.so.cache", host.path("etc/ld.so.cache"));
    host.write("etc/csync2.key", `${this.key}\n`, 0o600);
    host.write("etc/csync2.cfg", typeof this.#cfg === "string" ? this.#cfg : this.#cfg(host.name), 0o600);
  }

  #addressesOf(name: string): string[] {
    return this.#addresses.get(name)?.map(({ address }) => address) ?? [];
  }

  /** Changes the network that the hosts are plugged into. */
  async #ip(...lines: readonly string[]): Promise<void> {
    const [program = "", ...args] = entering(this.#ground, ["--mount", "--net"], ["ip", "-batch", "-"]);
    const ip = spawn(program, args, { stdio: ["pipe", "ignore", "pipe"] });
    let complaint = "";
    ip.stderr.setEncoding("utf8").on("data", (text: string) => (complaint += text));
    ip.stdin.end(lines.map((line) => `${line}\n`).join(""));
    const [code] = (await once(ip, "close")) as [number | null];
    if (code !== 0) throw new Error(`ip: ${lines.join("; ")}: ${complaint.trim()}`);
  }
}

/**
 * Starts a cluster: all its hosts up, no services yet. Needs root, or user namespaces for ordinary users; what the
 * machine lacks of csync2 and the superservers is fetched once, into .cache.
 */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const program = options.program === undefined ? PROGRAM : options.program;
  if (program !== null && !existsSync(program))
    throw new Error(`${program} is not there: npm run build makes it`);
  const packages = await debianPackages([...PACKAGES, ...(options.packages ?? [])]);
  const ground = await ownNamespaces([
    "bash",
    "-euc",
    GROUND,
    "ground",
    packages,
    program ?? "",
    process.execPath,
  ]);
  const cluster = new Cluster(ground, options);
  try {
    await cluster.reset();
  } catch (error) {
    await cluster.close();
    throw error;
  }
  return cluster;
}

/** Starts the holder of the cluster's own namespaces: in a user namespace, unless we are root and may do without. */
async function ownNamespaces(command: readonly string[]): Promise<Holder> {
  const root = process.getuid?.() === 0;
  const unshare = ["unshare", "--mount", "--net"];
  const failures: string[] = [];
  for (const rootless of root ? [false, true] : [true]) {
    try {
      const ground = await Holder.start(
        [...unshare, ...(rootless ? ["--map-root-user"] : []), ...command],
        rootless,
      );
      await ground.proceed();
      return ground;
    } catch (error) {
      failures.push(`${rootless ? "in a user namespace" : "as root"}: ${(error as Error).message}`);
    }
  }
  throw new Error(
    [
      "a cluster needs namespaces, and this machine does not let us have them:",
      ...failures.map((failure) => `  ${failure.replaceAll("\n", "\n    ")}`),
      "Run as root, or allow user namespaces: sysctl -w kernel.unprivileged_userns_clone=1 (Debian),",
      "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu), user.max_user_namespaces above 0;",
      "in a container: docker run --privileged.",
    ].join("\n"),
  );
}

function mac(index: number): string {
  return `02:00:00:00:00:${(index + 1).toString(16).padStart(2, "0")}`;
}
