/** The state of one item of this host's set-up, or of one peer. */
export type Status = "ok" | "warning" | "failed";

/** One line of `--test`. */
export interface Finding {
  readonly item: string;
  readonly status: Status;
  readonly detail: string;
  /** What to do about it; null if there is nothing to do. */
  readonly advice: string | null;
}

export function ok(item: string, detail: string): Finding {
  return { item, status: "ok", detail, advice: null };
}

/** It may work, but somebody should look at it. */
export function warning(item: string, detail: string, advice: string | null): Finding {
  return { item, status: "warning", detail, advice };
}

/** It cannot work, or must not stay like this. */
export function failed(item: string, detail: string, advice: string | null): Finding {
  return { item, status: "failed", detail, advice };
}
