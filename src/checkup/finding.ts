/** How one item of this host's set-up, or one peer, stands. */
export type Status = "ok" | "warning" | "failed";

/** One line of `--test`. */
export interface Finding {
  readonly item: string;
  readonly status: Status;
  readonly detail: string;
  /** What to do about it; null where nothing is to be done. */
  readonly advice: string | null;
}

export function ok(item: string, detail: string): Finding {
  return { item, status: "ok", detail, advice: null };
}

/** It may work; somebody should look at it. */
export function warning(item: string, detail: string, advice: string | null): Finding {
  return { item, status: "warning", detail, advice };
}

/** It cannot work, or must not stay so. */
export function failed(item: string, detail: string, advice: string | null): Finding {
  return { item, status: "failed", detail, advice };
}
