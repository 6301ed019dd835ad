// Takes the place of csync2 on a hostile member: one that `is-silent`, one that `trickles` (it answers a command, and sends a
// byte of a file's signature or a row of its list, each half second), and one whose list is `endless`, or `endless-long` with long names.
import { createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const [manner = ""] = process.argv.slice(2);

const OK = "OK (cmd_finished).\n";
/** As daemon.c has it: the peer's record, none here, and the signature of its file. */
const SIGNATURE = "OK (data_follows).\n---\noctet-stream 1000000\n";

async function answer(socket: Socket, command: string): Promise<void> {
  const lists = command.startsWith("LIST ");
  if (manner === "trickles") await sleep(500);
  if (lists && manner.startsWith("endless")) await shout(socket);
  else if (lists || command.startsWith("SIG ")) {
    if (!lists) socket.write(SIGNATURE);
    for (let i = 0; !socket.destroyed; i++) {
      socket.write(lists ? row(i) : "x");
      await sleep(500);
    }
  } else socket.write(OK);
}

/** Sends rows, in no order, as fast as they are taken. */
async function shout(socket: Socket): Promise<void> {
  for (let i = 0; !socket.destroyed; i += 1_000) {
    const rows = Array.from({ length: 1_000 }, (_, j) => row(i + j));
    if (!socket.write(rows.join("")))
      await new Promise((resolve) => socket.once("drain", resolve).once("close", resolve));
  }
}

function row(i: number): string {
  // Almost as long as csync2 takes, and three times as long in the database.
  const long = manner === "endless-long" ? `${"'".repeat(1850)}/` : "";
  const name = long + String(i).split("").reverse().join("");
  return `v1%3Amtime=1%3Amode=33188%3Auid=0%3Agid=0%3Atype=reg%3Asize=1\t/srv/data/no/such/${name}\n`;
}

async function serve(socket: Socket): Promise<void> {
  let unanswered = "";
  for await (const chunk of socket) {
    unanswered += String(chunk);
    for (let end = unanswered.indexOf("\n"); end !== -1; end = unanswered.indexOf("\n")) {
      const command = unanswered.slice(0, end);
      unanswered = unanswered.slice(end + 1);
      await answer(socket, command);
    }
  }
}

createServer((socket) => {
  socket.on("error", () => socket.destroy());
  if (manner === "is-silent") socket.resume();
  else serve(socket).catch(() => socket.destroy());
}).listen(30865, () => {
  process.stdout.write("listening\n");
});
