import { distance } from "../distance.ts";

/** The word that a directive begins with. */
const NAME = "csync2rev";

/** Up to this many wrong, missing, surplus or exchanged letters still make it that word. */
const WRONG_LETTERS = 2;

/** How many bytes of a comment are looked at. */
const BEGINNING = 600;

/** A remark about csync2rev hardly ever goes on with one of these. */
const COMMANDS = ["allow", "deny", "permit", "refuse", "forbid", "reject", "grant", "disallow"];

/** A remark may well go on with one of these. With hosts or a semicolon after it, it is a rule. */
const HALF_COMMANDS = [
  ...["allows", "allowed", "allowing", "allowlist", "whitelist", "accept", "access", "block", "except"],
  ...["from", "host", "hosts", "let", "limit", "may", "member", "members", "not", "only", "peer", "peers"],
  ...["restrict", "trust", "denies", "denied", "permits", "permitted"],
];

/** Words in the place of hosts. */
const ANYBODY = ["all", "any", "anybody", "anyone", "everybody", "everyone", "nobody", "none"];

/** Letters of other scripts that look like Latin ones. Unicode's own variants of a letter are folded without this table. */
const LOOK_ALIKES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    ...{
      а: "a",
      в: "b",
      с: "c",
      ԁ: "d",
      е: "e",
      ԍ: "g",
      һ: "h",
      н: "h",
      і: "i",
      ј: "j",
      к: "k",
      м: "m",
      п: "n",
    },
    ...{ о: "o", р: "p", ԛ: "q", г: "r", ѕ: "s", т: "t", ц: "u", ѵ: "v", ԝ: "w", х: "x", у: "y", ү: "y" },
    ...{
      α: "a",
      β: "b",
      ς: "c",
      ε: "e",
      η: "n",
      ι: "i",
      κ: "k",
      ν: "v",
      ο: "o",
      ρ: "p",
      τ: "t",
      υ: "u",
      χ: "x",
      γ: "y",
    },
    ...{
      ı: "i",
      ɑ: "a",
      ᴄ: "c",
      ᴇ: "e",
      ɴ: "n",
      ʀ: "r",
      ꜱ: "s",
      ᴠ: "v",
      ʏ: "y",
      ƨ: "2",
      ᴀ: "a",
      ʟ: "l",
      ᴏ: "o",
      ᴡ: "w",
    },
  }),
);

/**
 * Whether a comment begins like `csync2rev` and goes on like a rule. Case, blanks, punctuation, look-alikes and up to two wrong letters
 * do not matter. A rule goes on with nothing, with a command, or with hosts only. Its author believes that it protects the host.
 * @param text the comment from its `#` on, one character for each byte
 * @param hosts the names of all hosts in csync2.cfg, folded
 */
export function isNearMiss(text: string, hosts: ReadonlySet<string>): boolean {
  const beginning = Buffer.from(text.slice(0, BEGINNING), "latin1").toString("utf8");
  // A comment may follow the rule.
  const [rule = ""] = fold(beginning)
    .replace(/^[#\s]*/, "")
    .split("#", 1);
  let name = "";
  let count = 0;
  for (const { 0: letters, index } of rule.matchAll(/[\p{L}\p{N}]+/gu)) {
    name += letters;
    count++;
    if (count === 1 && isGlued(name)) return true;
    if (name.length > NAME.length + WRONG_LETTERS) return false;
    const wrong = distance(name, NAME, WRONG_LETTERS);
    if (wrong <= WRONG_LETTERS && isRule(rule.slice(index + letters.length), hosts, wrong, count))
      return true;
  }
  return false;
}

/** `text` in small Latin letters without accents, as a reader would see it. */
export function fold(text: string): string {
  if (/^[\x00-\x7f]*$/.test(text)) return text.toLowerCase();
  const folded = text
    .normalize("NFKD")
    .replace(/[\p{M}\p{Cf}]/gu, "")
    .toLowerCase();
  return Array.from(folded, (character) => LOOK_ALIKES.get(character) ?? character).join("");
}

/**
 * @param rest the text after the name
 * @param wrong how many letters of the name are wrong
 * @param count in how many parts the name is written: "# csync2 dev" and "# csync2 key h2" are remarks
 */
function isRule(rest: string, hosts: ReadonlySet<string>, wrong: number, count: number): boolean {
  const words = rest
    .split(/[^\p{L}\p{N}*?[\]._-]+/u)
    .map((word) => word.replace(/^[._-]+|[._-]+$/g, ""))
    .filter((word) => /[\p{L}\p{N}*?]/u.test(word));
  const [first, ...others] = words;
  if (first === undefined) return count === 1 || wrong === 0;
  const command = first.replace(/[^\p{L}\p{N}]/gu, "");
  if (COMMANDS.includes(command)) return true;
  if (count > 1 && wrong > 1) return false;
  const isClosed = /;\s*$/.test(rest);
  const areHosts = (some: readonly string[]): boolean =>
    some.length > 0 && some.every((word) => /[*?[]/.test(word) || hosts.has(word) || ANYBODY.includes(word));
  // "allow-from h2", "do not allow anybody;"
  const commands = words.map((word) => COMMANDS.includes(/^[\p{L}\p{N}]*/u.exec(word)?.[0] ?? ""));
  if ((commands[0] === true && areHosts(others)) || (isClosed && commands.includes(true))) return true;
  const almost = Math.min(...COMMANDS.map((known) => distance(command, known, WRONG_LETTERS)));
  if (almost === 1 && others.length === 0) return true;
  if (HALF_COMMANDS.includes(command) || almost <= WRONG_LETTERS) return isClosed || areHosts(others);
  return areHosts(words) || (isClosed && others.length === 0 && /\p{L}/u.test(first));
}

/** `csync2revallow`. */
function isGlued(word: string): boolean {
  return COMMANDS.some(
    (command) =>
      word.endsWith(command) &&
      distance(word.slice(0, -command.length), NAME, WRONG_LETTERS) <= WRONG_LETTERS,
  );
}
