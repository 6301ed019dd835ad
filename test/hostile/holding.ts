// A program that runs on a host of the cluster: strangers who connect, say nothing, and connect again when they are cut off. It is told
// on stdin whom and how many, and prints how many of them have the greeting and are still connected, once a second, until it is killed.
import { connect } from "node:net";
import { text as textOf } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";

/** Whom to hold up. */
export interface Holding {
  readonly host: string;
  readonly port: number;
  /** The addresses that they come from. */
  readonly from: readonly string[];
  /** How many from each address. */
  readonly each: number;
  /** Milliseconds after which they connect again; null for never. */
  readonly again: number | null;
}

/** Between two that are begun at once, in milliseconds: with no pause xinetd's listen queue of 64 would overflow, not xinetd. */
const STAGGER = 5;

const { host, port, from, each, again } = JSON.parse(await textOf(process.stdin)) as Holding;
let held = 0;
setInterval(() => process.stdout.write(`${held}\n`), 1000);
const all = Array.from({ length: each }, () => from).flat();
await Promise.all(
  all.map(async (localAddress, place) => {
    await sleep(place * STAGGER);
    do {
      await hold(localAddress);
      if (again !== null) await sleep(again);
    } while (again !== null);
  }),
);

async function hold(localAddress: string): Promise<void> {
  const socket = connect({ host, port, localAddress });
  socket.on("data", () => undefined).on("error", () => undefined);
  socket.once("data", () => {
    held++;
    socket.once("close", () => held--);
  });
  await new Promise((resolve) => socket.once("close", resolve));
}
