import type { HostOptions } from "../host.ts";
import { quotable } from "../printable.ts";
import type { Outcome, Reason } from "./outcome.ts";

/*
 * What to do about a peer that this host has not caught up with. Rules: a line is an imperative, or a condition and an imperative. A
 * command comes after two blanks, has the options of this run, and can be pasted into a shell. What deletes or overwrites comes last.
 */

/** The trouble with one peer, as far as a remedy depends on it. */
export interface Trouble {
  readonly peer: string;
  /** This host's peername for the peer. */
  readonly myname: string;
  /** This host's name in the text. */
  readonly host: string;
  readonly group: string;
  readonly outcome: Outcome;
  readonly reason: Reason | null;
  readonly detail: string | null;
  /** csync2's exit status on the peer; null if the peer has not said. */
  readonly exit: number | null;
  /** The first pending files. */
  readonly files: readonly string[];
  /** The options of this run: the commands in the text need them too. */
  readonly options: HowToRun;
}

/** What the commands to run must be given, and the command that shows csync2rev's log. */
export interface HowToRun extends HostOptions {
  readonly readLog: string;
}

type Remedy = (trouble: Trouble) => readonly string[];

/** What to do, one line for each step; none if there is nothing to do, or if the detail says it. */
export function remediesFor(trouble: Trouble): readonly string[] {
  const { outcome, reason } = trouble;
  return (reason === null ? WITHOUT_REASON[outcome] : REMEDIES[reason])(trouble);
}

/** Said once if it holds for all peers, of which there are several. */
export const ODD_ONE = "every peer is unanswered: this host's key is probably the odd one";

/** Whether it is rather this host than all its peers that has the wrong key. */
export function isOddOne(outcomes: readonly (Outcome | "answered")[]): boolean {
  return outcomes.length > 1 && outcomes.every((outcome) => outcome === "unanswered");
}

const NONE: Remedy = () => [];

const AGAIN = "run csync2rev --others again";

const REMEDIES: Readonly<Record<Reason, Remedy>> = {
  "not-a-member": ({ peer }) => [`give ${peer} the same csync2.cfg as this host`],
  "not-allowed": ({ peer, host }) => [
    `if ${host} should be allowed, add it to the "#csync2rev allow" line in csync2.cfg on ${peer}`,
  ],
  "wrong-address": ({ peer, host }) => [
    `correct /etc/hosts or DNS on ${peer}, so that it knows ${host}'s address; csync2 itself needs that too`,
  ],
  "wrong-host": ({ peer }) => [`correct /etc/hosts or DNS here: the name ${peer} leads to another host`],
  slave: ({ peer }) => [`give ${peer} the same csync2.cfg as this host: here it is not a slave`],
  locked: ({ peer }) => [`remove csync2.lock on ${peer} when csync2 may work there again`],
  busy: NONE,
  "unsupported-verb": ({ peer }) => [`install a newer csync2rev on ${peer}`],
  config: ({ peer }) => [`run csync2rev --test on ${peer}`],
  "not-ready": NONE,
  "own-tree-gone": ({ options }) => ownTreeRemedies(options),
  "tree-gone": ({ peer, options }) => [
    `if it is not mounted, mount it on ${peer}, and run csync2rev --others again`,
    `to have every other member delete these files, run on ${peer}  ${deleteThem(optionsEverywhere(options))}`,
  ],
  "no-greeting": ({ peer, options }) => [
    `check that inetd, xinetd or systemd on ${peer} starts "csync2rev -i"; its log there says what went wrong  ${options.readLog}`,
  ],
  "not-listening": ({ peer }) => [
    `start csync2rev on ${peer}: enable its entry in inetd or xinetd, or run there  systemctl enable --now csync2rev.socket`,
  ],
  "no-answer": ({ peer }) => [
    `check that ${peer} is up; if it is, open csync2rev's port to it in every firewall in between`,
  ],
  "no-route": ({ peer }) => [
    `check that ${peer} is up, and the network and the routes between this host and it`,
  ],
  "no-name": ({ peer }) => [
    `add ${peer} to /etc/hosts or DNS; if it is gone for good, take it out of csync2.cfg on every member`,
  ],
  unsent: (trouble) => {
    const { here, winThere } = commandsFor(trouble);
    const { peer } = trouble;
    return [
      `to get one back, run there  ${winThere}`,
      ...aboutPrefixes(trouble),
      `to delete on ${peer} too what has been deleted here, run here  csync2${here} -u -P ${peer} && csync2rev${here} --others --reconcile -P ${peer}`,
    ];
  },
  undecided: (trouble) => {
    const { takeTheirs, keepOurs } = commandsFor(trouble);
    return [takeTheirs, keepOurs, ...aboutPrefixes(trouble)];
  },
  "no-way-back": ({ peer }) => [
    `open csync2's port of this host to ${peer} in every firewall in between: peers push to it`,
  ],
  stalled: ({ peer, host }) => [
    `look on ${host} for what keeps csync2 -i waiting: a full or slow disk, an action, a network that loses packets. If it only needs longer, raise idle-timeout in csync2rev.ini on ${peer}`,
  ],
  differs: NONE,
  conflict: (trouble) => {
    const { takeTheirs, keepOurs } = commandsFor(trouble);
    return [takeTheirs, keepOurs, ...aboutPrefixes(trouble)];
  },
  certificate: ({ peer, myname, detail }) => {
    const complains = detail?.startsWith(`csync2 on ${peer}`)
      ? { on: `on ${peer}`, of: myname }
      : { on: "here", of: peer };
    return [
      `if ${complains.of} was given another certificate on purpose, have csync2 forget the old one, ${complains.on}  sqlite3 /var/lib/csync2/$(hostname).db3 "DELETE FROM x509_cert WHERE peername = '${complains.of}'"`,
      `then ${AGAIN}`,
    ];
  },
  "not-included": () => [`give all members the same csync2.cfg; then ${AGAIN}`],
  "no-directory": () => [`make the directory here; then ${AGAIN}`],
  "not-writable": () => [`have it mounted writable; then ${AGAIN}`],
  immutable: () => [`take the flag away with chattr -i; then ${AGAIN}`],
  "backup-directory": () => [
    `have csync2 able to write there, or change backup-directory in csync2.cfg; then ${AGAIN}`,
  ],
  "disk-full": () => [`make room there; then ${AGAIN}`],
  "not-empty": () => [`move or delete what it holds; then ${AGAIN}`],
  socket: ({ peer }) => [
    `exclude it in csync2.cfg on all members, then run on ${peer}  csync2 -R; then ${AGAIN}`,
  ],
};

/** For an outcome without a reason. */
const WITHOUT_REASON: Readonly<Record<Outcome, Remedy>> = {
  "caught-up": NONE,
  pending: ({ peer, exit }) => [
    exit === 0
      ? `${AGAIN}: a file changed while it was pushed`
      : `csync2's log here and csync2rev's log on ${peer} say more; then ${AGAIN}`,
  ],
  failed: NONE,
  refused: NONE,
  unanswered: ({ peer, group, options }) => [
    `compare the fingerprint of the key of group ${group} that csync2rev --test shows on both hosts, and give both the same key file`,
    `if they are the same: csync2rev's log on ${peer} says what is wrong  ${options.readLog}`,
  ],
  unreachable: ({ peer }) => [`check that ${peer} is up and has csync2rev in inetd, xinetd or systemd`],
  busy: NONE,
  lost: NONE,
};

/** What to do if files that csync2 on this host knows of are not on its disk. */
export function ownTreeRemedies(options: HostOptions): readonly string[] {
  return [
    "if it is not mounted, mount it, and run csync2rev --others again",
    "if the disk is new, delete csync2's database on this host, and run csync2rev --others: it brings all files",
    `to have every other member delete these files, run here  ${deleteThem(optionsHere(options))}`,
  ];
}

/** csync2's own check takes what it does not find for deleted; whoever pushes next has it deleted. */
function deleteThem(options: string): string {
  return `csync2${options} -cr / && csync2${options} -ur /`;
}

/** The commands that make one version of a pending file win. */
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
  // csync2 -u accepts no name of a file below a prefix, in no form. Such a file is pushed together with all dirty files.
  const pushTo = (name: string): string => `-u -P ${name}${plain === undefined ? "" : ` ${plain}`}`;
  // Marks the file if it is not marked yet, lets it win whatever the other host says, and pushes it.
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
  return name === undefined
    ? []
    : [`FILE is the path of ${quotable(name)} on the host where you run the command`];
}

/** The options for csync2 on every host of this cluster. A host's own name and database are not among them. */
function optionsEverywhere({ config }: HostOptions): string {
  return config === undefined ? "" : ` -C ${config}`;
}

/** The options for csync2 and csync2rev on this host. A database may be a URL with a password in it. */
function optionsHere(options: HostOptions): string {
  const { hostname, database } = options;
  return [
    optionsEverywhere(options),
    hostname === undefined ? "" : ` -N ${hostname}`,
    database === undefined ? "" : ` -D ${isPlain(database) ? database : "DATABASE"}`,
  ].join("");
}

/** Whether a name can be shown as it is and pasted into a shell. It comes from the peer. */
function isPlain(file: string): boolean {
  return /^\/[\w@%+=:,./-]*$/.test(file);
}
