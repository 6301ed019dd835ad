// What is in Bun's program, and under which licences: what Bun's own LICENSE.md names, and what else its build links.

/** A part of Bun: its name, its licence (SPDX), where its source is, and how Bun's process.versions calls it if it is there. */
export interface Part {
  readonly name: string;
  readonly licence: string;
  readonly source: string;
  readonly inVersions?: string;
}

const github = (name: string, licence: string, repository: string, inVersions?: string): Part => ({
  name,
  licence,
  source: `https://github.com/${repository}`,
  ...(inVersions !== undefined && { inVersions }),
});

export const PARTS_OF_BUN: readonly Part[] = [
  github("JavaScriptCore and WebCore (WebKit)", "LGPL-2.0-or-later", "oven-sh/WebKit", "webkit"),
  {
    name: "BoringSSL",
    licence: "Apache-2.0 AND ISC AND OpenSSL",
    source: "https://boringssl.googlesource.com/boringssl",
    inVersions: "boringssl",
  },
  github("Brotli", "MIT", "google/brotli"),
  github("libarchive", "BSD-2-Clause", "libarchive/libarchive", "libarchive"),
  github("lol-html", "BSD-3-Clause", "cloudflare/lol-html", "lolhtml"),
  github("ls-hpack", "MIT", "litespeedtech/ls-hpack", "lshpack"),
  github("ls-qpack", "MIT", "litespeedtech/ls-qpack"),
  github("lsquic", "MIT AND BSD-3-Clause", "litespeedtech/lsquic"),
  github("mimalloc", "MIT", "microsoft/mimalloc", "mimalloc"),
  github("picohttpparser", "MIT", "h2o/picohttpparser", "picohttpparser"),
  github("Zstandard", "BSD-3-Clause", "facebook/zstd", "zstd"),
  github("simdutf", "Apache-2.0", "simdutf/simdutf"),
  github("TinyCC", "LGPL-2.1-only", "tinycc/tinycc", "tinycc"),
  github("uSockets", "Apache-2.0", "uNetworking/uSockets", "usockets"),
  github("uWebSockets", "Apache-2.0", "jarred-sumner/uwebsockets", "uwebsockets"),
  github("zlib-ng", "Zlib", "zlib-ng/zlib-ng", "zlib"),
  github("c-ares", "MIT", "c-ares/c-ares", "ares"),
  github("ICU", "Unicode-3.0", "unicode-org/icu", "icu"),
  github("base64", "BSD-2-Clause", "aklomp/base64"),
  github("libdeflate", "MIT", "ebiggers/libdeflate", "libdeflate"),
  github("libjpeg-turbo", "BSD-3-Clause AND IJG AND Zlib", "libjpeg-turbo/libjpeg-turbo"),
  github("libspng", "BSD-2-Clause", "randy408/libspng"),
  github("libwebp", "BSD-3-Clause", "webmproject/libwebp"),
  github("Highway", "Apache-2.0", "google/highway"),
  github("uucode", "MIT", "jacobsandlund/uucode"),
  github("TigerBeetle (parts)", "Apache-2.0", "tigerbeetle/tigerbeetle"),
  github("SQLite", "blessing", "sqlite/sqlite", "sqlite"),
  github("llhttp", "MIT", "nodejs/llhttp", "llhttp"),
  github("HdrHistogram_c", "BSD-2-Clause", "HdrHistogram/HdrHistogram_c"),
  github("Rust's standard library", "MIT", "rust-lang/rust"),
  github("rust-argon2", "MIT", "sru-systems/rust-argon2"),
  github("Lightning CSS (ported parts)", "MPL-2.0", "parcel-bundler/lightningcss"),
  github("libc++abi (parts)", "Apache-2.0 WITH LLVM-exception", "llvm/llvm-project"),
  github("esbuild (ported parts)", "MIT", "evanw/esbuild"),
  github("acorn, and the browserify packages that stand in for parts of Node.js", "MIT", "acornjs/acorn"),
];

/** For people: Bun's licence, and those of what it links. */
export function licencesOfBun(): string {
  const rows = PARTS_OF_BUN.map(({ name, licence, source }) => `  ${name}: ${licence}\n    ${source}\n`);
  return `The executable holds Bun (https://github.com/oven-sh/bun), under the MIT licence, and what Bun links:

${rows.join("")}
The LGPL's parts can be exchanged: Bun's source and its WebKit are public, and its scripts build the program anew from changed
ones. "npm run standalone" of csync2rev's source compiles with such a Bun in the place of the one in .cache/bun.
`;
}
