/** What went wrong, for scripts and tests: one word for each cause. Never sent to the peer. */
export type ErrorCode =
  /** The command line. */
  | "usage"
  /** No csync2.cfg, or two different ones. */
  | "config-missing"
  | "config-ambiguous"
  /** csync2.cfg, an included file or a key file cannot be read, or has something that csync2 would refuse. */
  | "config-unreadable"
  | "config-syntax"
  | "key"
  /** A wrong `#csync2rev` line. */
  | "directive"
  /** csync2rev.ini. */
  | "settings"
  /** This host is in no group, or in none of the selected ones. */
  | "no-group"
  /** Bytes from the network: a frame, a box or a message that does not exist in protocol 1. */
  | "frame"
  | "unauthenticated"
  | "message"
  /** The requester hung up. */
  | "gone"
  /** Files that csync2 knows of are not on the disk. */
  | "tree-gone"
  /** csync2 printed something that csync2rev does not understand. */
  | "output"
  /** csync2 on this host cannot work for now: another one holds its lock or its database, or the database's server is away. */
  | "busy"
  /** The machine: a missing program or file. */
  | "system";

/**
 * The only error that csync2rev throws on purpose. Its message is for the administrator: in lower case, with the wrong value and its
 * place, then what to do. It contains no key material.
 */
export class Csync2revError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "Csync2revError";
    this.code = code;
  }
}
