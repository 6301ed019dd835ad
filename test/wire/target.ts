// What Jazzer.js calls with each input: one of the readers, by its place in the list.
import { READERS, takes } from "./readers.ts";

const reader = READERS[Number(process.env["FUZZ_READER"])];

export function fuzz(input: Uint8Array): void {
  if (reader === undefined) throw new Error("FUZZ_READER is no place in the list of readers");
  takes(reader, input);
}
