/**
 * The simplest replicated state: how many entries were applied, and a hash over all of them in order. What the first node applied at an index
 * is the truth for ever.
 */
import type { Entry } from "../../raft/mod.ts";

export const EMPTY_CHAIN = 0x811c9dc5 | 0;

export function chained(chain: number, { term, kind, data }: Entry): number {
  let hash = Math.imul(chain ^ term, 0x01000193) ^ kind.length;
  for (let at = 0; at < data.length; at++) hash = Math.imul(hash ^ data[at]!, 0x01000193);
  return hash | 0;
}

/** Entries as they are handed round are the same objects; as they come back from a disk they are copies. */
export function sameEntry(a: Entry, b: Entry): boolean {
  if (a === b) return true;
  if (a.index !== b.index || a.term !== b.term || a.kind !== b.kind || a.data.length !== b.data.length) return false;
  return a.data.every((byte, at) => byte === b.data[at]);
}

/** A proposal that nobody else makes. */
export function commandOf(id: number, padding: number): Uint8Array {
  const data = new Uint8Array(4 + padding);
  data[0] = id;
  data[1] = id >> 8;
  data[2] = id >> 16;
  return data;
}

/** State after `index`, for a snapshot. */
export function encodeState(index: number, chain: number): Uint8Array {
  const data = new Uint8Array(8);
  for (let at = 0; at < 4; at++) {
    data[at] = index >>> (8 * at);
    data[4 + at] = chain >>> (8 * at);
  }
  return data;
}

export function decodeState(data: Uint8Array): { readonly index: number; readonly state: number } {
  const int32 = (at: number): number => data[at]! | data[at + 1]! << 8 | data[at + 2]! << 16 | data[at + 3]! << 24;
  return { index: int32(0), state: int32(4) };
}
