import { setTimeout as sleep } from "node:timers/promises";
import { VERBS } from "../csync2/verbs.ts";
import type { Csync2Cfg, Group, Key } from "../csync2cfg/model.ts";
import { Csync2revError } from "../errors.ts";
import { firstFault, openHost, type HostOptions, type OpenedHost, type ReadableHost } from "../host.ts";
import { openLog, type Log, type LogFields } from "../log.ts";
import { DEFAULT_SETTINGS } from "../settings.ts";
import { decodeRequest, decodeSealedRequest, type Request } from "../wire/messages.ts";
import { openRequest, replySealer, type Session } from "../wire/seal.ts";
import { AuthorisedRequest } from "./authorise.ts";
import { Connection } from "./connection.ts";
import { answered, failure, type Ending, type Held } from "./ending.ts";
import { readOptions } from "./options.ts";
import { Replies } from "./replies.ts";
import { Silence } from "./silence.ts";

/** At most this much of a request's group names goes into a log line, in characters. */
const GROUPS_LOGGED = 500;
/** When a request that still runs is logged as accepted, in milliseconds. Others are when they are done: logger(1) delays them. */
const LOG_AFTER = 100;

/**
 * The handler: serves one connection on fds 0 and 1, from after the greeting to `done`. Every error goes to the log. The requester gets
 * no reply before it has shown that it holds a group's key.
 * @param challenge the challenge of the greeting
 * @param argv the command line after the program's name
 */
export async function serve(
  challenge: Uint8Array,
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const connection = new Connection();
  let log = openLog(DEFAULT_SETTINGS);
  const complain = async (error: unknown): Promise<void> => {
    await log(isSilence(error) ? "unauthenticated" : "error", {
      ...describe(error),
      address: connection.address ?? undefined,
    });
  };
  // Node.js turns an unhandled rejection into an uncaught exception. Bun does not.
  for (const event of ["uncaughtException", "unhandledRejection"])
    process.on(event, (error) => {
      void complain(error).finally(() => process.exit(1));
    });

  /** From when the request is there; an error before that depends on nothing in it. */
  let silence: Silence | undefined;
  try {
    const options = await readOptions(argv);
    let site = openHost(options, env);
    log = openLog(site.settings);

    const body = await connection.request(site.settings.requestTimeout * 1000);
    silence = new Silence();
    const { config, nonce, box } = decodeSealedRequest(body);
    if (config !== (options.config ?? "")) {
      site = otherSite(config, options, env);
      log = openLog(site.settings);
    }
    if (site.configuration === null) throw site.configurationFault;
    const session = { challenge, nonce, config };
    const opened = open(site.configuration, session, box);

    const replies = new Replies(connection, replySealer(opened.key, session));
    await answer(opened, site, connection, replies, log);
  } catch (error) {
    await complain(error);
    await sleep((silence ?? new Silence()).left());
  }
  await connection.end();
}

/** A request that a group's key has opened, and the groups of this host that have this key. */
interface OpenedRequest {
  readonly request: Request;
  readonly key: Key;
  readonly groups: readonly Group[];
}

/** Tries the key of every group that this host is in. Throws `unauthenticated` or `message`. */
function open(configuration: Csync2Cfg, session: Session, box: Uint8Array): OpenedRequest {
  const groupsByKey = new Map<string, [Group, ...Group[]]>();
  for (const group of configuration.groups) {
    const groups = groupsByKey.get(group.key.text);
    if (groups === undefined) groupsByKey.set(group.key.text, [group]);
    else groups.push(group);
  }
  for (const groups of groupsByKey.values()) {
    const text = openRequest(groups[0].key, session, box);
    if (text !== null) return { request: decodeRequest(text), key: groups[0].key, groups };
  }
  throw new Csync2revError("unauthenticated", "no key of this host's groups opens the request");
}

/** Authorises an opened request, carries it out, and reports the end to the requester and to the log. */
async function answer(
  opened: OpenedRequest,
  site: ReadableHost,
  connection: Connection,
  replies: Replies,
  log: Log,
): Promise<void> {
  const { verb, group, from } = opened.request;
  const asked = { verb, group, from, address: connection.address ?? undefined };
  const refuse = async ({ complaint, reason, detail }: Held, who = asked): Promise<void> => {
    replies.send({ type: "refused", reason, detail, groups: [] });
    await log("refused", { ...who, reason, detail: complaint ?? detail });
  };

  const fault = firstFault(site);
  if (fault !== null) await log("error", describe(fault));
  const request = await AuthorisedRequest.authorise(opened, connection.address, site);
  if (!(request instanceof AuthorisedRequest)) {
    await refuse(request);
    return;
  }
  const { groups } = request;
  const who = { ...asked, group: groups.join(",").slice(0, GROUPS_LOGGED) };
  replies.send({
    type: "accepted",
    groups,
    ...(request.refused.length > 0 ? { refused: request.refused } : {}),
  });
  let accepted: Promise<void> | undefined;
  const logAccepted = (): void => {
    accepted ??= log("accepted", who);
  };
  setTimeout(logAccepted, LOG_AFTER);
  for (const signal of ["SIGHUP", "SIGINT", "SIGTERM"] as const) process.on(signal, () => undefined);
  try {
    // Log lines keep their order.
    const end = await carryOut(request, site, replies, () => connection.gone).finally(logAccepted);
    if ("reason" in end) {
      await refuse(end, who);
      return;
    }
    const { done, complaint } = end;
    replies.send(done);
    const { exit, updated, deleted, pending, attempts, seconds, reason } = done;
    await log("done", {
      ...who,
      exit,
      updated,
      deleted,
      pending,
      attempts,
      seconds,
      reason,
      detail: complaint,
    });
  } catch (error) {
    if (!(error instanceof Csync2revError) || (error.code !== "system" && error.code !== "busy")) throw error;
    await refuse({ reason: error.code === "busy" ? "busy" : "config", detail: error.message }, who);
  }
}

/** Tries the way back if csync2 would need it, then runs csync2. All that csync2 needs is loaded only now, and not for a ping. */
async function carryOut(
  request: AuthorisedRequest,
  site: ReadableHost,
  replies: Replies,
  gone: () => boolean,
): Promise<Ending | Held> {
  const began = process.uptime();
  const { verb, scope } = request;
  if (VERBS[verb].needsWayBack && scope.me !== scope.peer) {
    const { whyNoWayBack } = await import("./wayback.ts");
    const why = await whyNoWayBack(site.host, scope);
    if (why !== null) return failure("no-way-back", why, began);
  }
  if (verb === "ping") return answered(began);
  const { catchUp } = await import("./catchup.ts");
  return await catchUp(request, site, replies, began, gone);
}

/**
 * The site for the config name in a request. One line in inetd.conf serves every config name, unless that line has -C.
 * Throws `unauthenticated` if there is no such config name: anybody can ask for one.
 */
function otherSite(config: string, options: HostOptions, env: NodeJS.ProcessEnv): OpenedHost {
  const askedFor = `config name "${config}" was asked for`;
  if (options.config !== undefined)
    throw new Csync2revError("unauthenticated", `${askedFor}, this handler serves -C ${options.config}`);
  const site = openHost({ ...options, config }, env);
  const { configurationFault: fault } = site;
  if (fault instanceof Csync2revError && fault.code === "config-missing")
    throw new Csync2revError("unauthenticated", `${askedFor}, there is none here`);
  return site;
}

/** Whether an error comes from a requester without a key, and not from a fault of this host. Such a connection ends in silence. */
function isSilence(error: unknown): boolean {
  return error instanceof Csync2revError && ["frame", "message", "unauthenticated"].includes(error.code);
}

function describe(error: unknown): LogFields {
  if (error instanceof Csync2revError) return { code: error.code, message: error.message };
  return {
    code: "internal",
    message: error instanceof Error ? (error.stack ?? error.message) : String(error),
  };
}
