/** The part of Bun's own interface that is needed. */
export interface BunInterface {
  /** @param force whether to collect before it returns */
  gc(force: boolean): void;
  connect(options: ConnectOptions): Promise<unknown>;
  readonly dns: {
    lookup(
      name: string,
      options: { readonly backend: "libc" },
    ): Promise<readonly { readonly address: string }[]>;
  };
  readonly CryptoHasher: new (
    algorithm: "sha256" | "sha512",
    hmacKey?: Uint8Array,
  ) => {
    update(input: string): { digest(): Uint8Array; digest(encoding: "hex"): string };
  };
}

interface ConnectOptions {
  readonly fd?: number;
  readonly hostname?: string;
  readonly port?: number;
  readonly localAddress?: string;
  readonly allowHalfOpen?: boolean;
  readonly socket: Readonly<
    Partial<Record<"open" | "data" | "drain" | "error" | "close", (socket: BunSocket) => void>>
  >;
}

export interface BunSocket {
  readonly remoteAddress: string | undefined;
  /** Returns how many bytes the kernel took; below 0 if the connection has ended. */
  write(bytes: Uint8Array): number;
  pause(): void;
  terminate(): void;
}

declare global {
  const Bun: BunInterface;
}
