/**
 * Decompression of bytes from a peer (HAZARDS N5): damaged streams, and bombs of every codec. The output is within the cap, or the stream is
 * refused with one of two errors; on the loop and off it the same. What is whole comes back as it was.
 */
import { gzipSync, zstdCompressSync } from "node:zlib";
import {
  compress,
  COMPRESSION_TYPES,
  type CompressionType,
  CorruptRecords,
  decompress,
  decompressAsync,
  DecompressionLimitExceeded,
} from "../../../lib/protocol/records/mod.ts";
import type { Draws } from "../../../lib/sim/random.ts";
import { mutate, overwritten, spliced } from "../mutate.ts";
import { type Input, must, type Target } from "../target.ts";

const CODECS = COMPRESSION_TYPES.filter((codec) => codec !== "none");
const CAPS = [1, 100, 4_096, 65_536, 1 << 20];
const BOMB_BYTES = 16 << 20;
/** zlib gives its output in pieces of this size at least. */
const PIECE_BYTES = 64 * 1024;

const bombs = new Map<CompressionType, Uint8Array>();

export const codecs: Target = { name: "codecs", inputsInTest: 600, generate, check };

function generate(draws: Draws): Input {
  const codec = draws.pick(CODECS);
  const about = { codec, cap: draws.pick(CAPS), off: draws.chance(0.05) ? 1 : 0, whole: 0 };
  const payload = somePayload(draws);
  switch (draws.below(8)) {
    case 0:
      return { about: { ...about, whole: 1, cap: CAPS.at(-1)! }, bytes: payload };
    case 1:
      return { about, bytes: bombOf(codec) };
    case 2:
      // A bomb inside of a bomb is only opened once; one behind the other must not escape the cap.
      return { about, bytes: draws.chance(0.5) ? compress(codec, bombOf(codec)) : spliced(bombOf(codec), 0, 0, bombOf(codec)) };
    case 3:
      return { about, bytes: overwritten(bombOf(codec), draws.below(24), draws.bytes(1 + draws.below(4))) };
    case 4:
      return { about, bytes: foreign(codec, payload, draws) };
    default:
      return { about, bytes: mutate(compress(codec, payload), draws) };
  }
}

function somePayload(draws: Draws): Uint8Array {
  const length = Math.floor(draws.skewed(1, 70_000));
  if (draws.chance(0.3)) return draws.bytes(length);
  const word = draws.bytes(1 + draws.below(40));
  return new Uint8Array(length).map((_, i) => word[i % word.length]! + (i % 97 === 0 ? 1 : 0));
}

function bombOf(codec: CompressionType): Uint8Array {
  let bomb = bombs.get(codec);
  if (bomb === undefined) bombs.set(codec, bomb = compress(codec, new Uint8Array(BOMB_BYTES)).slice());
  return bomb;
}

/** Streams that other writers make of the same bytes, damaged. */
function foreign(codec: CompressionType, payload: Uint8Array, draws: Draws): Uint8Array {
  if (codec === "gzip") return mutate(new Uint8Array(gzipSync(payload, { level: draws.below(10) })), draws);
  if (codec === "zstd") return mutate(new Uint8Array(zstdCompressSync(payload)), draws, 1);
  return mutate(draws.bytes(draws.below(60)), draws);
}

function check({ about, bytes }: Input): void | Promise<void> {
  const codec = about["codec"] as CompressionType;
  const cap = Number(about["cap"]);
  if (about["whole"] === 1) {
    const back = decompress(codec, compress(codec, bytes), bytes.length);
    return must(Buffer.from(back).equals(bytes), "What was compressed does not come back");
  }
  const now = outcome(() => decompress(codec, bytes, cap));
  if (now instanceof Uint8Array) {
    must(now.length <= cap, () => `${now.length} bytes came out where ${cap} are allowed`);
    must(now.buffer.byteLength <= 2 * cap + PIECE_BYTES, () => `${now.buffer.byteLength} bytes were taken where ${cap} are allowed`);
  }
  if (about["off"] !== 1) return;
  return decompressAsync(codec, bytes, cap).then((later) => later, known).then((later) => {
    // What is damaged and too large is refused for whichever shows first.
    const same = now instanceof Uint8Array ? later instanceof Uint8Array && Buffer.from(now).equals(later) : later instanceof Error;
    must(same, () => `On the loop ${described(now)}, off it ${described(later)}`);
  });
}

function outcome(work: () => Uint8Array): Uint8Array | Error {
  try {
    return work();
  } catch (error) {
    return known(error);
  }
}

function known(error: unknown): Error {
  if (error instanceof CorruptRecords || error instanceof DecompressionLimitExceeded) return error;
  throw error;
}

const described = (outcome: Uint8Array | Error): string => outcome instanceof Error ? outcome.message : `${outcome.length} bytes`;
