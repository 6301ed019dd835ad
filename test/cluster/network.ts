/** A host's place in the network. */
export interface Place {
  readonly name: string;
  readonly mac: string;
  /** The addresses of each of its names, its own name first. */
  readonly names: readonly { readonly name: string; readonly addresses: readonly string[] }[];
}

export interface HostOptions {
  readonly name: string;
  /** More names of the host, each with an address in a network of its own. */
  readonly aliases?: readonly string[];
}

/** Gives every name of every host an address, 10.77.0.1 for the first one's, and on request fd77::0:1 as well. */
export function places(hosts: readonly (string | HostOptions)[], ipv6: boolean): Place[] {
  return hosts.map((host, index) => {
    const { name, aliases = [] }: HostOptions = typeof host === "string" ? { name: host } : host;
    const id = index + 1;
    const names = [name, ...aliases].map((name, net) => ({
      name,
      addresses: [`10.77.${net}.${id}`, ...(ipv6 ? [`fd77::${net}:${id.toString(16)}`] : [])],
    }));
    return { name, mac: `02:00:00:00:00:${id.toString(16).padStart(2, "0")}`, names };
  });
}

/** /etc/hosts, the same on every host. */
export function hostsFile(all: readonly Place[]): string[] {
  const lines = all.flatMap(({ names }) =>
    names.flatMap(({ name, addresses }) => addresses.map((address) => `${address} ${name}`)),
  );
  return ["127.0.0.1 localhost", ...lines];
}

/** What `ip -batch` needs to bring the network up on one of the hosts. */
export function networkSetup(place: Place, all: readonly Place[]): string[] {
  const addressesOf = ({ names }: Place): string[] => names.flatMap(({ addresses }) => addresses);
  const neighbours = all.filter((other) => other !== place);
  return [
    "link set lo up",
    ...addressesOf(place).map(
      (address) => `address add ${address}/${address.includes(":") ? "112 nodad" : "24"} dev eth0`,
    ),
    "link set eth0 up",
    // Known beforehand, so that a host that is down gives silence, and not an error after three seconds.
    ...neighbours.flatMap((other) =>
      addressesOf(other).map(
        (address) => `neighbour add ${address} lladdr ${other.mac} nud permanent dev eth0`,
      ),
    ),
  ];
}
