/** What went wrong, for scripts and tests: one word a cause, never shown to the peer. */
export type ErrorCode =
  /** The command line. */
  | "usage"
  /** No csync2.cfg, or two different ones. */
  | "config-missing"
  | "config-ambiguous"
  /** csync2.cfg, an included file or a key file cannot be read, or says what csync2 would not take. */
  | "config-unreadable"
  | "config-syntax"
  | "key"
  /** A `#csync2rev` line that is no good. */
  | "directive"
  /** csync2rev.ini. */
  | "settings"
  /** This host is in no group, or in none of those asked for. */
  | "no-group"
  /** Bytes from the network: a frame, a box or a message that protocol 1 does not have. */
  | "frame"
  | "unauthenticated"
  | "message"
  /** The requester hung up. */
  | "gone"
  /** csync2 printed what csync2rev does not understand. */
  | "output"
  /** The machine: a program or file that is missing. */
  | "system";

/**
 * The only error that csync2rev throws on purpose. Its message is for the administrator: lower case, quotes the value with its
 * place, says what to do. It holds no key material.
 */
export class Csync2revError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "Csync2revError";
    this.code = code;
  }
}
