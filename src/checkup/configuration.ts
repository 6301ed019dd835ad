import { mayAsk } from "../csync2cfg/directive.ts";
import { findSystemDirectory } from "../csync2cfg/load.ts";
import { describeWarning, type Csync2Cfg, type Group } from "../csync2cfg/model.ts";
import { Csync2revError } from "../errors.ts";
import {
  configurationOf,
  settingsFor,
  thisHost,
  type ConfiguredHost,
  type HostOptions,
  type ThisHost,
} from "../host.ts";
import { DEFAULT_SETTINGS } from "../settings.ts";
import { failed, ok, warning, type Finding } from "./finding.ts";

/** Reads csync2rev.ini and csync2.cfg, and tells what is wrong with them; null where csync2.cfg cannot be read. */
export function checkConfiguration(
  options: HostOptions,
  env: NodeJS.ProcessEnv,
): { readonly configured: ConfiguredHost | null; readonly findings: readonly Finding[] } {
  const findings: Finding[] = [];
  try {
    const systemDirectory = findSystemDirectory(options.config ?? "", env);
    let settings = DEFAULT_SETTINGS;
    try {
      settings = settingsFor(options, systemDirectory);
      findings.push(
        ok("settings", options.settings ?? `csync2rev.ini in ${systemDirectory}, or its defaults`),
      );
    } catch (error) {
      findings.push(
        failed("settings", messageOf(error), "until it is mended, this host turns every peer away"),
      );
    }
    const host = thisHost(options, systemDirectory, settings);
    const configuration = configurationOf(host);
    findings.push(...judge(host, configuration));
    return { configured: { host, configuration }, findings };
  } catch (error) {
    findings.push(failed("configuration", messageOf(error), null));
    return { configured: null, findings };
  }
}

function judge(host: ThisHost, { file, groups, fault, warnings }: Csync2Cfg): Finding[] {
  const doubts = warnings.map((doubt) => warning("configuration", describeWarning(doubt), null));
  if (fault !== null)
    return [
      failed("configuration", fault.message, "until it is mended, this host turns every peer away"),
      ...doubts,
    ];
  if (groups.length === 0)
    return [
      failed(
        "configuration",
        `${file} names ${host.hostname} in no group`,
        "name it in a host line, or say with -N which name it goes by (in inetd's, xinetd's or systemd's line too)",
      ),
      ...doubts,
    ];
  const names = groups.map(({ name }) => name).join(", ");
  return [
    ok("configuration", `${file}: ${host.hostname} is in ${names}`),
    ...doubts,
    ...groups.map(judgeAllowList),
  ];
}

function judgeAllowList(group: Group): Finding {
  const { name, me, hosts, allow } = group;
  const item = `allow-list of ${name}`;
  if (me.slave) return ok(item, `${me.peername} is a slave: it pushes to nobody`);
  const others = hosts.filter((host) => host.hostname !== me.hostname);
  if (allow === null) return ok(item, 'no "#csync2rev allow" line: every member may ask');
  const allowed = others.filter((host) => mayAsk(group, host)).map(({ peername }) => peername);
  if (allowed.length > 0 || others.length === 0)
    return ok(item, `may ask: ${allowed.join(", ") || "nobody"}`);
  return warning(item, "nobody may ask", 'add those who may to the "#csync2rev allow" line');
}

function messageOf(error: unknown): string {
  if (!(error instanceof Csync2revError)) throw error;
  return error.message;
}
