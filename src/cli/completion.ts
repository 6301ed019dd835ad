import { Csync2revError } from "../errors.ts";
import { openHost } from "../host.ts";
import { plan } from "../requester/plan.ts";
import { OPTIONS, SHELLS, type Option } from "./options.ts";

type Shell = (typeof SHELLS)[number];

/**
 * A script that completes command lines, for a shell to read. It names the options by itself, and runs `csync2rev --complete` only for
 * names of peers and groups.
 * @param shell empty: the one that the environment names, or bash
 * Throws `usage`.
 */
export function completionScript(shell: string, env: NodeJS.ProcessEnv): string {
  const wanted = shell === "" ? (env["SHELL"] ?? "bash").replace(/.*\//, "") : shell;
  const known = SHELLS.find((one) => one === wanted) ?? (shell === "" ? "bash" : undefined);
  if (known === undefined)
    throw new Csync2revError("usage", `--completion ${JSON.stringify(shell)}: write ${SHELLS.join(", ")}`);
  return SCRIPTS[known]();
}

/** The word in front of which `--complete` stands: it is for the scripts alone, and no option of the command line. */
export const COMPLETE = "--complete";

/** What is a name of its own in every shell. Others are left to the keyboard. */
const PLAIN = /^[\w.:@%+-]+$/;

/**
 * What can follow -P or -G on a command line, in the configuration that the line names: one name a line. Nothing if that cannot be read.
 * @param words `peer` or `group`, then the command line behind the program's name
 */
export function completeNames([kind, ...line]: readonly string[], env: NodeJS.ProcessEnv): string {
  const given = (short: string, long: string): string | undefined => {
    // bash takes "=" for a word of its own.
    const words = line.filter((word) => word !== "=");
    const at = words.findLastIndex((word) => [short, long].includes(word));
    const joined = words.find((word) => word.startsWith(`${long}=`));
    return joined?.slice(long.length + 1) ?? (at === -1 ? undefined : words[at + 1]);
  };
  const opened = openHost({ config: given("-C", "--config"), hostname: given("-N", "--hostname") }, env);
  const groups = opened.configuration?.groups ?? [];
  if (groups.length === 0) return "";
  const names =
    kind === "group"
      ? groups.map(({ name }) => name)
      : plan(groups, {}, { hostname: "", settings: opened.settings }).map(({ name }) => name);
  return [...new Set(names)]
    .filter((name) => PLAIN.test(name))
    .map((name) => `${name}\n`)
    .join("");
}

const ENTRIES = Object.entries(OPTIONS);

/** The spellings of all options that a test holds for, as bash's `case` takes them. */
function pattern(test: (option: Option) => boolean): string {
  return ENTRIES.filter(([, option]) => test(option))
    .flatMap(([name, { short }]) => [...(short === undefined ? [] : [`-${short}`]), `--${name}`])
    .join("|");
}

function heading(shell: Shell): string {
  return `# Completes the command line of csync2rev in ${shell}. Made by: csync2rev --completion ${shell}`;
}

function single(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function bash(): string {
  const names = (kind: "peer" | "group"): string =>
    `${pattern(({ completes }) => completes === kind)})
      before=\${word%"\${word##*,}"}
      candidates=$("$1" ${COMPLETE} ${kind} "\${COMP_WORDS[@]:1}" 2>/dev/null) ;;`;
  return `${heading("bash")}
_csync2rev() {
  local word=\${COMP_WORDS[COMP_CWORD]} option=\${COMP_WORDS[COMP_CWORD-1]} before= candidates= candidate
  if [[ $word == = ]]; then word=
  elif [[ $option == = ]]; then option=\${COMP_WORDS[COMP_CWORD-2]}
  fi
  COMPREPLY=()
  case $option in
    ${names("peer")}
    ${names("group")}
    ${pattern(({ completes }) => completes === "shell")}) candidates="${SHELLS.join(" ")}" ;;
    ${pattern(({ completes }) => completes === "file" || completes === "directory")}) compopt -o default; return ;;
    ${pattern(({ argument, completes, optional }) => argument !== undefined && completes === undefined && !optional)}) return ;;
    *) candidates="${ENTRIES.map(([name]) => `--${name}`).join(" ")}" ;;
  esac
  word=\${word#"$before"}
  for candidate in $candidates; do
    [[ $candidate == "$word"* ]] && COMPREPLY+=("$before$candidate")
  done
}
complete -F _csync2rev csync2rev
`;
}

/** What \`_arguments\` of zsh is told of an option's argument. */
const ZSH_ACTIONS: Readonly<Record<NonNullable<Option["completes"]>, string>> = {
  // The blank keeps _arguments from putting words of its own in front.
  peer: " _csync2rev_names peer",
  group: " _csync2rev_names group",
  file: "_files",
  directory: "_files -/",
  shell: `(${SHELLS.join(" ")})`,
};

function zsh(): string {
  const specs = ENTRIES.map(([name, { short, argument, optional, completes, does }]) => {
    const words = does.replace(/[[\]:\\]/g, "\\$&");
    if (optional && argument !== undefined) return single(`--${name}=-[${words}]::how:(${argument})`);
    const action = completes === undefined ? " " : ZSH_ACTIONS[completes];
    const value = argument === undefined ? "" : `:${argument.toLowerCase().replace(/\W/g, " ")}:${action}`;
    const long = `--${name}${argument === undefined ? "" : "="}`;
    if (short === undefined) return single(`${long}[${words}]${value}`);
    const letter = `-${short}${argument === undefined ? "" : "+"}`;
    return `'(-${short} --${name})'{${letter},${long}}${single(`[${words}]${value}`)}`;
  });
  return `#compdef csync2rev
${heading("zsh")}
_csync2rev_names() {
  local -a names
  names=(\${(f)"$(\${words[1]} ${COMPLETE} $1 \${words[2,-1]} 2>/dev/null)"})
  _sequence -s , compadd - $names
}
_csync2rev() {
  _arguments -s ${specs.map((spec) => `\\\n    ${spec}`).join(" ")}
}
if [[ \${funcstack[1]} == _csync2rev ]]; then _csync2rev "$@"
else compdef _csync2rev csync2rev
fi
`;
}

/** What \`complete\` of fish is told of an option's argument. */
const FISH_ACTIONS: Readonly<Record<NonNullable<Option["completes"]>, string>> = {
  peer: " -x -a '(__csync2rev_names peer)'",
  group: " -x -a '(__csync2rev_names group)'",
  file: " -r -F",
  directory: " -x -a '(__fish_complete_directories)'",
  shell: ` -x -a '${SHELLS.join(" ")}'`,
};

function fish(): string {
  const lines = ENTRIES.map(([name, { short, argument, optional, completes, does }]) => {
    const value =
      argument === undefined || optional ? "" : completes === undefined ? " -x" : FISH_ACTIONS[completes];
    const letter = short === undefined ? "" : ` -s ${short}`;
    return `complete -c csync2rev${letter} -l ${name}${value} -d '${does.replaceAll("'", "\\'")}'`;
  });
  return `${heading("fish")}
function __csync2rev_names
  set -l words (commandline -opc)
  set -l before (string match -r '^.*,' -- (string replace -r '^--[a-z]+=' '' -- (commandline -ct)))
  for name in (command $words[1] ${COMPLETE} $argv[1] $words[2..-1] 2>/dev/null)
    echo "$before$name"
  end
end
complete -c csync2rev -f
${lines.join("\n")}
`;
}

const SCRIPTS: Readonly<Record<Shell, () => string>> = { bash, zsh, fish };
