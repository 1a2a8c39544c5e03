/** Which partition of an internal topic a key belongs to. Must give what Kafka gives, because tools compute it too. */

const INT32_MIN = -(2 ** 31);

/** The absolute value of Java's `String.hashCode` over UTF-16 units (0 for the one that has none), modulo `partitionCount`. */
export function partitionFor(key: string, partitionCount: number): number {
  let hash = 0;
  for (let i = 0; i < key.length; i++) hash = (Math.imul(hash, 31) + key.charCodeAt(i)) | 0;
  return (hash === INT32_MIN ? 0 : Math.abs(hash)) % partitionCount;
}
