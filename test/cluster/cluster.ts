import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { debianPackages } from "./debian.ts";
import { furnish, text } from "./disk.ts";
import { layGround } from "./ground.ts";
import { Host } from "./host.ts";
import { entering, type Holder } from "./namespace.ts";
import { PROGRAM } from "./program.ts";
import { type HostOptions, type Place, hostsFile, networkSetup, places } from "./network.ts";

export { debianPackages, withPackages } from "./debian.ts";
export { COMMAND, PROGRAM, STANDALONE } from "./program.ts";
export { type Command, Host, type HostProcess, type RunOptions, type RunResult } from "./host.ts";
export type { HostOptions } from "./network.ts";
export { csync2, csync2rev, type Service, type ServiceText, type Superserver } from "./services.ts";
export type { LogLine } from "./syslog.ts";
export { type Tree, treeOf } from "./tree.ts";

const PACKAGES = [
  ...["csync2", "libsqlite3-0", "openbsd-inetd", "xinetd", "libuid-wrapper"],
  ...["iproute2", "openssl", "socat", "netcat-openbsd"],
];

/** A csync2.cfg, the same for all hosts or one for each. */
export type Cfg = string | ((host: string) => string);

export interface ClusterOptions {
  /** Up to 250; h1, h2 and h3 by default. */
  readonly hosts?: readonly (string | HostOptions)[];
  /** {@link groupOf} all hosts by default. Hosts have certificates if `nossl` is not in it. */
  readonly cfg?: Cfg;
  /** Whether the hosts have IPv6 addresses too. */
  readonly ipv6?: boolean;
  /** The built program to have as /usr/sbin/csync2rev; {@link PROGRAM} by default, null for none. */
  readonly program?: string | null;
  /** The Node to have as /usr/bin/node; the one that runs this by default. */
  readonly node?: string;
  /** Debian packages to have beside the usual ones. */
  readonly packages?: readonly string[];
}

/** A csync2.cfg with one group, named cluster, of these hosts, with /srv/data in it. */
export function groupOf(hosts: readonly string[], lines: readonly string[] = ["auto younger;"]): string {
  const all = [`host ${hosts.join(" ")};`, "key /etc/csync2.key;", ...lines, "include /srv/data;"];
  return text(["nossl * *;", "", "group cluster {", ...all.map((line) => `    ${line}`), "}"]);
}

/**
 * Starts a cluster: all its hosts up, no services yet. Needs root, or user namespaces for ordinary users; what the
 * machine lacks of csync2 and the superservers is fetched once, into .cache.
 */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const { hosts = ["h1", "h2", "h3"], ipv6 = false, program = PROGRAM, node = process.execPath } = options;
  if (program !== null && !existsSync(program))
    throw new Error(`${program} is not there: npm run build makes it`);
  const packages = await debianPackages([...PACKAGES, ...(options.packages ?? [])]);
  const ground = await layGround({ packages, program, node });
  const cluster = new Cluster(ground, places(hosts, ipv6), options.cfg);
  try {
    await cluster.reset();
  } catch (error) {
    await cluster.close();
    throw error;
  }
  return cluster;
}

/** Hosts on a network of their own, side by side with other clusters on the same machine. */
export class Cluster {
  readonly hosts: readonly Host[];
  /** What /etc/csync2.key holds. */
  readonly key = randomBytes(32).toString("hex");
  readonly #ground: Holder;
  readonly #places: readonly Place[];
  #cfg: Cfg;
  #ports = 0;
  #ipWaiting: string[] | undefined;
  #ipRunning: Promise<unknown> = Promise.resolve();
  #certificate: Promise<Readonly<Record<string, string>>> | undefined;

  /** @internal use {@link startCluster} */
  constructor(ground: Holder, places: readonly Place[], cfg: Cfg = groupOf(places.map(({ name }) => name))) {
    this.#ground = ground;
    this.#places = places;
    this.#cfg = cfg;
    this.hosts = places.map(({ name, mac }) => {
      const disk = `/sys/hosts/${name}`;
      let port = "";
      return new Host(name, {
        holder: ground,
        root: `/proc/${ground.pid}/root${disk}`,
        rootInside: disk,
        plugIn: (pid) => {
          // A new one each time: the one before vanishes with the rest of the host, which takes the kernel a moment.
          port = `port${this.#ports++}`;
          return this.#ip(
            `link add ${port} type veth peer name eth0 address ${mac} netns ${pid}`,
            `link set ${port} master bridge up`,
          );
        },
        attach: (attached) => this.#ip(`link set ${port} ${attached ? "master bridge" : "nomaster"}`),
      });
    });
  }

  host(name: string): Host {
    const host = this.hosts.find((host) => host.name === name);
    if (!host) throw new Error(`no host ${name} in this cluster`);
    return host;
  }

  /** The addresses of a host's name. */
  addresses(name: string): readonly string[] {
    const found = this.#places.flatMap(({ names }) => names).find((entry) => entry.name === name);
    if (!found) throw new Error(`no host ${name} in this cluster`);
    return found.addresses;
  }

  /**
   * Makes all hosts as they were when the cluster was started: no data, no databases, no log, no services, nothing
   * left running; the key and csync2.cfg as given.
   */
  async reset(cfg: Cfg = this.#cfg): Promise<void> {
    this.#cfg = cfg;
    await Promise.all(
      this.#places.map(async (place) => {
        const host = this.host(place.name);
        await host.powerOff();
        await host.stopServices();
        furnish(host.path("/"), await this.#etc(place));
        await host.boot();
      }),
    );
  }

  /** Ends everything. Nothing is left of the cluster, on disk or running. */
  async close(): Promise<void> {
    await Promise.all(this.hosts.map((host) => host.end()));
    await this.#ground.kill();
  }

  async #etc(place: Place): Promise<Readonly<Record<string, string>>> {
    const cfg = typeof this.#cfg === "string" ? this.#cfg : this.#cfg(place.name);
    return {
      hostname: text([place.name]),
      hosts: text(hostsFile(this.#places)),
      network: text(networkSetup(place, this.#places)),
      "csync2.key": text([this.key]),
      "csync2.cfg": cfg,
      ...(/^\s*nossl\b/m.test(cfg) ? {} : await (this.#certificate ??= this.#makeCertificate())),
    };
  }

  async #makeCertificate(): Promise<Readonly<Record<string, string>>> {
    const config = "[req]\\ndistinguished_name=name\\n[name]\\n";
    const options = "-x509 -days 30 -newkey rsa:2048 -nodes -subj /CN=cluster -keyout - -out -";
    const pem = await this.#run(["bash", "-c", `openssl req -config <(printf '${config}') ${options}`]);
    const begin = pem.indexOf("-----BEGIN CERTIFICATE-----");
    return { "csync2_ssl_key.pem": pem.slice(0, begin), "csync2_ssl_cert.pem": pem.slice(begin) };
  }

  /** Changes the network that the hosts are plugged into. What is asked for meanwhile is done together afterwards. */
  async #ip(...lines: readonly string[]): Promise<void> {
    const before = this.#ipRunning;
    if (this.#ipWaiting === undefined) {
      const waiting: string[] = (this.#ipWaiting = []);
      const run = async (): Promise<void> => {
        await before.catch(() => undefined); // it was told to those who asked for it
        this.#ipWaiting = undefined;
        await this.#run(["ip", "-batch", "-"], text(waiting));
      };
      this.#ipRunning = run();
    }
    this.#ipWaiting.push(...lines);
    await this.#ipRunning;
  }

  /** Runs a program beside the hosts. */
  async #run(command: readonly string[], input = ""): Promise<string> {
    const [program = "", ...args] = entering(this.#ground, ["--mount", "--net"], command);
    const child = spawn(program, args);
    const out = { stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (text: string) => (out.stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (out.stderr += text));
    child.stdin.end(input);
    const [code] = (await once(child, "close")) as [number | null];
    if (code !== 0) throw new Error(`${command.join(" ")}: ${out.stderr.trim()}\n${input}`);
    return out.stdout;
  }
}
