import { certificatePair, PAIR_TODO, troubleOfPair, usesTls } from "../csync2/certificate.ts";
import { directoryAbove, lookAt, obstacleAt, roomAt, type Obstacle } from "../csync2/places.ts";
import type { Csync2Cfg } from "../csync2cfg/model.ts";
import { rootsOf } from "../csync2cfg/roots.ts";
import { decode } from "../csync2cfg/source.ts";
import type { ConfiguredHost } from "../host.ts";
import { membersToAsk } from "../requester/plan.ts";
import { failed, ok, warning, type Finding } from "./finding.ts";

/** With a smaller part of a file system left than this, somebody should look. */
const SCARCE = 0.01;
const READABLE_BY_OTHERS = 0o044;

const TODO: Readonly<Record<Obstacle["reason"], string>> = {
  "not-writable": "have it mounted writable",
  immutable: "take the flag away with chattr -i",
  "disk-full": "make room there",
};

/** Where csync2 writes what peers push: the trees, the backup-directories and the tempdir. Looks, and writes nothing. */
export function checkPlaces(configuration: Csync2Cfg): readonly Finding[] {
  const { groups, prefixes, tempdir } = configuration;
  const receiving = groups.filter((group) => membersToAsk(group).length > 0);
  const trees = rootsOf(receiving, prefixes).flatMap(({ path }) => (path === null ? [] : decode(path)));
  const backups = receiving.flatMap(({ backupDirectory }) => backupDirectory ?? []);
  return [
    ...[...new Set(trees)].map((tree) => checkPlace(`tree ${tree}`, tree)),
    ...[...new Set(backups)].map((directory) => checkDirectory(`backup-directory ${directory}`, directory)),
    ...(tempdir === null ? [] : [checkDirectory(`tempdir ${tempdir}`, tempdir)]),
  ];
}

function checkDirectory(item: string, directory: string): Finding {
  const there = lookAt(directory);
  return there === undefined || there.isDirectory()
    ? checkPlace(item, directory)
    : failed(
        item,
        "it is not a directory: csync2 cannot take files",
        "make it a directory, or correct csync2.cfg",
      );
}

function checkPlace(item: string, path: string): Finding {
  const obstacle = obstacleAt(path);
  if (obstacle !== null)
    return failed(item, `${obstacle.what}: csync2 cannot take files`, TODO[obstacle.reason]);
  const room = roomAt(lookAt(path)?.isDirectory() === true ? path : directoryAbove(path));
  if (room === null) return ok(item, "can be written");
  const left = `${Math.floor(room.bytes / 1e6)} MB left`;
  if (room.share >= SCARCE) return ok(item, `can be written, ${left}`);
  const what = room.inodes < Infinity ? `${left}, ${room.inodes} inodes` : left;
  return warning(item, `less than 1 % of its file system is free: ${what}`, "make room there");
}

/** The certificate pair, if csync2 uses TLS with a member. */
export function checkCertificate({ host, configuration }: ConfiguredHost): readonly Finding[] {
  const item = "TLS certificate";
  const isUsed = configuration.groups.some((group) =>
    group.hosts.some((peer) => peer.hostname !== group.me.hostname && usesTls(configuration, group, peer)),
  );
  if (!isUsed) return [];
  const pair = certificatePair(host.systemDirectory);
  const trouble = troubleOfPair(pair);
  if (trouble !== null) return [failed(item, `${trouble}: peers cannot push`, PAIR_TODO)];
  if (((lookAt(pair.key)?.mode ?? 0) & READABLE_BY_OTHERS) !== 0)
    return [
      warning(
        item,
        `others than root can read ${pair.key}: whoever does can pass for this host`,
        `chmod 600 ${pair.key}`,
      ),
    ];
  return [ok(item, `${pair.certificate} and its key`)];
}
