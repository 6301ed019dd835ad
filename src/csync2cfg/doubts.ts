import { isIPv6 } from "../address.ts";
import { mayAsk } from "./directive.ts";
import type { Group, Prefix, Warning } from "./model.ts";
import type { GroupBlock } from "./parser.ts";
import { decode, encode, quote, type Source } from "./source.ts";

/**
 * What csync2 accepts although its author hardly meant it.
 * @param blocks of all groups, also of those without this host
 * @param mine the groups that this host is in
 */
export function doubts(
  blocks: readonly GroupBlock[],
  mine: ReadonlyMap<Group, GroupBlock>,
  prefixes: readonly Prefix[],
): readonly Warning[] {
  return [
    // A host whose name is followed by a comma is not in the group under its own name.
    ...blocks.flatMap(doubtfulHosts),
    ...[...mine].flatMap(([group, block]) => [
      ...patternsForNobody(group, block),
      ...unknownPrefixes(block, prefixes),
    ]),
  ];
}

function doubtfulHosts(block: GroupBlock): Warning[] {
  return block.hosts
    .filter(({ hostname, peername }) => isDoubtful(hostname) || isDoubtful(peername))
    .map(({ hostname, peername, source, offset }) =>
      doubt(
        source,
        offset,
        `found host ${quote(isDoubtful(hostname) ? hostname : peername)}, expected blanks between hosts: csync2 takes "," and ":" as part of the name`,
      ),
    );
}

/** A colon is right in an address. */
function isDoubtful(name: string): boolean {
  return /[,;:]/.test(name) && !isIPv6(name);
}

function patternsForNobody(group: Group, block: GroupBlock): Warning[] {
  return (group.allow ?? [])
    .filter((pattern) => !group.hosts.some((host) => mayAsk({ allow: [pattern] }, host)))
    .map((pattern) =>
      doubt(
        block.at.source,
        block.at.offset,
        `found "#csync2rev allow" with ${quote(encode(pattern))}, expected a pattern that matches a host of group ${quote(block.name)}: it allows nobody`,
      ),
    );
}

function unknownPrefixes(block: GroupBlock, prefixes: readonly Prefix[]): Warning[] {
  return block.patterns.flatMap(({ token: { text, source, offset } }) => {
    const name = /^%([^%]*)/.exec(text)?.[1];
    if (name === undefined || prefixes.some((prefix) => prefix.path !== null && prefix.name === decode(name)))
      return [];
    return [
      doubt(
        source,
        offset,
        `found prefix ${quote(name)}, expected one that is defined for this host: csync2 stops when it reads this line`,
      ),
    ];
  });
}

function doubt(source: Source, offset: number, message: string): Warning {
  return { place: source.place(offset), message: source.remark(offset, message) };
}
