import { join } from "node:path";

const DIST = join(import.meta.dirname, "../../dist");

/** Whether the tests are of the standalone executable, as `npm run test:standalone` has it, and not of the bundle for Node.js. */
export const STANDALONE = process.env["CSYNC2REV_TEST"] === "standalone";

/** The program that the tests start: of what was built last. */
export const PROGRAM = join(DIST, STANDALONE ? `csync2rev-linux-${process.arch}` : "csync2rev.cjs");

/** The command that starts it on this machine. */
export const COMMAND: readonly [string, ...string[]] = STANDALONE ? [PROGRAM] : [process.execPath, PROGRAM];
