/**
 * The codecs of record batches. Every decoder has a limit on its output that it enforces before it allocates (HAZARDS N5). gzip and zstd come
 * from node:zlib, whose `maxOutputLength` holds; Bun's own functions of the same purpose ignore it. It is loaded with the first of them: with all
 * its streams it takes longer than the rest of a start.
 */
import { once } from "../../once.ts";
import type { CompressionType } from "../batch.ts";
import { CorruptRecords, DecompressionLimitExceeded } from "../errors.ts";
import { compressLz4, decompressLz4 } from "./lz4.ts";
import { compressSnappy, decompressSnappy } from "./snappy.ts";

const zlib = once(() => require("node:zlib") as typeof import("node:zlib"));

export function compress(codec: CompressionType, bytes: Uint8Array): Uint8Array {
  switch (codec) {
    case "none":
      return bytes;
    case "gzip":
      return zlib().gzipSync(bytes);
    case "snappy":
      return compressSnappy(bytes);
    case "lz4":
      return compressLz4(bytes);
    case "zstd":
      return zlib().zstdCompressSync(bytes);
  }
}

/** node:zlib's refusals in our words. */
function translated(codec: string, maxOutputBytes: number, cause: unknown): Error {
  const code = (cause as { code?: unknown }).code;
  if (code === "ERR_BUFFER_TOO_LARGE") return new DecompressionLimitExceeded(codec, maxOutputBytes);
  return new CorruptRecords(`Cannot decompress ${codec}: the stream is malformed`, { cause });
}

/**
 * A zstd stream that was cut comes out short or empty without an error: the runtime does not tell. Whoever reads records out of the output
 * counts them anyway.
 * @throws {CorruptRecords} @throws {DecompressionLimitExceeded}
 */
export function decompress(codec: CompressionType, bytes: Uint8Array, maxOutputBytes: number): Uint8Array {
  switch (codec) {
    case "none":
      return bytes;
    case "snappy":
      return decompressSnappy(bytes, maxOutputBytes);
    case "lz4":
      return decompressLz4(bytes, maxOutputBytes);
    case "gzip":
    case "zstd":
      try {
        return (codec === "gzip" ? zlib().gunzipSync : zlib().zstdDecompressSync)(bytes, { maxOutputLength: maxOutputBytes });
      } catch (cause) {
        throw translated(codec, maxOutputBytes, cause);
      }
  }
}

/** The same off the loop where the codec can: gzip and zstd run on the thread pool. Meant as a job of `Io.cpu`. */
export function decompressAsync(codec: CompressionType, bytes: Uint8Array, maxOutputBytes: number): Promise<Uint8Array> {
  if (codec !== "gzip" && codec !== "zstd") return Promise.resolve().then(() => decompress(codec, bytes, maxOutputBytes));
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, output: Uint8Array) => {
      if (error) reject(translated(codec, maxOutputBytes, error));
      else resolve(output);
    };
    const options = { maxOutputLength: maxOutputBytes };
    if (codec === "gzip") zlib().gunzip(bytes, options, done);
    else zlib().zstdDecompress(bytes, options, done);
  });
}
