import { Csync2revError } from "../errors.ts";
import { withoutPasswords } from "../printable.ts";
import {
  count,
  decodeObject,
  EXIT_LIMIT,
  isFields,
  isListOfNames,
  name,
  seconds,
  string,
  type Fields,
} from "./fields.ts";
import { BOX_OVERHEAD, NONCE_LENGTH, REPLY_BODY_LIMIT } from "./frame.ts";

/** The version of the protocol. There is no other. */
export const VERSION = 1;
/** The longest text in a reply, in UTF-16 units. Each is at most six bytes of JSON, so a frame stays within its limit. */
export const TEXT_LIMIT = 2000;
/** How many pending files a `done` names. */
export const FILES_LIMIT = 20;

const MAGIC = "csync2rev";
const CONFIG_NAME = /^[a-z0-9]{0,32}$/;

/** A request as it arrives. Nothing in it can be trusted before its box has been opened. */
export interface SealedRequest {
  /** The config name, `[a-z0-9]{0,32}`; empty for csync2.cfg itself. */
  readonly config: string;
  readonly nonce: Uint8Array;
  readonly box: Uint8Array;
}

/** A request whose box has been opened. Its sender holds a group's key. */
export interface Request {
  readonly verb: string;
  readonly group: string;
  /** The requester's peername. */
  readonly from: string;
  /** The handler's peername, as the requester knows it. */
  readonly to: string;
  /** The requester wants csync2's lines. */
  readonly output: boolean;
}

export const REFUSAL_REASONS = [
  "not-a-member",
  "not-allowed",
  "wrong-address",
  "wrong-host",
  "slave",
  "locked",
  "busy",
  "unsupported-verb",
  "config",
] as const;
export type RefusalReason = (typeof REFUSAL_REASONS)[number];

/**
 * Why an accepted request failed before csync2 ran, or why csync2 was ended. Sent in `done`, whose `exit` is then not 0: 1.0.0 does not
 * know these reasons, and reads a failure.
 */
export const FAILURE_REASONS = ["no-way-back", "tree-gone", "stalled"] as const;
export type FailureReason = (typeof FAILURE_REASONS)[number];

/** A group that has the request's key and both hosts, and that the requester may not use. */
export interface GroupRefusal {
  readonly group: string;
  readonly reason: RefusalReason;
  readonly detail: string;
}

/** How a csync2 run that was accepted went. */
export interface Done {
  readonly type: "done";
  /** The exit status of the last csync2 that ran; 0 if none had to run. */
  readonly exit: number;
  /** How many files csync2 says it wrote on the requester, or deleted there (`preview`: would write or delete). */
  readonly updated: number;
  readonly deleted: number;
  /** How many files csync2 still lists as dirty for the requester; absent if csync2 could not be asked. */
  readonly pending?: number;
  /** How many of them are not dirty: both hosts have them in different states, and a reconcile could not tell which is newer. */
  readonly undecided?: number;
  /** The first of the pending files. */
  readonly files?: readonly string[];
  /** How often csync2 was started for this request, with all retries. */
  readonly attempts: number;
  readonly seconds: number;
  /** Why, if `exit` is not 0: csync2's own words. */
  readonly detail?: string;
  /**
   * `status`: how many files csync2 lists as dirty for each peername in the scope. Peernames without files are left out. If not all fit
   * into a frame, the largest counts are kept.
   */
  readonly holds?: Readonly<Record<string, number>>;
  /** Absent if only csync2's own words are known. */
  readonly reason?: FailureReason;
}

export type Reply =
  /**
   * `groups`: the scope of the request, as names of groups on the handler; absent if they do not fit into a frame. `refused`: the groups
   * that were left out, as many as fit, at least one if there is one. 1.0.0 sends neither.
   */
  | {
      readonly type: "accepted";
      readonly groups?: readonly string[];
      readonly refused?: readonly GroupRefusal[];
    }
  /** `groups` is empty: no group with this key is served. 1.0.0 does not send it, because it only looks at the group that is named. */
  | {
      readonly type: "refused";
      readonly reason: RefusalReason;
      readonly detail: string;
      readonly groups?: readonly string[];
    }
  | { readonly type: "waiting"; readonly on: "lock" | "retry"; readonly detail: string }
  | { readonly type: "output"; readonly line: string }
  /** `idle`: for how many seconds csync2 has stood still, as far as the peer can see. */
  | { readonly type: "alive"; readonly idle: number }
  | Done;

/** The body of the greeting frame. */
export function encodeGreeting(challenge: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(MAGIC), Buffer.of(VERSION), challenge]);
}

/** The challenge in a greeting's body. Throws `message` if the greeting is not csync2rev's, or has another version. */
export function decodeGreeting(body: Uint8Array): Uint8Array {
  const magic = Buffer.from(body.subarray(0, MAGIC.length)).toString("latin1");
  if (magic !== MAGIC) throw new Csync2revError("message", "the greeting is not csync2rev's");
  const version = body[MAGIC.length];
  if (version !== VERSION)
    throw new Csync2revError("message", `csync2rev protocol ${version ?? "none"}, not ${VERSION}`);
  const challenge = body.subarray(MAGIC.length + 1);
  if (challenge.length !== NONCE_LENGTH)
    throw new Csync2revError("message", "the greeting's challenge has the wrong length");
  return challenge;
}

/** The body of the request frame. */
export function encodeSealedRequest(request: SealedRequest): Uint8Array {
  const config = Buffer.from(request.config, "latin1");
  return Buffer.concat([Buffer.of(VERSION, config.length), config, request.nonce, request.box]);
}

/** Takes a request frame's body apart. Checks the version, the config name and the lengths, and nothing else. Throws `message`. */
export function decodeSealedRequest(body: Uint8Array): SealedRequest {
  const [version, configLength] = body;
  if (version !== VERSION)
    throw new Csync2revError("message", `protocol ${version ?? "none"}, not ${VERSION}`);
  const nonceAt = 2 + (configLength ?? 0);
  const boxAt = nonceAt + NONCE_LENGTH;
  if (configLength === undefined || body.length < boxAt + BOX_OVERHEAD)
    throw new Csync2revError("message", "the request is cut short");
  const config = Buffer.from(body.subarray(2, nonceAt)).toString("latin1");
  if (!CONFIG_NAME.test(config)) throw new Csync2revError("message", "the config name is not [a-z0-9]{0,32}");
  return { config, nonce: body.subarray(nonceAt, boxAt), box: body.subarray(boxAt) };
}

/** A request as the text of its box. */
export function encodeRequest(request: Request): Uint8Array {
  const { verb, group, from, to, output } = request;
  return Buffer.from(JSON.stringify(output ? { verb, group, from, to, output } : { verb, group, from, to }));
}

/** Reads the text of a request's box. Throws `message` if it is not a request. */
export function decodeRequest(text: Uint8Array): Request {
  const fields = decodeObject(text, "the request");
  const { output } = fields;
  if (output !== undefined && typeof output !== "boolean")
    throw new Csync2revError("message", 'the request\'s "output" is not true or false');
  return {
    verb: name(fields, "verb"),
    group: name(fields, "group"),
    from: name(fields, "from"),
    to: name(fields, "to"),
    output: output ?? false,
  };
}

/** A reply as the text of its box. Texts are cut and names are left out until the frame is within its limit. */
export function encodeReply(reply: Reply): Uint8Array {
  const text = Buffer.from(
    JSON.stringify(reply, (_, value: unknown) => (typeof value === "string" ? cut(value) : value)),
  );
  if (text.length + BOX_OVERHEAD <= REPLY_BODY_LIMIT) return text;
  if (reply.type === "done" && reply.files !== undefined)
    return encodeReply({ ...reply, files: reply.files.slice(0, -1) });
  if (reply.type === "done" && reply.holds !== undefined) {
    const largest = Object.entries(reply.holds).sort(([, one], [, other]) => other - one);
    return encodeReply({ ...reply, holds: Object.fromEntries(largest.slice(0, largest.length >> 1)) });
  }
  if (reply.type !== "accepted") return text;
  const { groups, refused = [] } = reply;
  if (groups !== undefined) return encodeReply({ type: "accepted", refused });
  return refused.length > 1
    ? encodeReply({ type: "accepted", refused: refused.slice(0, refused.length >> 1) })
    : text;
}

/** Reads the text of a reply's box. Throws `message` if it is not a reply. */
export function decodeReply(text: Uint8Array): Reply {
  const fields = decodeObject(text, "the reply");
  const { type } = fields;
  switch (type) {
    case "accepted":
      return decodeAccepted(fields);
    case "alive":
      return { type, idle: count(fields, "idle") };
    case "refused": {
      const { groups } = fields;
      if (groups !== undefined && !isListOfNames(groups))
        throw new Csync2revError("message", '"groups" is not a list of names');
      const refusal = { reason: refusalReason(fields), detail: string(fields, "detail") };
      return { type, ...refusal, ...(groups === undefined ? {} : { groups }) };
    }
    case "waiting": {
      const { on } = fields;
      if (on !== "lock" && on !== "retry")
        throw new Csync2revError("message", '"waiting" with an unknown "on"');
      return { type, on, detail: string(fields, "detail") };
    }
    case "output":
      return { type, line: string(fields, "line") };
    case "done":
      return decodeDone(fields);
    default:
      throw new Csync2revError("message", "a reply of an unknown type");
  }
}

function decodeAccepted(fields: Fields): Extract<Reply, { type: "accepted" }> {
  const { groups, refused } = fields;
  if (groups !== undefined && !isListOfNames(groups))
    throw new Csync2revError("message", '"groups" is not a list of names');
  if (refused !== undefined && !(Array.isArray(refused) && refused.every(isFields)))
    throw new Csync2revError("message", '"refused" is not a list of groups');
  return {
    type: "accepted",
    ...(groups === undefined ? {} : { groups }),
    ...(refused === undefined
      ? {}
      : {
          refused: refused.map((one: Fields) => ({
            group: string(one, "group"),
            reason: refusalReason(one),
            detail: string(one, "detail"),
          })),
        }),
  };
}

function refusalReason(fields: Fields): RefusalReason {
  const reason = REFUSAL_REASONS.find((known) => known === fields["reason"]);
  if (reason === undefined) throw new Csync2revError("message", "a refusal with an unknown reason");
  return reason;
}

/**
 * Fields that a handler need not send (`ping` runs nothing) read as 0. An unknown reason of a failure is left out: `exit` and `detail`
 * are enough.
 */
function decodeDone(fields: Fields): Done {
  const { files, detail } = fields;
  if (!Object.hasOwn(fields, "exit")) throw new Csync2revError("message", 'a "done" without an exit status');
  if (files !== undefined && !isListOfNames(files))
    throw new Csync2revError("message", '"files" is not a list of names');
  const reason = FAILURE_REASONS.find((known) => known === fields["reason"]);
  return {
    type: "done",
    exit: count(fields, "exit", EXIT_LIMIT),
    updated: count(fields, "updated"),
    deleted: count(fields, "deleted"),
    attempts: count(fields, "attempts"),
    seconds: seconds(fields),
    ...(fields["pending"] === undefined ? {} : { pending: count(fields, "pending") }),
    ...(fields["undecided"] === undefined ? {} : { undecided: count(fields, "undecided") }),
    ...(files === undefined ? {} : { files }),
    ...(detail === undefined ? {} : { detail: string(fields, "detail") }),
    ...(fields["holds"] === undefined ? {} : { holds: decodeHolds(fields["holds"]) }),
    ...(reason === undefined ? {} : { reason }),
  };
}

function cut(all: string): string {
  const text = withoutPasswords(all);
  return text.length <= TEXT_LIMIT ? text : `${text.slice(0, TEXT_LIMIT - 1)}…`;
}

function decodeHolds(holds: unknown): Readonly<Record<string, number>> {
  if (!isFields(holds)) throw new Csync2revError("message", '"holds" is not an object of counts');
  return Object.fromEntries(Object.keys(holds).map((peer) => [peer, count(holds, peer)]));
}
