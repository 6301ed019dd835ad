import type { Group } from "../csync2cfg/model.ts";
import type { ThisHost } from "../host.ts";
import { askTwice } from "../requester/ask.ts";
import type { Limits } from "../requester/limits.ts";
import type { AskOptions } from "../requester/options.ts";
import { doorsteps, whyClosed } from "../requester/own-csync2.ts";
import type { Route } from "../requester/plan.ts";
import { failed, ok, type Finding } from "./finding.ts";

/** Asks csync2rev on this host itself, with each group's key. A refusal is as good as an answer: other items say what is wrong. */
export async function checkOwnPort(
  groups: readonly Group[],
  asking: AskOptions,
): Promise<readonly Finding[]> {
  const answers = await Promise.all(
    groups.map(async (group) => ({
      group: group.name,
      answer: await askTwice("ping", { group, peer: group.me }, asking, () => undefined),
    })),
  );
  const item = `port ${asking.port} here`;
  const findings = answers.flatMap(({ group, answer }): Finding[] => {
    switch (answer.kind) {
      case "done":
        return [];
      case "refused":
        return answer.reason === "config"
          ? [failed(item, `csync2rev answers, but refuses everybody: ${answer.detail}`, null)]
          : [];
      case "unreachable":
      case "lost":
        return [
          failed(
            item,
            `csync2rev does not answer: ${answer.detail}`,
            answer.kind === "unreachable" && answer.reason === "no-greeting"
              ? "check that inetd, xinetd or systemd starts csync2rev -i there (not the old csync2 -xr), and look into its log"
              : "add its line to inetd.conf, or its file with disable = no to xinetd.d, and reload; or run: systemctl enable --now csync2rev.socket",
          ),
        ];
      case "unanswered":
        return [
          failed(
            item,
            `the program that answers cannot read csync2.cfg, or has another host name or key for group ${group}: ${answer.detail}`,
            "let inetd, xinetd or systemd run csync2rev -i as root, with the same -N, -C and CSYNC2_SYSTEM_DIR as here",
          ),
        ];
    }
  });
  const [first] = findings;
  if (groups.length === 0) return [];
  if (first === undefined) return [ok(item, "csync2rev answers, with the same keys")];
  // If it does not answer, it answers for no group: that is told once.
  const isSilent = answers.some(({ answer }) => answer.kind === "unreachable" || answer.kind === "lost");
  return isSilent ? [first] : findings;
}

/** Asks csync2 on this host, at the addresses that peers connect to. Changes nothing. */
export async function checkCsync2Port(
  host: ThisHost,
  routes: readonly Route[],
  limits: Limits,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  // One after the other: if two csync2 make the database at the same time, they fail.
  for (const doorstep of await doorsteps(routes, limits)) {
    const item = `csync2 on port ${host.settings.csync2Port} of ${doorstep.name}`;
    const closed = await whyClosed(host, doorstep);
    findings.push(
      closed === null ? ok(item, "answers") : failed(item, `${closed.what}: peers cannot push`, closed.todo),
    );
  }
  return findings;
}
