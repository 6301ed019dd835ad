import { readdirSync } from "node:fs";
import { join } from "node:path";
import { bitsOf, ENOUGH_BITS } from "../csync2cfg/entropy.ts";
import { configFileName, loadCsync2Cfg } from "../csync2cfg/load.ts";
import type { Csync2Cfg, Group } from "../csync2cfg/model.ts";
import { plaintextOf } from "../csync2cfg/plaintext.ts";
import type { ConfiguredHost, ThisHost } from "../host.ts";
import { ok, warning, type Finding } from "./finding.ts";

/** What is wrong with the keys themselves: those that csync2 gives away, those that can be guessed, and those that should be gone. */
export function checkKeys({ host, configuration }: ConfiguredHost): readonly Finding[] {
  const { systemDirectory, hostname, config } = host;
  return [
    judgeEncryption(configuration),
    ...judgeStrength(configuration),
    ...otherNames(systemDirectory, config).map((name) =>
      judgeOther(configuration, systemDirectory, name, hostname),
    ),
  ];
}

/** Without TLS csync2 sends the key of the file's group ahead of each file, for everybody on the way to read. */
function judgeEncryption(cfg: Csync2Cfg): Finding {
  const item = "encryption";
  const inClear = plaintextOf(cfg);
  const pairs = new Set(
    cfg.groups.flatMap(({ me, hosts }) =>
      hosts
        .filter((peer) => peer.hostname !== me.hostname && (inClear(me, peer) || inClear(peer, me)))
        .map((peer) => `${me.peername} and ${peer.peername}`),
    ),
  );
  if (pairs.size === 0) return ok(item, "csync2 uses TLS with every member");
  return warning(
    item,
    `nossl: csync2 sends the group's key in clear between ${[...pairs].join(", ")}. Whoever reads it there can ask and push as a member, and read what was recorded of csync2rev`,
    "make a certificate on each host, take the nossl line out of csync2.cfg on all of them, then change the key; or see to it that nobody else is on that network",
  );
}

function judgeStrength({ groups }: Csync2Cfg): Finding[] {
  const keys = new Map(groups.map(({ key }) => [key.file, key.text]));
  return [...keys].map(([file, text]) => {
    const item = `strength of ${file}`;
    if (bitsOf(text) >= ENOUGH_BITS) return ok(item, "no pattern in sight");
    return warning(
      item,
      "the key can be guessed: it repeats itself, or is made of words",
      "make another with csync2 -k, and change it on all members (SECURITY.md has the steps)",
    );
  });
}

/**
 * The files of this host's other configurations that can be read: whoever can write one of these acts as root too, because the handler
 * serves all of them.
 */
export function filesOfOthers({ systemDirectory, hostname, config }: ThisHost): readonly string[] {
  return otherNames(systemDirectory, config).flatMap((configName) => {
    const file = join(systemDirectory, configFileName(configName));
    try {
      const { included, groups } = loadCsync2Cfg({ systemDirectory, configName, hostname });
      return [file, ...included, ...groups.map(({ key }) => key.file)];
    } catch {
      return [file];
    }
  });
}

/** The names of this host's other configurations, all of which the handler serves if a request names them; "" is csync2.cfg itself. */
function otherNames(systemDirectory: string, own: string): readonly string[] {
  return readdirSync(systemDirectory)
    .map((file) => /^csync2(?:_([a-z0-9]{1,32}))?\.cfg$/.exec(file))
    .filter((match) => match !== null)
    .map(([, name = ""]) => name)
    .filter((name) => name !== own)
    .sort();
}

/** Whether a configuration may be a forgotten copy: it has a group of the same name or files, and another key for it. */
function judgeOther(
  configuration: Csync2Cfg,
  systemDirectory: string,
  configName: string,
  hostname: string,
): Finding {
  const item = configFileName(configName);
  let groups: readonly Group[];
  try {
    ({ groups } = loadCsync2Cfg({ systemDirectory, configName, hostname }));
  } catch {
    return warning(
      item,
      "cannot be read",
      `look with csync2rev --show-config${option(configName)}, or delete it`,
    );
  }
  const copy = groups.find((group) =>
    configuration.groups.some((own) => own.key.text !== group.key.text && isLike(own, group)),
  );
  if (copy !== undefined)
    return warning(
      item,
      `served too, with another key (${copy.key.file}) for group ${copy.name}: whoever has that key can ask and push`,
      `delete ${systemDirectory}/${item} if it was forgotten`,
    );
  const keys = [...new Set(groups.map(({ key }) => key.file))].join(", ");
  return ok(item, groups.length === 0 ? "names this host in no group" : `served too, with ${keys}`);
}

function isLike(one: Group, other: Group): boolean {
  if (one.name === other.name) return true;
  const included = new Set(one.patterns.filter(isIncluded).map(({ pattern }) => pattern));
  return other.patterns.some((entry) => isIncluded(entry) && included.has(entry.pattern));
}

function isIncluded({ effect }: Group["patterns"][number]): boolean {
  return effect === "include";
}

function option(configName: string): string {
  return configName === "" ? "" : ` -C ${configName}`;
}
