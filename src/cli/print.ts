import { Csync2revError } from "../errors.ts";

/**
 * Writes to standard output, and waits until all of it has left.
 * Throws `system` if it cannot be written: somebody relies on this output.
 */
export async function print(text: string): Promise<void> {
  if (text === "") return;
  const { stdout } = process;
  await new Promise<void>((resolve, reject) => {
    const failed = (cause: NodeJS.ErrnoException): void => {
      const why = `cannot write to standard output: ${cause.code ?? cause.message}`;
      reject(new Csync2revError("system", why, { cause }));
    };
    stdout.once("error", failed);
    stdout.write(text, (error) => {
      if (error) failed(error);
      else resolve();
    });
  });
}
