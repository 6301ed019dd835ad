// What is in Bun's program, and under which licences, as Bun's own LICENSE.md names them.

/** A part of Bun: its name, its licence (SPDX), and where its source is. */
export interface Part {
  readonly name: string;
  readonly licence: string;
  readonly source: string;
}

const github = (name: string, licence: string, repository: string): Part => ({
  name,
  licence,
  source: `https://github.com/${repository}`,
});

export const PARTS_OF_BUN: readonly Part[] = [
  github("JavaScriptCore and WebCore (WebKit)", "LGPL-2.0-or-later", "oven-sh/WebKit"),
  {
    name: "BoringSSL",
    licence: "Apache-2.0 AND ISC AND OpenSSL",
    source: "https://boringssl.googlesource.com/boringssl",
  },
  github("Brotli", "MIT", "google/brotli"),
  github("libarchive", "BSD-2-Clause", "libarchive/libarchive"),
  github("lol-html", "BSD-3-Clause", "cloudflare/lol-html"),
  github("ls-hpack", "MIT", "litespeedtech/ls-hpack"),
  github("ls-qpack", "MIT", "litespeedtech/ls-qpack"),
  github("lsquic", "MIT AND BSD-3-Clause", "litespeedtech/lsquic"),
  github("mimalloc", "MIT", "microsoft/mimalloc"),
  github("picohttpparser", "MIT", "h2o/picohttpparser"),
  github("Zstandard", "BSD-3-Clause", "facebook/zstd"),
  github("simdutf", "Apache-2.0", "simdutf/simdutf"),
  github("TinyCC", "LGPL-2.1-only", "tinycc/tinycc"),
  github("uSockets", "Apache-2.0", "uNetworking/uSockets"),
  github("uWebSockets", "Apache-2.0", "jarred-sumner/uwebsockets"),
  github("zlib-ng", "Zlib", "zlib-ng/zlib-ng"),
  github("c-ares", "MIT", "c-ares/c-ares"),
  github("ICU", "Unicode-3.0", "unicode-org/icu"),
  github("base64", "BSD-2-Clause", "aklomp/base64"),
  github("libdeflate", "MIT", "ebiggers/libdeflate"),
  github("libjpeg-turbo", "BSD-3-Clause AND IJG AND Zlib", "libjpeg-turbo/libjpeg-turbo"),
  github("libspng", "BSD-2-Clause", "randy408/libspng"),
  github("libwebp", "BSD-3-Clause", "webmproject/libwebp"),
  github("Highway", "Apache-2.0", "google/highway"),
  github("uucode", "MIT", "jacobsandlund/uucode"),
  github("TigerBeetle (parts)", "Apache-2.0", "tigerbeetle/tigerbeetle"),
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
