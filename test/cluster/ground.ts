import { join } from "node:path";
import { Holder } from "./namespace.ts";

const SCRIPT = join(import.meta.dirname, "ground.sh");

/** What a cluster stands on, as files of the real machine. */
export interface Ground {
  /** A folder with unpacked Debian packages, to be had beside the machine's own /usr. */
  readonly packages: string;
  /** To be had as /usr/sbin/csync2rev, if any. */
  readonly program: string | null;
  /** To be had as /usr/bin/node. */
  readonly node: string;
}

/** The holder's namespaces have what all hosts share, and the network that they are plugged into. */
export async function layGround(ground: Ground): Promise<Holder> {
  const script = ["bash", SCRIPT, ground.packages, ground.program ?? "", ground.node];
  const attempts = process.getuid?.() === 0 ? [false, true] : [true];
  const failures: string[] = [];
  for (const rootless of attempts) {
    const user = rootless ? ["--map-root-user"] : [];
    try {
      const holder = await Holder.start(["unshare", "--mount", "--net", ...user, ...script], rootless);
      await holder.proceed();
      return holder;
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
