/** Bytes in pieces, as they are given to a write. */

export function lengthOf(chunks: readonly Uint8Array[]): number {
  let length = 0;
  for (const chunk of chunks) length += chunk.length;
  return length;
}

/** @param count none if it is not positive. */
export function firstBytes(chunks: readonly Uint8Array[], count: number): readonly Uint8Array[] {
  const first: Uint8Array[] = [];
  let left = count;
  for (const chunk of chunks) {
    if (left <= 0) break;
    first.push(chunk.length <= left ? chunk : chunk.subarray(0, left));
    left -= chunk.length;
  }
  return first;
}
