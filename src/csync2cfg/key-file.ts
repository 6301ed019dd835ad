import { closeSync, openSync, readSync } from "node:fs";
import { Csync2revError } from "../errors.ts";
import type { Key } from "./model.ts";
import type { Token } from "./scanner.ts";
import { bytes, decode, encode, errorCode, isKey, quote, reason } from "./source.ts";

/** cfgfile_parser.y, set_key(): bytes that do not fit into its buffer are not part of the key. */
const MAX_KEY = 1023;
const MIN_KEY = 32;

/** The key files of one csync2.cfg, each read once. */
export class KeyFiles {
  readonly #systemDirectory: string;
  readonly #keys = new Map<string, Key>();

  constructor(systemDirectory: string) {
    this.#systemDirectory = systemDirectory;
  }

  /** As cfgfile_parser.y, set_key(). The error never contains the key's text. */
  read(token: Token): Key {
    const name = token.text;
    const known = this.#keys.get(name);
    if (known) return known;
    const file = name.startsWith("/") ? name : `${encode(this.#systemDirectory)}/${name}`;
    const fail = (what: string, cause?: unknown): never => {
      if (isKey(name)) {
        const { file: cfg, line, column } = token.source.place(token.offset);
        const message = `found what looks like a key, expected the name of a file that holds it: ${what.replace(/^.*: /, "")}`;
        throw new Csync2revError("key", `${cfg}:${line}:${column}: ${message}`);
      }
      const message = `found key file ${quote(file)}, ${what}`;
      throw new Csync2revError("key", token.source.complaint(token.offset, message), { cause });
    };
    let start = "";
    try {
      start = readStart(file);
    } catch (error) {
      fail(
        `expected one that can be read (csync2 reads the keys of all groups, also of those without this host): ${reason(errorCode(error))}`,
        error,
      );
    }
    if (start === "") fail(`expected a key in it: it is empty, "csync2 -k FILE" makes a new one`);
    const text = /^[^\n\0]*/.exec(start)?.[0] ?? "";
    const bad = /[^A-Za-z0-9._]/.exec(text);
    if (bad)
      fail(
        `expected only [A-Za-z0-9._] in its first line: character ${bad.index + 1} is ${strange(text, bad.index)}`,
      );
    if (text.length < MIN_KEY) {
      fail(
        `expected ${MIN_KEY} or more characters in its first line: it has ${text.length}, "csync2 -k FILE" makes a new one`,
      );
    }
    const key: Key = { file: decode(file), text };
    this.#keys.set(name, key);
    return key;
  }
}

/** What kind of character it is that a key cannot have, in words that do not reveal the rest of the line. */
function strange(line: string, at: number): string {
  const rest = decode(line.slice(at));
  if (!/^\s/.test(rest)) return "not one of these";
  const blank = rest.trim() === "" ? "a blank at its end" : "a blank";
  return rest.startsWith("\r") ? `${blank}, a carriage return as Windows editors write it` : blank;
}

/** The bytes of a file that csync2's fgets() could see. */
function readStart(file: string): string {
  const fd = openSync(bytes(file), "r");
  try {
    const buffer = Buffer.alloc(MAX_KEY);
    let length = 0;
    for (;;) {
      const got = readSync(fd, buffer, length, MAX_KEY - length, null);
      length += got;
      if (got === 0 || length === MAX_KEY || buffer.subarray(0, length).includes(10)) break;
    }
    return buffer.toString("latin1", 0, length);
  } finally {
    closeSync(fd);
  }
}
