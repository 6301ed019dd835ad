import { pathOf } from "../csync2cfg/model.ts";
import {
  certificatePair,
  PAIR_TODO,
  saysWrongCertificate,
  troubleOfPair,
  usesTls,
} from "../csync2/certificate.ts";
import { hasFirstMode, isCutOff } from "../csync2/leftover.ts";
import { lookAt, obstacleAt } from "../csync2/places.ts";
import { rootsOf } from "../csync2cfg/roots.ts";
import { decode } from "../csync2cfg/source.ts";
import { Csync2revError } from "../errors.ts";
import type { ConfiguredHost } from "../host.ts";
import { unless, type Limits } from "../requester/limits.ts";
import type { PeerResult } from "../requester/outcome.ts";
import type { Route } from "../requester/plan.ts";
import { causeOf, isHeld, type Cause, type Waiting } from "./causes.ts";
import { dirtyHere, recordsThere } from "./local.ts";
import type { Turn } from "./turn.ts";

/** So many causes are told; the next run tells the others. */
const CAUSES_TOLD = 3;

/** What a peer's check has found. */
type Found = Pick<PeerResult, "pending" | "files">;

/** What is known of the files that wait, beside what this host's disk shows. */
interface Known {
  readonly dirty: ReadonlySet<string>;
  /** Null if the peer has not been asked. */
  readonly records: ReadonlyMap<string, string> | null;
}

const NOTHING_KNOWN: Known = { dirty: new Set(), records: null };

/** Finds on this host why files that peers hold for it do not come. */
export class Explainer {
  readonly #site: ConfiguredHost;
  readonly #limits: Limits;

  constructor(site: ConfiguredHost, limits: Limits) {
    this.#site = site;
    this.#limits = limits;
  }

  /**
   * Why a peer need not push at all: nothing could be written, or both csync2s would wait for each other.
   * @param all whether more may come than what its check has found
   */
  async whyInVain(turn: Turn, found: Found, all: boolean): Promise<Partial<PeerResult> | null> {
    const certificate = this.#troubleOfPair(turn);
    if (certificate !== null)
      return {
        outcome: "failed",
        reason: "not-ready",
        detail: `${certificate}: peers could not push; ${PAIR_TODO}, and run again`,
      };
    const { files } = found;
    const isComplete = !all && found.pending === files.length;
    const waiting = this.#waiting(turn, files, NOTHING_KNOWN);
    const mayBeReplaced = waiting.some((file) => isHeld(file, isComplete));
    const records = mayBeReplaced ? await this.#recordsThere(turn.route, files) : null;
    const known = { ...NOTHING_KNOWN, records: typeof records === "string" ? null : records };
    const causes = this.#causes(turn, files, known);
    const hanging = causes.find((cause) => cause?.hangs === true);
    if (hanging !== undefined && hanging !== null) return told([hanging], null);
    const places = isComplete ? causes : this.#causesOfTrees(turn);
    const inVain = places.filter((cause) => cause?.reason === "not-writable") as Cause[];
    return inVain.length > 0 && inVain.length === places.length ? told(inVain, null) : null;
  }

  /** Whether this host's disk or csync2.cfg keeps one of these files away, so that pushing it again would not bring it. */
  sees(turn: Turn, files: readonly string[]): boolean {
    return this.#causes(turn, files, NOTHING_KNOWN).some((cause) => cause !== null);
  }

  /** A result with what this host finds to be its cause; the same if it finds nothing, or nothing is to be explained. */
  async explain(turn: Turn, result: PeerResult): Promise<PeerResult> {
    const { outcome, reason, detail, peer } = result;
    const isBusy = outcome === "busy";
    if (!isBusy && (!["pending", "failed"].includes(outcome) || !(reason === null || reason === "stalled")))
      return result;
    if (detail !== null && saysWrongCertificate(detail))
      return { ...result, outcome: "failed", reason: "certificate", detail: `csync2 on ${peer}: ${detail}` };
    const words = detail === null ? null : `csync2 on ${peer}: ${detail}`;

    const { files } = result;
    const dirty = await this.#dirtyHere(turn.route, files);
    let causes =
      files.length > 0 ? this.#causes(turn, files, { dirty, records: null }) : this.#causesOfTrees(turn);
    const isConflict = causes.length > 0 && causes.every((cause) => cause?.reason === "conflict");
    if (isConflict) {
      if (isBusy || reason !== null) return result;
      const cutOff = await this.#cutOff(turn, files);
      const said = [cutOff, detail].filter((text) => text !== null).join("; ");
      return { ...result, outcome: "pending", reason: "conflict", detail: said === "" ? null : said };
    }
    if (causes.includes(null) && !isBusy && files.length > 0) {
      const records = await this.#recordsThere(turn.route, files);
      if (typeof records === "string") {
        if (saysWrongCertificate(records))
          return { ...result, outcome: "failed", reason: "certificate", detail: records };
      } else causes = this.#causes(turn, files, { dirty, records });
    }
    const certain = causes.filter((cause) => cause !== null && cause.reason !== "conflict") as Cause[];
    if (certain.length > 0) return { ...result, ...told(certain, isBusy ? null : words) };
    if (dirty.size > 0 && !isBusy && reason === null)
      return { ...result, outcome: "pending", reason: "conflict" };
    return result;
  }

  /** Whether this host's version of a file that both have changed is no change at all, in words; null if none looks like that. */
  async #cutOff(turn: Turn, files: readonly string[]): Promise<string | null> {
    const waiting = this.#waiting(turn, files, NOTHING_KNOWN);
    const suspects = waiting.flatMap(({ file, path }) => {
      const here = path === null ? undefined : lookAt(path);
      return here !== undefined && hasFirstMode(here) ? [{ file, here }] : [];
    });
    if (suspects.length === 0) return null;
    const records = await this.#recordsThere(turn.route, files);
    if (typeof records === "string") return null;
    const found = suspects.find(({ file, here }) => isCutOff(here, records.get(file) ?? ""));
    return found === undefined
      ? null
      : `${found.file} is as large as on ${turn.route.peer.peername}, and has the mode 0600 here: csync2 leaves a file so if it is ended while it receives`;
  }

  /** Why this host's csync2 could not take what a peer pushes by TLS. */
  #troubleOfPair({ peer }: Turn): string | null {
    const { host, configuration } = this.#site;
    if (!peer.routes.some((route) => usesTls(configuration, route.group, route.peer))) return null;
    return troubleOfPair(certificatePair(host.systemDirectory));
  }

  #causes(turn: Turn, names: readonly string[], known: Known): (Cause | null)[] {
    return this.#waiting(turn, names, known).map(causeOf);
  }

  #waiting(turn: Turn, names: readonly string[], { dirty, records }: Known): Waiting[] {
    const { configuration } = this.#site;
    const waiting = new Set(names);
    return names.map((file) => ({
      peer: turn.route.peer.peername,
      file,
      path: pathOf(file, configuration.prefixes),
      groups: turn.peer.routes.map(({ group }) => group),
      configuration,
      isDirtyHere: dirty.has(file),
      waiting,
      record: records === null ? undefined : (records.get(file) ?? null),
    }));
  }

  /** What keeps csync2 from writing into each tree of the groups. */
  #causesOfTrees({ peer }: Turn): (Cause | null)[] {
    const groups = peer.routes.map(({ group }) => group);
    return rootsOf(groups, this.#site.configuration.prefixes).map(({ path }) =>
      path === null ? null : obstacleAt(decode(path)),
    );
  }

  /** None if csync2 here cannot tell, or not before a limit is reached. */
  async #dirtyHere(route: Route, files: readonly string[]): Promise<ReadonlySet<string>> {
    try {
      const looking = dirtyHere(this.#site.host, route, files);
      return await unless(["deadline", "interrupt"], this.#limits, looking);
    } catch (error) {
      if (!(error instanceof Csync2revError)) throw error;
      return new Set();
    }
  }

  /** What the peer has recorded of files, or why it cannot be asked. */
  async #recordsThere(route: Route, files: readonly string[]): Promise<ReadonlyMap<string, string> | string> {
    try {
      return await recordsThere(this.#site.host, route, files, this.#limits);
    } catch (error) {
      if (!(error instanceof Csync2revError)) throw error;
      return error.message;
    }
  }
}

/** A result's part that tells causes: the first one's reason, and what is wrong, each once. */
function told(causes: readonly Cause[], words: string | null): Partial<PeerResult> {
  const all = [...new Set(causes.map(({ what }) => what))];
  const more = all.length > CAUSES_TOLD ? [`and ${all.length - CAUSES_TOLD} more like these`] : [];
  return {
    outcome: "failed",
    reason: causes[0]?.reason ?? null,
    detail: [...all.slice(0, CAUSES_TOLD), ...more, ...(words === null ? [] : [words])].join("; "),
  };
}
