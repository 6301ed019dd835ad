/** The connection on fds 0 and 1, as the runtime has it: a socket, pipes or files. */
export interface Channel {
  /** The other end's address where fd 0 is a TCP socket. */
  readonly remoteAddress: string | undefined;
  /** How many bytes wait to leave. */
  readonly backlog: number;
  /** Whether the other end is known to have gone: a write has failed. */
  readonly gone: boolean;
  /** Sends bytes; lost in silence once the other end has gone. */
  write(bytes: Uint8Array): void;
  /** Resolves once everything that was written has left, or cannot. */
  flush(): Promise<void>;
}

/** Who is told of what comes in. */
export interface Reader {
  /** How many bytes may come at once: never more are taken from the kernel. 0 ends the reading. */
  readonly room: number;
  received(bytes: Uint8Array): void;
  /** Nothing more comes: the input has ended, or is broken. */
  ended(): void;
}
