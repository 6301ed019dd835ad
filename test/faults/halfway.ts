import { randomFillSync } from "node:crypto";
import type { Host } from "../cluster/cluster.ts";

/** In milliseconds, for a machine that has much else to do. */
const MEETS_WITHIN = 120_000;

/** Gives a host files to push, so many and so big that csync2 can be stopped while it checks and sends them. */
export function changeMuch(host: Host): void {
  const version = "v2";
  host.write("/srv/data/a", version);
  host.write("/srv/data/big", randomFillSync(Buffer.alloc(24 << 20)));
  host.write("/srv/data/z", version);
  for (let i = 0; i < 400; i++) host.write(`/srv/data/many/${i}`, version);
}

/** Stops the first push that csync2 begins on a host, in the middle of a file; its pid there. */
export async function stopPush(host: Host): Promise<number> {
  return await stop(host, "-u", "^/srv/data/");
}

/** Stops the first check that csync2 begins on a host, once it has opened its database; its pid there. */
export async function stopCheck(host: Host): Promise<number> {
  return await stop(host, "-c", "[.]db3$");
}

/** In perl, which looks often and yet leaves csync2 the processor. */
const STOP = `
  sub of { open(my $file, "<", $_[0]) or return ""; local $/; <$file> // "" }
  my ($option, $open) = @ARGV;
  for (;; select undef, undef, undef, 0.005) {
    for my $pid (map { m{(\\d+)$} } glob "/proc/[0-9]*") {
      next unless of("/proc/$pid/comm") eq "csync2\\n" && grep { $_ eq $option } split /\\0/, of("/proc/$pid/cmdline");
      next unless grep { (readlink $_ // "") =~ $open } glob "/proc/$pid/fd/*";
      kill "STOP", $pid and print $pid and exit;
    }
  }`;

/** Stops a csync2 that has this option and has opened a file that matches, as soon as only a program on that host can; its pid there. */
async function stop(host: Host, option: string, file: string): Promise<number> {
  const { stdout } = await host.run(["perl", "-e", STOP, "--", option, file], { timeout: MEETS_WITHIN });
  return Number(stdout);
}

/** Sends a signal to a process on a host. */
export async function signal(host: Host, name: string, pid: number): Promise<void> {
  await host.shell(`kill -${name} ${pid}`);
}

/**
 * Waits until a host's kernel has tried in vain, five times, to send something of a connection to this port elsewhere; or until that
 * connection, which had nothing to send just then, has been ended.
 */
export async function untilCutOff(host: Host, port: number): Promise<void> {
  let seen = false;
  await host.until(
    "packets are sent in vain",
    () => {
      const connections = host.connectionsTo(port);
      const ended = seen && connections.length === 0;
      seen ||= connections.length > 0;
      return ended || connections.some(({ retransmissions }) => retransmissions >= 5);
    },
    MEETS_WITHIN,
  );
}

/** Waits until a host has given up all its connections to this port elsewhere. */
export async function untilGivenUp(host: Host, port: number): Promise<void> {
  await host.until("the connection is given up", () => host.connectionsTo(port).length === 0, MEETS_WITHIN);
}
