/** Damage to bytes, in the ways that break decoders: bits, lengths at the ends of their types, holes, repetitions, ends that are missing. */
import type { Draws } from "../../lib/sim/random.ts";

/** Lengths and counts at the ends of their types, as int16, int32, int64 and varints, and small ones beside zero. */
export const BOUNDARIES: readonly Uint8Array[] = [
  [255, 255, 255, 255],
  [127, 255, 255, 255],
  [128, 0, 0, 0],
  [255, 255, 255, 254],
  [0, 0, 0, 0],
  [0, 15, 66, 64],
  [0, 15, 66, 65],
  [255, 255],
  [127, 255],
  [128, 0],
  [0],
  [1],
  [2],
  [127],
  [128],
  [255],
  [255, 255, 255, 255, 15],
  [255, 255, 255, 255, 31],
  [128, 128, 128, 128, 8],
  [128, 128, 128, 128, 0],
  [129, 0],
  [255, 255, 255, 255, 255, 255, 255, 255, 255, 1],
  [255, 255, 255, 255, 255, 255, 255, 255, 255, 127],
  [127, 255, 255, 255, 255, 255, 255, 255],
  [128, 0, 0, 0, 0, 0, 0, 0],
].map((bytes) => Uint8Array.from(bytes));

/** `count` times damaged; most of it is still what it was. */
export function mutate(bytes: Uint8Array, draws: Draws, count = 1 + draws.below(4)): Uint8Array {
  let now = bytes;
  for (; count > 0; count--) now = mutateOnce(now, draws);
  return now;
}

function mutateOnce(bytes: Uint8Array, draws: Draws): Uint8Array {
  const at = draws.below(bytes.length + 1);
  switch (draws.below(9)) {
    case 0:
      return bytes.length === 0 ? bytes : bytes.with(draws.below(bytes.length), draws.below(256));
    case 1: {
      if (bytes.length === 0) return bytes;
      const flipped = bytes.slice();
      flipped[draws.below(bytes.length)]! ^= 1 << draws.below(8);
      return flipped;
    }
    case 2:
    case 3:
      return overwritten(bytes, at, draws.pick(BOUNDARIES));
    case 4:
      return spliced(bytes, at, 0, draws.chance(0.5) ? draws.pick(BOUNDARIES) : draws.bytes(1 + draws.below(8)));
    case 5:
      return spliced(bytes, at, someLength(bytes.length - at, draws), new Uint8Array(0));
    case 6:
      return bytes.slice(0, at);
    case 7: {
      const repeated = bytes.subarray(at, at + someLength(bytes.length - at, draws));
      return spliced(bytes, draws.below(bytes.length + 1), 0, repeated);
    }
    default:
      return spliced(bytes, bytes.length, 0, draws.chance(0.5) ? new Uint8Array(1 + draws.below(16)) : draws.bytes(1 + draws.below(16)));
  }
}

/** Short ones mostly. */
const someLength = (most: number, draws: Draws): number => Math.floor(most * draws.float() ** 4);

export function overwritten(bytes: Uint8Array, at: number, patch: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  copy.set(patch.subarray(0, Math.max(0, bytes.length - at)), Math.min(at, bytes.length));
  return copy;
}

export function spliced(bytes: Uint8Array, at: number, drop: number, put: Uint8Array): Uint8Array {
  const made = new Uint8Array(bytes.length - drop + put.length);
  made.set(bytes.subarray(0, at));
  made.set(put, at);
  made.set(bytes.subarray(at + drop), at + put.length);
  return made;
}
