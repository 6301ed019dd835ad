import { Csync2revError } from "../errors.ts";

/** The longest name in a request, in bytes of UTF-8. */
export const NAME_LIMIT = 255;
/** The largest number in a reply, for files and for seconds. */
export const COUNT_LIMIT = 1_000_000_000;
/** The largest exit status. */
export const EXIT_LIMIT = 255;

/** The fields of a JSON object from the wire. */
export type Fields = Readonly<Record<string, unknown>>;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function decodeObject(text: Uint8Array, what: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(utf8.decode(text));
  } catch {
    throw new Csync2revError("message", `${what} is not UTF-8 JSON`);
  }
  if (!isFields(value)) throw new Csync2revError("message", `${what} is not a JSON object`);
  return value;
}

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isListOfNames(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((name) => typeof name === "string");
}

/** A whole number from 0 to `most`; 0 if it is absent. Throws `message`. */
export function count(fields: Fields, field: string, most = COUNT_LIMIT): number {
  const value = Object.hasOwn(fields, field) ? fields[field] : 0;
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > most)
    throw new Csync2revError("message", `"${field}" is not a whole number from 0 to ${most}`);
  return value;
}

/** How long it took, in seconds, rounded to milliseconds; 0 if it is absent. Throws `message`. */
export function seconds(fields: Fields): number {
  const value = Object.hasOwn(fields, "seconds") ? fields["seconds"] : 0;
  if (typeof value !== "number" || !(value >= 0 && value <= COUNT_LIMIT))
    throw new Csync2revError("message", `"seconds" is not a number from 0 to ${COUNT_LIMIT}`);
  return Math.round(value * 1000) / 1000;
}

export function string(fields: Fields, field: string): string {
  const value = Object.hasOwn(fields, field) ? fields[field] : undefined;
  if (typeof value !== "string") throw new Csync2revError("message", `"${field}" is not text`);
  return value;
}

export function name(fields: Fields, field: string): string {
  const value = string(fields, field);
  if (value === "" || Buffer.byteLength(value) > NAME_LIMIT)
    throw new Csync2revError("message", `"${field}" is not 1 to ${NAME_LIMIT} bytes long`);
  return value;
}
