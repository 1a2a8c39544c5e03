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
  return new Uint8Array(Int32Array.of(index, chain).buffer);
}

export function decodeState(data: Uint8Array): { readonly index: number; readonly state: number } {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  return { index: view.getInt32(0, true), state: view.getInt32(4, true) };
}
