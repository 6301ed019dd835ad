import { createHash } from "node:crypto";
import { existsSync, lstatSync, readFileSync, readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";

/** Each path below a directory with what is there: kind, mode and content's hash, or a link's target. */
export type Tree = Map<string, string>;

/**
 * Reads a directory into a {@link Tree}, for comparing it with another one; a missing directory is an empty tree. What vanishes while it
 * is read is not in it.
 */
export function treeOf(directory: string): Tree {
  const tree: Tree = new Map();
  const visit = (folder: string): void => {
    for (const name of readdirSync(join(directory, folder)).sort()) {
      const path = join(folder, name);
      const real = join(directory, path);
      try {
        const stat = lstatSync(real);
        const mode = (stat.mode & 0o7777).toString(8).padStart(4, "0");
        if (stat.isSymbolicLink()) tree.set(path, `link ${readlinkSync(real)}`);
        else if (stat.isFile())
          tree.set(path, `file ${mode} ${createHash("sha256").update(readFileSync(real)).digest("hex")}`);
        else tree.set(path, `${stat.isDirectory() ? "directory" : "special"} ${mode}`);
        if (stat.isDirectory()) visit(path);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
        tree.delete(path);
      }
    }
  };
  if (existsSync(directory)) visit("");
  return tree;
}
