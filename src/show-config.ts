import { mayAsk } from "./csync2cfg/directive.ts";
import type { Csync2Cfg } from "./csync2cfg/model.ts";
import type { ThisHost } from "./host.ts";
import { membersToAsk } from "./requester/plan.ts";

/** What csync2rev reads out of csync2.cfg, as `--show-config` prints it. Contains the key's file, never the key. */
export function showConfig(host: ThisHost, configuration: Csync2Cfg): unknown {
  return {
    hostname: host.hostname.toLowerCase(),
    file: configuration.file,
    groups: configuration.groups.map((group) => ({
      name: group.name,
      me: group.me.peername,
      slave: group.me.slave,
      key: group.key.file,
      hosts: group.hosts,
      allow: group.allow,
      mayAsk: group.me.slave
        ? []
        : group.hosts
            .filter((peer) => peer !== group.me && mayAsk(group, peer))
            .map(({ peername }) => peername),
      asks: membersToAsk(group).map(({ peername }) => peername),
    })),
  };
}
