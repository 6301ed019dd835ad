import { realpathSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import type { ConfiguredHost } from "../host.ts";
import { withoutPasswords } from "../printable.ts";
import { failed, ok, warning, type Finding } from "./finding.ts";
import { filesOfOthers } from "./keys.ts";

const WRITABLE_BY_ALL = 0o002;
const WRITABLE_BY_GROUP = 0o020;
const READABLE_BY_OTHERS = 0o044;
const STICKY = 0o1000;

/**
 * Whether anybody except root can read the keys, or change what runs as root.
 * @param settings the settings' file, if it is not csync2rev.ini beside csync2.cfg
 */
export function checkFiles(
  { host, configuration }: ConfiguredHost,
  settings: string | undefined,
  programs: readonly string[],
): readonly Finding[] {
  const keys = [...new Set(configuration.groups.map(({ key }) => key.file))];
  const files = [
    configuration.file,
    ...configuration.included,
    settings ?? join(host.systemDirectory, "csync2rev.ini"),
    ...keys,
    ...filesOfOthers(host),
    ...programs,
  ];
  const hasPassword = configuration.texts.some((text) => withoutPasswords(text) !== text);
  return [
    ...keys.map(judgeSecrecy),
    ...(hasPassword ? [configuration.file, ...configuration.included].flatMap(judgePassword) : []),
    ...judgeOwnership(files),
  ];
}

/** csync2.cfg and what it includes, if one of them has a password of csync2's database. */
function judgePassword(file: string): Finding[] {
  if ((statSync(file).mode & READABLE_BY_OTHERS) === 0) return [];
  return [
    warning(
      `configuration ${file}`,
      "others than root can read it, and a database's URL in it has a password",
      `chmod 600 ${file}`,
    ),
  ];
}

function judgeSecrecy(file: string): Finding {
  const item = `key file ${file}`;
  const { mode } = statSync(file);
  if ((mode & READABLE_BY_OTHERS) !== 0)
    return warning(
      item,
      "other users than root can read it: whoever has the key can ask as a member, and can talk to csync2",
      `chmod 600 ${file}`,
    );
  return ok(item, "only its owner can read it");
}

/** A file is only as safe as its folder: whoever can write there can replace the file. */
function judgeOwnership(files: readonly string[]): Finding[] {
  const real = files.flatMap((file) => {
    try {
      return [realpathSync(file)];
    } catch {
      return [];
    }
  });
  const item = "ownership";
  const findings = [...new Set(real.flatMap((file) => [file, dirname(file)]))].flatMap((path): Finding[] => {
    const { mode, uid, gid } = statSync(path);
    if ((mode & WRITABLE_BY_ALL) !== 0 && (mode & STICKY) === 0)
      return [failed(item, `everybody can write ${path}, and so act as root`, `chmod o-w ${path}`)];
    if (uid !== 0)
      return [warning(item, `${path} belongs to uid ${uid}, who can so act as root`, `chown root ${path}`)];
    if ((mode & WRITABLE_BY_GROUP) !== 0 && gid !== 0)
      return [warning(item, `gid ${gid} can write ${path}, and so act as root`, `chmod g-w ${path}`)];
    return [];
  });
  if (findings.length > 0) return findings;
  return [ok(item, "only root can change configuration, keys and programs")];
}
