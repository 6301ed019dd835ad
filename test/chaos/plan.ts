import fc from "fast-check";
import { type ByteString, name, shown } from "./names.ts";

/** The hosts of every round; each has a second name, `h1-b` and so on. */
export const HOSTS = ["h1", "h2", "h3", "h4"] as const;

export const AUTO = ["none", "first", "younger", "older", "bigger", "smaller", "left", "right"] as const;
export type Auto = (typeof AUTO)[number];

/** The directories that groups can have; `p` is below a prefix, and elsewhere on h3. */
export const DIRECTORIES = ["a", "a/sub", "b", "p"] as const;
export type Directory = (typeof DIRECTORIES)[number];

export interface Member {
  readonly host: string;
  /** Whether the group knows it by its second name. */
  readonly alias: boolean;
  readonly slave: boolean;
}

export interface Group {
  readonly name: string;
  readonly members: readonly Member[];
  readonly key: 1 | 2;
  readonly auto: Auto;
  readonly directories: readonly Directory[];
}

/** What happens in a round, in order. `after` is how many milliseconds to wait first: chance decides when a fault comes. */
export type Step = { readonly after: number } & (
  | { readonly do: "write"; readonly host: string; readonly path: ByteString; readonly size: number }
  | { readonly do: "link" | "remove"; readonly host: string; readonly path: ByteString }
  | { readonly do: "chmod"; readonly host: string; readonly path: ByteString; readonly mode: number }
  | { readonly do: "check"; readonly host: string }
  | { readonly do: "push"; readonly host: string; readonly to: string }
  | {
      readonly do: "catch-up";
      readonly host: string;
      readonly options: readonly string[];
      readonly wait: boolean;
    }
  | { readonly do: "power-off" | "boot" | "cut" | "mend"; readonly host: string }
  | { readonly do: "kill"; readonly host: string; readonly program: "csync2" | "csync2rev" }
  | { readonly do: "hold-lock"; readonly host: string; readonly seconds: number }
  | { readonly do: "wait" }
);

/** All of a round: what is not in here is chance. */
export interface Plan {
  readonly tls: boolean;
  readonly groups: readonly Group[];
  readonly steps: readonly Step[];
}

/** The plan of one round. The same seed and round give the same plan. */
export function planOf(seed: number, round: number): Plan {
  const [plan] = fc.sample(PLAN, { seed: (seed ^ Math.imul(round, 0x9e3779b1)) | 0, numRuns: 1 });
  if (!plan) throw new Error("no plan was made");
  return plan;
}

const host = fc.constantFrom(...HOSTS);
const rarely = fc.integer({ min: 0, max: 5 }).map((n) => n === 0);
const moment = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 1500 }));

const members = fc.subarray([...HOSTS], { minLength: 2 }).chain((hosts) =>
  fc
    .array(fc.record({ alias: rarely, slave: rarely }), { minLength: hosts.length, maxLength: hosts.length })
    // In a group of slaves alone no host pushes.
    .map((kinds) =>
      hosts.map((host, i): Member => ({
        host,
        alias: kinds[i]?.alias ?? false,
        slave: i > 0 && (kinds[i]?.slave ?? false),
      })),
    ),
);

const group = fc.record({
  members,
  key: fc.constantFrom(1 as const, 1 as const, 2 as const),
  auto: fc.oneof(fc.constantFrom("younger" as const, "none" as const), fc.constantFrom(...AUTO)),
  directories: fc.subarray([...DIRECTORIES], { minLength: 1, maxLength: 2 }),
});

/** The paths that a round is about: few, so that several hosts write the same one. */
const pathsIn = (directories: readonly Directory[]): fc.Arbitrary<ByteString[]> =>
  fc
    .array(
      fc.record({ directory: fc.constantFrom(...directories), folder: fc.option(name, { freq: 3 }), name }),
      {
        minLength: 3,
        maxLength: 8,
      },
    )
    .map((all) => all.map(({ directory, folder, name }) => [directory, folder ?? [], name].flat().join("/")));

const catchUpOptions = fc.oneof(
  { weight: 5, arbitrary: fc.constant<readonly string[]>([]) },
  { weight: 2, arbitrary: fc.constant(["--reconcile"] as const) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<readonly string[]>(
      ["--dry-run"],
      ["--verify"],
      ["-v"],
      ["--reconcile", "--verify"],
    ),
  },
);

function stepOf(paths: readonly ByteString[]): fc.Arbitrary<Step> {
  const path = fc.constantFrom(...paths);
  const after = moment;
  const write = fc.record({
    do: fc.constant("write" as const),
    after: fc.constant(0),
    host,
    path,
    size: fc.oneof(
      { weight: 5, arbitrary: fc.constant(0) },
      { weight: 1, arbitrary: fc.integer({ min: 1, max: 8 << 20 }) },
    ),
  });
  const weighted: [number, fc.Arbitrary<Step>][] = [
    [28, write],
    [
      2,
      fc.record({
        do: fc.constantFrom("remove" as const, "link" as const),
        after: fc.constant(0),
        host,
        path,
      }),
    ],
    [
      1,
      fc.record({
        do: fc.constant("chmod" as const),
        after: fc.constant(0),
        host,
        path,
        mode: fc.constantFrom(0o600, 0o640, 0o755),
      }),
    ],
    [2, fc.record({ do: fc.constant("check" as const), after, host })],
    [4, fc.record({ do: fc.constant("push" as const), after, host, to: host })],
    [
      9,
      fc.record({ do: fc.constant("catch-up" as const), after, host, options: catchUpOptions, wait: rarely }),
    ],
    [2, fc.record({ do: fc.constant("power-off" as const), after, host })],
    [4, fc.record({ do: fc.constant("boot" as const), after, host })],
    [1, fc.record({ do: fc.constant("cut" as const), after, host })],
    [2, fc.record({ do: fc.constant("mend" as const), after, host })],
    [
      2,
      fc.record({
        do: fc.constant("kill" as const),
        after,
        host,
        program: fc.constantFrom("csync2" as const, "csync2rev" as const),
      }),
    ],
    [
      1,
      fc.record({
        do: fc.constant("hold-lock" as const),
        after,
        host,
        seconds: fc.integer({ min: 1, max: 3 }),
      }),
    ],
    [4, fc.constant<Step>({ do: "wait", after: 0 })],
  ];
  return fc.oneof(...weighted.map(([weight, arbitrary]) => ({ weight, arbitrary })));
}

/** Each round begins with files that all hosts have. */
function beginning(paths: readonly ByteString[]): Step[] {
  const writes = paths.map((path, i): Step => ({
    do: "write",
    after: 0,
    host: HOSTS[i % HOSTS.length] ?? "h1",
    path,
    size: 0,
  }));
  const catchUps = HOSTS.map((host): Step => ({ do: "catch-up", after: 0, host, options: [], wait: true }));
  return [...writes.slice(0, Math.ceil(writes.length / 2)), ...catchUps];
}

const groups = fc
  .array(group, { minLength: 1, maxLength: 3 })
  .map((groups) => groups.map((group, i): Group => ({ name: `g${i + 1}`, ...group })));

const PLAN: fc.Arbitrary<Plan> = groups.chain((groups) =>
  pathsIn([...new Set(groups.flatMap(({ directories }) => directories))]).chain((paths) =>
    fc.record({
      tls: rarely,
      groups: fc.constant(groups),
      steps: fc
        .array(stepOf(paths), { minLength: 15, maxLength: 60 })
        .map((steps) => [...beginning(paths), ...steps]),
    }),
  ),
);

/** The plan as lines that people can read and follow by hand. */
export function describePlan({ tls, groups, steps }: Plan): string {
  return [
    `csync2.cfg${tls ? ", with TLS" : ""}:`,
    ...groups.map((group) => `    ${groupLine(group)}`),
    "steps:",
    ...steps.map((step, i) => `    ${String(i + 1).padStart(2)}  ${describeStep(step)}`),
  ].join("\n");
}

function describeStep({ after, ...step }: Step): string {
  const words = Object.entries(step)
    .filter(([key]) => key !== "do" && key !== "host")
    .map(([key, value]) => {
      if (key === "path") return `"${shown(String(value))}"`;
      return `${key}=${Array.isArray(value) ? value.join(" ") || "-" : key === "mode" ? Number(value).toString(8) : String(value)}`;
    });
  const when = after === 0 ? "" : `  (${after} ms later)`;
  return `${"host" in step ? `${step.host}: ` : ""}${step.do} ${words.join(" ")}`.trimEnd() + when;
}

function groupLine({ name, members, key, auto, directories }: Group, ...more: readonly string[]): string {
  const hosts = members.map(({ host, alias, slave }) => {
    const whole = alias ? `${host}@${host}-b` : host;
    return slave ? `(${whole})` : whole;
  });
  const paths = directories.map((directory) => (directory === "p" ? "%p%" : `/srv/data/${directory}`));
  const includes = [...paths, ...more].map((path) => `include ${path};`);
  return `group ${name} { host ${hosts.join(" ")}; key /etc/csync2.key${key === 2 ? "2" : ""}; auto ${auto}; ${includes.join(" ")} }`;
}

/** The plan's csync2.cfg. */
export function cfgOf({ tls, groups }: Plan): string {
  return [
    ...(tls ? [] : ["nossl * *;"]),
    `prefix p { on h3: ${realDirectory("h3", "p")}; on *: ${realDirectory("h1", "p")}; }`,
    ...groups.map((group) => groupLine(group, KNOWN)),
    "",
  ].join("\n");
}

/** A file that every host has recorded from the beginning: a host whose database knows no file is a new member, and reconciles. */
export const KNOWN = "/srv/data/known";

/** Where a host has one of the directories. */
export function realDirectory(host: string, directory: Directory): string {
  return directory === "p" ? `/srv/data/${host === "h3" ? "three" : "prefixed"}` : `/srv/data/${directory}`;
}

/** The groups that a path belongs to. */
export function groupsOf({ groups }: Plan, path: ByteString): Group[] {
  return groups.filter(({ directories }) =>
    directories.some((directory) => path === directory || path.startsWith(`${directory}/`)),
  );
}

export function isMember({ groups }: Plan, host: string): boolean {
  return groups.some(({ members }) => members.some((member) => member.host === host));
}

/** Whether `from` may push a path to `to`. */
export function delivers(plan: Plan, path: ByteString, from: string, to: string): boolean {
  return groupsOf(plan, path).some(
    ({ members }) =>
      members.some(({ host, slave }) => host === from && !slave) && members.some(({ host }) => host === to),
  );
}
