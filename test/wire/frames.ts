import { takeFrame } from "../../src/wire/frame.ts";

/** Takes frames out of bytes that come in any pieces. */
export class Frames {
  /** What has come and is not a whole frame yet. */
  rest: Uint8Array = new Uint8Array(0);
  readonly #limit: number;

  /** The limit of a body, as `takeFrame` has it. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The bodies of all frames that are whole with these bytes. */
  *take(bytes: Uint8Array): Generator<Uint8Array> {
    this.rest = Buffer.concat([this.rest, bytes]);
    for (let taken = this.#next(); taken !== null; taken = this.#next()) {
      this.rest = taken.rest;
      yield taken.body;
    }
  }

  #next(): ReturnType<typeof takeFrame> {
    return takeFrame(this.rest, this.#limit);
  }
}
