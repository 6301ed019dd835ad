import { connect } from "node:net";
import type { Group } from "../csync2cfg/model.ts";
import type { ThisHost } from "../host.ts";
import { ask, type Means } from "../requester/ask.ts";
import { failed, ok, type Finding } from "./finding.ts";

/** How long csync2 may take to answer on this host, in milliseconds. */
const CSYNC2_ANSWERS_WITHIN = 5_000;

/** Asks csync2rev on this very host, with each group's key. A refusal is as good as an answer: what is wrong is told elsewhere. */
export async function checkOwnPort(groups: readonly Group[], means: Means): Promise<readonly Finding[]> {
  const answers = await Promise.all(
    groups.map(async (group) => ({
      group: group.name,
      answer: await ask("ping", { group, peer: group.me }, means, () => undefined),
    })),
  );
  const item = `port ${means.port} here`;
  const findings = answers.flatMap(({ group, answer }): Finding[] => {
    switch (answer.kind) {
      case "done":
        return [];
      case "refused":
        return answer.reason === "config"
          ? [failed(item, `csync2rev answers and turns everybody away: ${answer.detail}`, null)]
          : [];
      case "unreachable":
      case "lost":
        return [
          failed(
            item,
            `csync2rev does not answer: ${answer.detail}`,
            answer.kind === "unreachable" && answer.reason === "no-greeting"
              ? "what inetd, xinetd or systemd starts there is no csync2rev -i (the old csync2 -xr?), or does not start: its log says why"
              : "add its line to inetd.conf or its file, with disable = no, to xinetd.d, and reload; or run: systemctl enable --now csync2rev.socket",
          ),
        ];
      case "unanswered":
        return [
          failed(
            item,
            `what answers cannot read csync2.cfg, or knows another host name or key for group ${group}: ${answer.detail}`,
            "have inetd, xinetd or systemd run csync2rev -i as root, with the same -N, -C and CSYNC2_SYSTEM_DIR as here",
          ),
        ];
    }
  });
  const [first] = findings;
  if (groups.length === 0) return [];
  if (first === undefined) return [ok(item, "csync2rev answers, with the same keys")];
  return first.detail.startsWith("csync2rev does not") ? [first] : findings;
}

/** Says to csync2's port on this host what every csync2 says first, so that nothing is changed and csync2.cfg is read. */
export async function checkCsync2Port(
  host: ThisHost,
  peernames: readonly string[],
): Promise<readonly Finding[]> {
  const port = host.settings.csync2Port;
  const findings: Finding[] = [];
  // One after the other: csync2s that make the database at the same time fail.
  for (const peername of peernames)
    findings.push(
      judge(
        `csync2 on port ${port} of ${peername}`,
        await talk(peername, port, `CONFIG ${host.config}\nBYE\n`),
      ),
    );
  return findings;
}

function judge(item: string, said: string | Error): Finding {
  if (said instanceof Error)
    return failed(
      item,
      `does not answer: ${said.message}`,
      "peers cannot push to this host before csync2 -i runs in its inetd, xinetd or systemd",
    );
  if (said.startsWith("OK")) return ok(item, "answers");
  if (/^Found .*csync2\.lock/.test(said)) return failed(item, `is stopped: ${said.trim()}`, null);
  if (said === "")
    return failed(
      item,
      "ends without a word: it cannot read csync2.cfg or open its database",
      "csync2's log says why",
    );
  return failed(item, `what listens there is no csync2: ${said.trim().slice(0, 80)}`, null);
}

/** What a server says to `text`, or why it says nothing. */
async function talk(host: string, port: number, text: string): Promise<string | Error> {
  return await new Promise((resolve) => {
    let said = "";
    const socket = connect({ host, port, timeout: CSYNC2_ANSWERS_WITHIN }, () => socket.write(text));
    socket.setEncoding("latin1");
    socket.on("data", (part: string) => (said += part));
    socket.on("timeout", () =>
      socket.destroy(new Error(`no answer within ${CSYNC2_ANSWERS_WITHIN / 1000} s`)),
    );
    socket.on("error", (error) => {
      resolve(said === "" ? error : said);
    });
    socket.on("close", () => {
      resolve(said);
    });
  });
}
