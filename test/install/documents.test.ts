import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { COMMAND, debianPackages } from "../cluster/cluster.ts";
import { EXIT, OUTCOMES, REASONS } from "../../src/requester/outcome.ts";
import { parseCommandLine } from "../../src/cli/line.ts";
import { loadSettings } from "../../src/settings.ts";
import packageJson from "../../package.json" with { type: "json" };

const TOP = join(import.meta.dirname, "../..");
const [PROGRAM, ...FIRST] = COMMAND;
const MANUAL = join(TOP, "man/csync2rev.8");

const manual = readFileSync(MANUAL, "utf8");
const security = readFileSync(join(TOP, "SECURITY.md"), "utf8");
/** Every document for people, by its path, with its text. */
const documents: ReadonlyMap<string, string> = new Map(
  ["", "docs", "bench"].flatMap((folder) =>
    readdirSync(join(TOP, folder))
      .filter((name) => name.endsWith(".md"))
      .map((name) => [join(folder, name), readFileSync(join(TOP, folder, name), "utf8")] as const),
  ),
);
const readme = documents.get("README.md") ?? "";
const troubleshooting = documents.get("docs/troubleshooting.md") ?? "";
const help = execFileSync(PROGRAM, [...FIRST, "--help"], { encoding: "utf8" });

/** All options that a text has, each once, in order. */
function options(text: string, pattern: RegExp): string[] {
  return [...new Set(Array.from(text.matchAll(pattern), ([, option]) => option ?? ""))].sort();
}

describe("documents", () => {
  test("every option is in --help and the manual page alike", () => {
    const inHelp = options(help, /^ {2}(?: {4}|-\w, )--([a-z-]+)/gm);
    assert.ok(inHelp.length > 20);
    assert.deepEqual(options(manual, /^\.It (?:Fl \w , )?Fl -([a-z-]+)/gm), inHelp);
    for (const letter of options(help, /^ {2}-(\w), /gm))
      assert.match(manual, new RegExp(`^\\.It Fl ${letter} , Fl -`, "m"));
  });

  test("every outcome, reason and setting is in the manual page, and how to mend each outcome and reason in its document", () => {
    const settings = [...namesOfSettings(""), ...namesOfSettings("[others]\n")];
    assert.ok(settings.length > 12);
    for (const word of [...OUTCOMES, ...REASONS, ...settings])
      assert.match(manual, new RegExp(`^\\.(?:It |Pq )?Cm (?:.* )?\\[?${word}\\b`, "m"), `manual: ${word}`);
    for (const word of [...OUTCOMES, ...REASONS]) {
      assert.ok(troubleshooting.includes(`\n### \`${word}\`\n`), `no heading for ${word}`);
      assert.ok(troubleshooting.includes(`[${word}](#${word})`), `${word} is not in the list at the top`);
    }
    for (const word of OUTCOMES) assert.match(readme, new RegExp(`^\\| \`${word}\` \\|`, "m"));
    for (const status of Object.values(EXIT)) {
      assert.match(manual, new RegExp(`^\\.It ${status}$`, "m"));
      assert.match(readme, new RegExp(`^\\| ${status} \\|`, "m"));
    }
  });

  test("the manual page has the version, and the date of its release", () => {
    const { version } = packageJson;
    const changes = readFileSync(join(TOP, "CHANGELOG.md"), "utf8");
    const [, newest, date = ""] = /^## \[(.*)\] - (.*)$/m.exec(changes) ?? [];
    assert.equal(newest, version);
    const day = { year: "numeric", month: "long", day: "numeric", timeZone: "UTC" } as const;
    const written = new Date(date).toLocaleDateString("en-US", day);
    assert.equal(
      manual.slice(0, manual.indexOf(".Sh")),
      `.Dd ${written}\n.Dt CSYNC2REV 8\n.Os csync2rev ${version}\n`,
    );
  });

  test("the manual page is good mdoc", async () => {
    const mandoc = join(await debianPackages(["mandoc"]), "usr/bin/mandoc");
    const { stdout } = spawnSync(mandoc, ["-Tlint", MANUAL], { encoding: "utf8" });
    // Which other pages there are is the machine's affair. In the place of a system's name stands our version.
    const complaints = stdout
      .split("\n")
      .filter(
        (line) =>
          line !== "" && !/referenced manual not found|operating system explicitly specified/.test(line),
      );
    assert.deepEqual(complaints, []);
    const text = execFileSync(mandoc, ["-Tascii", MANUAL], { encoding: "utf8" });
    assert.match(text.replaceAll(/.\x08/g, ""), /^NAME\n {5}csync2rev - catch-up sync/m);
  });

  test("every claim in SECURITY.md names a test that is there", () => {
    const tables = security.matchAll(/^\| can .*\n\|[-| ]+\n((?:\|.*\n)+)/gm);
    const rows = Array.from(tables, ([, table = ""]) => table.trim().split("\n")).flat();
    const claims = rows.map((row) => /.*\| +(.*?) +\|$/.exec(row)?.[1] ?? row);
    assert.ok(claims.length > 15);
    for (const claim of claims) {
      let titles = "";
      for (const proof of claim.split("; ")) {
        const [, script, file, words = ""] =
          /^(?:`npm run ([\w:]+)`|(?:(\w+\/\w+): )?(.*))$/.exec(proof) ?? [];
        if (script !== undefined) {
          assert.ok(Object.hasOwn(packageJson.scripts, script), proof);
          continue;
        }
        if (file !== undefined) titles = titlesOf(join(TOP, "test", `${file}.test.ts`));
        assert.ok(titles.includes(words), proof);
      }
    }
  });

  test("every link leads to a file that is there, and to a heading of it", () => {
    const links = [...documents].flatMap(([file, text]) =>
      Array.from(
        text.matchAll(/\]\((?!https?:)([^)#]*)#?([^)]*)\)/g),
        ([link, target = "", anchor = ""]) => ({
          link: `${file} ${link}`,
          target: target === "" ? file : join(dirname(file), target),
          anchor,
        }),
      ),
    );
    assert.ok(links.length > 50);
    for (const { link, target, anchor } of links) {
      assert.ok(existsSync(join(TOP, target)), link);
      if (anchor !== "") assert.ok(anchorsOf(documents.get(target) ?? "").includes(anchor), link);
    }
  });

  test("every npm script and every unit that a document names is there", () => {
    const units = readdirSync(join(TOP, "systemd"));
    for (const [file, text] of documents) {
      for (const [line, script = ""] of text.matchAll(/npm run (?:-s )?([\w:-]+)/g))
        assert.ok(Object.hasOwn(packageJson.scripts, script), `${file}: ${line}`);
      for (const [unit = ""] of text.matchAll(
        /\bcsync2rev[\w-]*@?(?:NAME)?\.(?:service|socket|target|slice)\b/g,
      ))
        assert.ok(units.includes(unit.replace("NAME", "")), `${file}: ${unit}`);
    }
  });

  test("csync2rev takes every command line of its own that a document shows", () => {
    const lines = [...documents].flatMap(([file, text]) =>
      Array.from(
        text.matchAll(/(?:^ {4}|`|root |&& )(?:\/usr\/sbin\/)?csync2rev (-(?!i\b|-inetd)[^`|#&\n…[\]]*)/gm),
        ([, line = ""]) => ({
          file,
          line: line.trim(),
        }),
      ),
    );
    assert.ok(lines.length > 20);
    for (const { file, line } of lines)
      assert.doesNotThrow(() => parseCommandLine(line.split(/\s+/)), `${file}: ${line}`);
  });

  test("the documents, the build and the tests name the lowest Node.js that package.json does", () => {
    const [, lowest = "", major = ""] = /^>=((\d+)\.\d+)$/.exec(packageJson.engines.node) ?? [];
    const named = [...documents].flatMap(([file, text]) =>
      Array.from(text.matchAll(/Node\.js (\d+\.\d+)/g), ([, version]) => `${file}: ${version ?? ""}`),
    );
    assert.ok(named.length >= 4);
    for (const name of named) assert.ok(name.endsWith(`: ${lowest}`), name);
    const places = {
      "packaging/bundle.ts": /target: "node(\d+)"/,
      "test/compile.ts": /target: "node(\d+)"/,
      "test/node-versions.ts": /const version of \[(\d+)/,
      ".github/workflows/check.yml": /node: \[(\d+)/,
      ".github/workflows/release.yml": /node-version: (\d+)/,
      "package-lock.json": /"node": ">=(\d+)\.\d+"/,
      "package.json": /"@types\/node": "\^(\d+)/,
    };
    for (const [file, pattern] of Object.entries(places))
      assert.equal(pattern.exec(readFileSync(join(TOP, file), "utf8"))?.[1], major, file);
  });

  test("the README is read in three minutes", () => {
    assert.ok(readme.split("\n").length <= 151, "at most 150 lines");
  });
});

test("the units are what systemd takes", { skip: !existsSystemdAnalyze() }, () => {
  const root = mkdtempSync(join(tmpdir(), "csync2rev-units-"));
  try {
    const units = join(TOP, "systemd");
    for (const unit of readdirSync(units)) {
      const text = readFileSync(join(units, unit), "utf8");
      assert.doesNotMatch(
        text.replaceAll(/^#.*$/gm, ""),
        /^(ProtectSystem|ProtectHome|PrivateTmp|PrivateDevices|ProtectKernelModules|InaccessiblePaths|MemoryDenyWriteExecute|DynamicUser)=/m,
        "what hides a path makes csync2 delete",
      );
      writeFileSync(join(root, unit), text.replace("/usr/sbin/csync2rev", join(root, "csync2rev")));
    }
    symlinkSync(COMMAND[0], join(root, "csync2rev"));
    for (const unit of readdirSync(units)) {
      const { status, stdout, stderr } = spawnSync(
        "systemd-analyze",
        ["verify", "--man=no", join(root, unit)],
        {
          encoding: "utf8",
        },
      );
      assert.equal(stdout + stderr, "", unit);
      assert.equal(status, 0);
    }
  } finally {
    rmSync(root, { recursive: true });
  }
});

test("no package that is shipped runs a script when it is installed, and all are pinned by their hashes", () => {
  const lock = JSON.parse(readFileSync(join(TOP, "package-lock.json"), "utf8")) as {
    packages: Record<string, LockedPackage>;
  };
  const packages = Object.entries(lock.packages).filter(([path]) => path !== "");
  for (const [path, { integrity }] of packages) assert.match(integrity ?? "", /^sha512-/, path);
  const shipped = packages.filter(([, { dev }]) => dev !== true);
  assert.ok(shipped.length > 3);
  for (const [path, { hasInstallScript }] of shipped) assert.notEqual(hasInstallScript, true, path);
  const licences = readFileSync(join(TOP, "dist/LICENSES.txt"), "utf8");
  for (const name of Object.keys(packageJson.dependencies))
    assert.match(licences, new RegExp(`^${name} \\d`, "m"));
});

interface LockedPackage {
  readonly integrity?: string;
  readonly dev?: boolean;
  readonly hasInstallScript?: boolean;
}

/** The names of all tests in a file, a line each. */
function titlesOf(file: string): string {
  const titles = readFileSync(file, "utf8").matchAll(/^\s*(?:test|describe)\(\s*(["`])(.*?)\1/gm);
  return Array.from(titles, ([, , title]) => title).join("\n");
}

/** The anchors of a document's headings, as forges make them. */
function anchorsOf(text: string): string[] {
  return Array.from(text.matchAll(/^#+ (.*)$/gm), ([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, "")
      .replaceAll(" ", "-"),
  );
}

/** Every key of a section, as the message for an unknown key lists them. */
function namesOfSettings(section: string): string[] {
  const folder = mkdtempSync(join(tmpdir(), "csync2rev-settings-"));
  try {
    const file = join(folder, "csync2rev.ini");
    writeFileSync(file, `${section}nonsense = 1\n`);
    loadSettings(file, true);
    return [];
  } catch (error) {
    return /write one of (.*)$/.exec((error as Error).message)?.[1]?.split(", ") ?? [];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function existsSystemdAnalyze(): boolean {
  return spawnSync("systemd-analyze", ["--version"]).status === 0;
}
