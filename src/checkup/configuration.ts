import { isNamedBy, mayAsk } from "../csync2cfg/directive.ts";
import { describeWarning, type Group } from "../csync2cfg/model.ts";
import { Csync2revError } from "../errors.ts";
import type { HostOptions, OpenedHost } from "../host.ts";
import { membersToAsk } from "../requester/plan.ts";
import { failed, ok, warning, type Finding } from "./finding.ts";

const TURNS_AWAY = "correct it: until then, this host refuses every peer";

/** What is wrong with csync2rev.ini and csync2.cfg, and what they say. */
export function checkConfiguration(opened: OpenedHost, options: HostOptions): readonly Finding[] {
  return [...settingsFindings(opened, options), ...configurationFindings(opened)];
}

function settingsFindings({ host, settingsFault }: OpenedHost, { settings }: HostOptions): Finding[] {
  if (settingsFault !== null) return [failed("settings", messageOf(settingsFault), TURNS_AWAY)];
  // Without a system directory nobody has looked for them.
  if (host === null) return [];
  return [ok("settings", settings ?? `csync2rev.ini in ${host.systemDirectory}, or its defaults`)];
}

function configurationFindings({ host, configuration, configurationFault, settings }: OpenedHost): Finding[] {
  if (configuration === null) return [failed("configuration", messageOf(configurationFault), null)];
  const { file, groups, warnings } = configuration;
  const doubts = warnings.map((doubt) => warning("configuration", describeWarning(doubt), null));
  if (configurationFault !== null)
    return [failed("configuration", messageOf(configurationFault), TURNS_AWAY), ...doubts];
  if (groups.length === 0)
    return [
      failed(
        "configuration",
        `no group in ${file} names ${host.hostname}`,
        "write it into a host line, or give its name there by hostname = in csync2rev.ini or with -N",
      ),
      ...doubts,
    ];
  const names = groups.map(({ name }) => name).join(", ");
  return [
    ok("configuration", `${file}: ${host.hostname} is in ${names}`),
    ...doubts,
    ...groups.map(allowListFinding),
    ...optionalFindings(settings.others.optional, groups),
  ];
}

function optionalFindings(patterns: readonly string[], groups: readonly Group[]): Finding[] {
  const peers = groups.flatMap(membersToAsk);
  return patterns
    .filter((pattern) => !peers.some((peer) => isNamedBy([pattern], peer)))
    .map((pattern) =>
      warning(
        "optional peers",
        `"${pattern}" names no peer that this host asks`,
        "correct optional = in section [others] of csync2rev.ini",
      ),
    );
}

function allowListFinding(group: Group): Finding {
  const { name, me, hosts, allow } = group;
  const item = `allow-list of ${name}`;
  if (me.slave) return ok(item, `${me.peername} is a slave: it pushes to nobody`);
  const others = hosts.filter((host) => host.hostname !== me.hostname);
  if (allow === null) return ok(item, 'no "#csync2rev allow" line: every member may ask');
  const allowed = others.filter((host) => mayAsk(group, host)).map(({ peername }) => peername);
  if (allowed.length > 0 || others.length === 0)
    return ok(item, `may ask: ${allowed.join(", ") || "nobody"}`);
  return warning(item, "nobody may ask", 'add those that may ask to the "#csync2rev allow" line');
}

function messageOf(error: Error): string {
  if (!(error instanceof Csync2revError)) throw error;
  return error.message;
}
