/** The part of Bun's foreign function interface that is needed. */
declare module "bun:ffi" {
  type Type = "i32" | "u32" | "u64" | "ptr";
  interface Declaration {
    readonly args: readonly Type[];
    readonly returns: Type;
  }
  /** A pointer, as a number, or the memory of a buffer. */
  type Argument = number | Uint8Array;
  export function dlopen<const Names extends Readonly<Record<string, Declaration>>>(
    library: string,
    declarations: Names,
  ): { readonly symbols: { readonly [Name in keyof Names]: (...args: readonly Argument[]) => number } };
  export const read: { i32(pointer: number, offset: number): number };
}
