import { join } from "node:path";
import { debianPackages } from "../cluster/cluster.ts";

/**
 * The command that starts a program under Debian's qemu-user.
 * @param machine the processor's name in qemu's
 * @param args qemu's options, the program and its own
 * @param variables what the program gets beside the environment, each as NAME=value
 */
export async function underQemu(
  machine: string,
  args: readonly string[],
  variables: readonly string[] = [],
): Promise<readonly string[]> {
  const libraries = join(await qemu(), `lib/${process.arch === "x64" ? "x86_64" : "aarch64"}-linux-gnu`);
  const env = [`LD_LIBRARY_PATH=${libraries}`, ...variables];
  return ["env", ...env, join(await qemu(), `bin/qemu-${machine}`), "-U", "LD_LIBRARY_PATH", ...args];
}

/** The same for a program for arm64, with that platform's C library. */
export async function underArm64(
  args: readonly string[],
  variables: readonly string[] = [],
): Promise<readonly string[]> {
  const root = join(await qemu(), "aarch64-linux-gnu");
  return await underQemu("aarch64", ["-L", root, ...args], variables);
}

/** Where qemu-user and arm64's C library are unpacked. */
async function qemu(): Promise<string> {
  return join(await debianPackages(["qemu-user", "libc6-arm64-cross"]), "usr");
}
