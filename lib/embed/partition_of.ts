/** Where Kafka's clients put a record with a key: murmur2 of it, as the Java producer computes it. Knows nothing of partitions but their count. */

const SEED = 0x9747b28c;
const FACTOR = 0x5bd1e995;

/** @param count at least 1. */
export function partitionOf(key: Uint8Array, count: number): number {
  return (murmur2(key) & 0x7fffffff) % count;
}

/** Austin Appleby's hash in 32 bits, with the seed of Kafka. */
function murmur2(bytes: Uint8Array): number {
  const { length } = bytes;
  let hash = SEED ^ length;
  let at = 0;
  for (; at + 4 <= length; at += 4) {
    let word = Math.imul(bytes[at]! | bytes[at + 1]! << 8 | bytes[at + 2]! << 16 | bytes[at + 3]! << 24, FACTOR);
    word = Math.imul(word ^ word >>> 24, FACTOR);
    hash = Math.imul(hash, FACTOR) ^ word;
  }
  const left = length - at;
  if (left > 0) {
    for (let i = left - 1; i >= 0; i--) hash ^= bytes[at + i]! << 8 * i;
    hash = Math.imul(hash, FACTOR);
  }
  hash = Math.imul(hash ^ hash >>> 13, FACTOR);
  return hash ^ hash >>> 15;
}
