import type { HostOptions } from "../host.ts";
import type { Outcome, Reason } from "./outcome.ts";

/*
 * What to do about a peer that has not been caught up with. Rules: a line is an imperative, or a condition and an imperative; a
 * command stands behind two blanks and can be pasted into a shell, with the options that this run was given; what deletes or
 * overwrites comes last.
 */

/** One peer's trouble, as far as a remedy depends on it. */
export interface Trouble {
  readonly peer: string;
  /** What this host is to the peer: its own peername. */
  readonly myname: string;
  /** What this host goes by in the text. */
  readonly host: string;
  readonly group: string;
  readonly outcome: Outcome;
  readonly reason: Reason | null;
  /** csync2's exit status on the peer; null if it has not told. */
  readonly exit: number | null;
  /** The first pending files. */
  readonly files: readonly string[];
  /** This run's, which the commands to run must be given too. */
  readonly options: HostOptions;
}

type Remedy = (trouble: Trouble) => readonly string[];

/** What to do, one line a step; none if nothing is to be done, or the trouble's detail says it. */
export function remediesFor(trouble: Trouble): readonly string[] {
  const { outcome, reason } = trouble;
  return (reason === null ? WITHOUT_REASON[outcome] : REMEDIES[reason])(trouble);
}

const NONE: Remedy = () => [];

const REMEDIES: Readonly<Record<Reason, Remedy>> = {
  "not-a-member": ({ peer }) => [`give ${peer} the same csync2.cfg as this host`],
  "not-allowed": ({ peer, host }) => [
    `if ${host} should be allowed, add it to the "#csync2rev allow" line in csync2.cfg on ${peer}`,
  ],
  "wrong-address": ({ peer, host }) => [
    `mend /etc/hosts or DNS on ${peer}, so that it knows ${host}'s address; csync2 itself wants that too`,
  ],
  "wrong-host": ({ peer }) => [
    `name service here leads to another host than ${peer}: mend /etc/hosts or DNS`,
  ],
  slave: ({ peer }) => [`csync2.cfg here and on ${peer} differ: here it is no slave`],
  locked: ({ peer }) => [`remove csync2.lock on ${peer} once it may work again`],
  busy: NONE,
  "unsupported-verb": ({ peer }) => [`install a newer csync2rev on ${peer}`],
  config: ({ peer }) => [`run csync2rev --test on ${peer}`],
  "not-ready": NONE,
  "no-greeting": ({ peer }) => [
    `is it csync2rev -i that inetd, xinetd or systemd starts on ${peer}, and does it start? Its log there says why not.`,
  ],
  unsent: (trouble) => {
    const { here, winThere } = commandsFor(trouble);
    const { peer } = trouble;
    return [
      `to delete them there too, run here  csync2${here} -u -P ${peer} && csync2rev${here} --others --reconcile -P ${peer}`,
      `to have one back, run there  ${winThere}`,
      ...aboutPrefixes(trouble),
    ];
  },
  undecided: (trouble) => {
    const { takeTheirs, keepOurs } = commandsFor(trouble);
    return [takeTheirs, keepOurs, ...aboutPrefixes(trouble)];
  },
  "no-way-back": ({ peer }) => [
    `open csync2's port of this host to ${peer} in every firewall between; peers push to this host through it`,
  ],
  stalled: ({ peer, host }) => [
    `look on ${host} for what keeps csync2 -i waiting: a full or slow disk, an action, a network that loses packets. If it only needs longer, raise idle-timeout in csync2rev.ini on ${peer}`,
  ],
  differs: NONE,
};

/** For an outcome that says all by itself. */
const WITHOUT_REASON: Readonly<Record<Outcome, Remedy>> = {
  "caught-up": NONE,
  pending: (trouble) => {
    if (trouble.exit === 0)
      return ["changed while it was pushed, or its directory is missing here: run csync2rev --others again"];
    const { takeTheirs, keepOurs } = commandsFor(trouble);
    return [`if both hosts changed a file: ${takeTheirs}`, keepOurs, ...aboutPrefixes(trouble)];
  },
  failed: NONE,
  refused: NONE,
  unanswered: ({ group }) => [
    `the key file of group ${group} must be the same on both hosts; csync2rev --test on both shows more`,
  ],
  unreachable: ({ peer }) => [`is ${peer} up, and csync2rev in its inetd, xinetd or systemd?`],
  busy: NONE,
  lost: NONE,
};

/** The words of the commands that have a pending file go one way or the other. */
function commandsFor({
  peer,
  myname,
  host,
  files,
  options,
}: Trouble): Readonly<Record<"here" | "winThere" | "takeTheirs" | "keepOurs", string>> {
  const [here, there] = [optionsHere(options), optionsEverywhere(options)];
  const plain = files.find(isPlain);
  const file = plain ?? "FILE";
  // csync2 -u takes no name of a file below a prefix, in whatever form: it pushes such a file with all that is dirty.
  const pushTo = (name: string): string => `-u -P ${name}${plain === undefined ? "" : ` ${plain}`}`;
  // It marks the file if it is not marked, has it win whatever the other host says, and pushes it.
  const win = (given: string, from: string, to: string): string =>
    `csync2${given} -TUI ${from} ${to} ${file}; csync2${given} -f ${file}; csync2${given} ${pushTo(to)}`;
  const winThere = win(there, peer, myname);
  return {
    here,
    winThere,
    takeTheirs: `to take ${peer}'s, run there  ${winThere}`,
    keepOurs: `to keep ${host}'s, run here  ${win(here, myname, peer)}`,
  };
}

function aboutPrefixes({ files }: Trouble): string[] {
  const name = files.some(isPlain) ? undefined : files.find((file) => file.startsWith("%"));
  return name === undefined ? [] : [`FILE is the path of ${name} on the host where it is run`];
}

/** What each csync2 of this cluster must be told: a host's own name and database are its own affair. */
function optionsEverywhere({ config }: HostOptions): string {
  return config === undefined ? "" : ` -C ${config}`;
}

/** What csync2 and csync2rev on this host must be told. A database may be a URL with a password in it. */
function optionsHere(options: HostOptions): string {
  const { hostname, database } = options;
  return [
    optionsEverywhere(options),
    hostname === undefined ? "" : ` -N ${hostname}`,
    database === undefined ? "" : ` -D ${isPlain(database) ? database : "DATABASE"}`,
  ].join("");
}

/** A name that can be pasted into a shell, and is shown as it is: it comes from the peer. */
function isPlain(file: string): boolean {
  return /^\/[\w@%+=:,./-]*$/.test(file);
}
