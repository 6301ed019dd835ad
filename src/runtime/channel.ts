/** What a knock at a port comes to if nothing answers in time. */
export const NO_ANSWER = "no answer";

/** The connection on fds 0 and 1: a socket, pipes or files. */
export interface Channel {
  /** The other end's address if fd 0 is a TCP socket. */
  readonly remoteAddress: string | undefined;
  /** How many bytes wait to leave. */
  readonly backlog: number;
  /** Whether the other end is known to have gone: a write has failed. */
  readonly gone: boolean;
  /** Sends bytes. If the other end has gone, they are lost without an error. */
  write(bytes: Uint8Array): void;
  /** Resolves when everything that was written has left, or cannot leave. */
  flush(): Promise<void>;
}

/** Gets the bytes that arrive. */
export interface Reader {
  /** How many bytes may be read from the kernel at once, never more. 0 ends the reading. */
  readonly room: number;
  received(bytes: Uint8Array): void;
  /** Called when nothing more will arrive: the input has ended, or is broken. */
  ended(): void;
}
