import { programFile } from "#runtime";
import { hostname } from "node:os";
import { openHost, optionsFor, type HostOptions } from "../host.ts";
import { logCommand } from "../log-command.ts";
import { askOptions, type AskOverrides } from "../requester/options.ts";
import { EXIT, exitStatus } from "../requester/outcome.ts";
import { isOddOne, ODD_ONE } from "../requester/remedies.ts";
import { plan, type Route, type Selection } from "../requester/plan.ts";
import type { Group } from "../csync2cfg/model.ts";
import { checkConfiguration } from "./configuration.ts";
import { checkDatabase } from "./database.ts";
import { checkFiles } from "./files.ts";
import { warning, type Finding } from "./finding.ts";
import { fingerprints } from "./fingerprints.ts";
import { checkKeys } from "./keys.ts";
import { checkNames } from "./names.ts";
import { pingPeers, type PeerFinding } from "./peers.ts";
import { checkCertificate, checkPlaces } from "./places.ts";
import { checkCsync2Port, checkOwnPort } from "./ports.ts";
import { checkPrograms, checkServiceName, checkWrittenFiles } from "./programs.ts";

/** What `--test` found, as `--json` prints it. */
export interface Checkup {
  readonly host: string;
  readonly exit: number;
  readonly items: readonly Finding[];
  readonly peers: readonly PeerFinding[];
}

/**
 * `--test`: looks at this host's set-up, then pings every peer. Changes nothing; csync2 is only run to read its database.
 * Throws `usage` where -G or -P name what is not there.
 */
export async function checkUp(
  hostOptions: HostOptions,
  selection: Selection,
  overrides: AskOverrides,
  env: NodeJS.ProcessEnv,
): Promise<Checkup> {
  const opened = openHost(hostOptions, env);
  const findings = checkConfiguration(opened, hostOptions);
  const programs = await checkPrograms(opened.settings);
  if (opened.configuration === null)
    return {
      host: opened.host?.hostname ?? hostOptions.hostname ?? hostname(),
      exit: EXIT.configuration,
      items: [...findings, ...programs.findings],
      peers: [],
    };

  const { host, configuration } = opened;
  const { groups } = configuration;
  const peers = groups.length === 0 ? [] : plan(groups, selection, host);
  const ownPeernames = [...new Set(groups.map(({ me }) => me.peername))];
  const asking = await askOptions(host, overrides, ownPeernames, false, new AbortController().signal);
  const items = [
    ...findings,
    ...checkFiles(opened, hostOptions.settings, [...programs.paths, programFile()]),
    ...checkKeys(opened),
    ...programs.findings,
    ...checkWrittenFiles(host),
    ...checkPlaces(configuration),
    ...checkCertificate(opened),
    await checkServiceName(asking.port),
    ...(await checkNames(groups, asking.limits)),
    ...(await checkOwnPort(groups, asking)),
    ...(await checkCsync2Port(host, groups.flatMap(routesIn), asking.limits)),
    ...(await checkDatabase({ host, configuration }, hostOptions, asking.limits)),
  ];
  const how = { ...optionsFor(host), readLog: logCommand(host.settings) };
  const pings = await pingPeers(peers, asking, how);
  const oddOne = isOddOne(pings.map(({ outcome }) => outcome))
    ? [warning("keys", ODD_ONE, "compare the fingerprints of the keys, here and on a peer: csync2rev --test")]
    : [];
  const told = [...items, ...(await fingerprints(groups)), ...oddOne];
  return { host: host.hostname, exit: exitOf(findings, items, pings), items: told, peers: pings };
}

/** All ways to the other members of a group, slaves among them. */
function routesIn(group: Group): readonly Route[] {
  return group.hosts
    .filter(({ hostname }) => hostname !== group.me.hostname)
    .map((peer) => ({ group, peer }));
}

/** As for `--others`: a configuration that cannot serve, then anything else on this host, then what the peers said. */
function exitOf(
  ofConfiguration: readonly Finding[],
  items: readonly Finding[],
  pings: readonly PeerFinding[],
): number {
  const anyFailed = (findings: readonly Finding[]): boolean =>
    findings.some(({ status }) => status === "failed");
  if (anyFailed(ofConfiguration)) return EXIT.configuration;
  if (anyFailed(items)) return EXIT.incomplete;
  return exitStatus(
    pings.map(({ outcome, optional }) => ({
      outcome: outcome === "answered" ? ("caught-up" as const) : outcome,
      optional,
    })),
  );
}
