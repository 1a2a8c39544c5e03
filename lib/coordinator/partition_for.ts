/** Which partition of an internal topic a key belongs to. Must give what Java gives, because clients and tools compute it too. */

/** Java's `String.hashCode` over UTF-16 units, its sign bit cleared, modulo `partitionCount` (at least 1). */
export function partitionFor(key: string, partitionCount: number): number {
  let hash = 0;
  for (let i = 0; i < key.length; i++) hash = (Math.imul(hash, 31) + key.charCodeAt(i)) | 0;
  return (hash & 0x7fff_ffff) % partitionCount;
}
