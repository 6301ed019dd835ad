import { Holder } from "./namespace.ts";

// Everything that the cluster writes is on a tmpfs that only its namespaces have, so there is nothing to clean up
// afterwards. It is mounted on /sys, since every machine has that directory, and nobody keeps a checkout in it.
const SCRIPT = `
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
  const script = ["bash", "-euc", SCRIPT, "ground", ground.packages, ground.program ?? "", ground.node];
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
