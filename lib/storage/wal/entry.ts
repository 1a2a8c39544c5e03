/**
 * The entries of a commit round: what happened to logs and to Raft, in order. Written into a growing buffer, read back one by one.
 * Says nothing about what an entry means for a log.
 */
import {
  crc32c,
  forEachBatch,
  hasValidCrc,
  LOG_OVERHEAD_BYTES,
  readInt32,
  readInt64,
  wholeBatchAt,
  writeInt32,
  writeInt64,
} from "../../protocol/records/mod.ts";
import type { NodeId, Uuid } from "../../protocol/ids.ts";
import { UUID_BYTES, uuidFromBytes } from "../../protocol/wire/mod.ts";
import type { LogChange } from "../log/log_state.ts";
import type { Entry, HardState } from "../../raft/types.ts";

const APPEND = 1, LOG_START = 2, TRUNCATE = 3, DELETE = 4, SWAP = 5, HARD_STATE = 6, RAFT_ENTRY = 7;
const RAFT_KINDS = ["noop", "command", "membership"] as const;
/** Base offset, length, epoch, magic and checksum: what a batch's own checksum does not cover, and itself. */
const BATCH_PREFIX_BYTES = LOG_OVERHEAD_BYTES + 9;
const LOG_ID_BYTES = UUID_BYTES + 4;

export type WalEntry =
  | { readonly kind: "append"; readonly topicId: Uuid; readonly partition: number; readonly baseOffset: number; readonly bytes: Uint8Array }
  | { readonly kind: "logStart" | "truncate"; readonly topicId: Uuid; readonly partition: number; readonly offset: number }
  | { readonly kind: "delete"; readonly topicId: Uuid; readonly partition: number }
  /** Compaction wrote a new segment that takes the place of `replaced` (their base offsets). */
  | {
    readonly kind: "swap";
    readonly topicId: Uuid;
    readonly partition: number;
    readonly replaced: readonly number[];
    readonly segment: string;
  }
  | { readonly kind: "hardState"; readonly hardState: HardState }
  | { readonly kind: "raftEntry"; readonly entry: Entry };

/** Topic id and partition as bytes, made once per log. */
export type LogIdBytes = Uint8Array;

/** Checksum over what the batches' own checksums leave out, and over those: pins the batches to the entry. */
export function headersCrcOf(bytes: Uint8Array): number {
  let crc = 0;
  for (let at = 0, size; (size = wholeBatchAt(bytes, at)) > 0; at += size) crc = crc32c(bytes, at, at + BATCH_PREFIX_BYTES, crc);
  return crc;
}

/** Entries written one after the other into memory that is reused. */
export class EntryBuffer {
  #bytes: Uint8Array;
  #length: number;
  readonly #reserved: number;

  /** @param reserved bytes left free in front, for the frame's header. */
  constructor(reserved: number) {
    this.#bytes = new Uint8Array(4096);
    this.#reserved = reserved;
    this.#length = reserved;
  }

  /** Bytes of the entries. */
  get length(): number {
    return this.#length - this.#reserved;
  }

  /** The reserved bytes and the entries. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Bytes of memory that it occupies. */
  get capacity(): number {
    return this.#bytes.length;
  }

  clear(): void {
    this.#length = this.#reserved;
  }

  append(log: LogIdBytes, baseOffset: number, byteLength: number, headersCrc: number): void {
    const at = this.#begin(APPEND, log, 16);
    writeInt64(this.#bytes, at, baseOffset);
    writeInt32(this.#bytes, at + 8, byteLength);
    writeInt32(this.#bytes, at + 12, headersCrc);
  }

  change(log: LogIdBytes, change: LogChange): void {
    if (change.kind === "swap") return this.#swap(log, change.replaced, change.segment);
    const at = this.#begin(change.kind === "logStart" ? LOG_START : TRUNCATE, log, 8);
    writeInt64(this.#bytes, at, change.offset);
  }

  delete(log: LogIdBytes): void {
    this.#begin(DELETE, log, 0);
  }

  #swap(log: LogIdBytes, replaced: readonly number[], segment: string): void {
    const text = new TextEncoder().encode(segment);
    let at = this.#begin(SWAP, log, 8 + replaced.length * 8 + text.length);
    writeInt32(this.#bytes, at, replaced.length);
    writeInt32(this.#bytes, at + 4, text.length);
    at += 8;
    for (const base of replaced) {
      writeInt64(this.#bytes, at, base);
      at += 8;
    }
    this.#bytes.set(text, at);
  }

  hardState({ term, votedFor, commit }: HardState): void {
    const at = this.#grow(21);
    this.#bytes[at] = HARD_STATE;
    writeInt64(this.#bytes, at + 1, term);
    writeInt32(this.#bytes, at + 9, votedFor ?? -1);
    writeInt64(this.#bytes, at + 13, commit);
  }

  raftEntry({ index, term, kind, data }: Entry): void {
    const at = this.#grow(22 + data.length);
    this.#bytes[at] = RAFT_ENTRY;
    writeInt64(this.#bytes, at + 1, index);
    writeInt64(this.#bytes, at + 9, term);
    this.#bytes[at + 17] = RAFT_KINDS.indexOf(kind);
    writeInt32(this.#bytes, at + 18, data.length);
    this.#bytes.set(data, at + 22);
  }

  /** Entries of another buffer, as they are. */
  copy(entries: Uint8Array): void {
    // First grow, then look at the bytes: growing replaces them.
    const at = this.#grow(entries.length);
    this.#bytes.set(entries, at);
  }

  #begin(kind: number, log: LogIdBytes, rest: number): number {
    const at = this.#grow(1 + LOG_ID_BYTES + rest);
    this.#bytes[at] = kind;
    this.#bytes.set(log, at + 1);
    return at + 1 + LOG_ID_BYTES;
  }

  #grow(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
      larger.set(this.#bytes.subarray(0, at));
      this.#bytes = larger;
    }
    return at;
  }
}

/** Whether every entry and every batch is what was written: nothing of a damaged frame may be applied. */
export function areValidEntries(entries: Uint8Array, batches: Uint8Array): boolean {
  return walk(entries, batches, true, () => {});
}

/** Calls `visit` for each entry of a valid frame, in order. `batches` are the bytes behind the entries, of which views are given out. */
export function forEachEntry(entries: Uint8Array, batches: Uint8Array, visit: (entry: WalEntry) => void): void {
  walk(entries, batches, false, visit);
}

function walk(entries: Uint8Array, batches: Uint8Array, check: boolean, visit: (entry: WalEntry) => void): boolean {
  let at = 0;
  let batchesAt = 0;
  const left = (count: number): boolean => at + count <= entries.length;
  while (at < entries.length) {
    const kind = entries[at++]!;
    if (kind === HARD_STATE) {
      if (!left(20)) return false;
      const votedFor = readInt32(entries, at + 8);
      const hardState = {
        term: readInt64(entries, at),
        votedFor: votedFor < 0 ? null : votedFor as NodeId,
        commit: readInt64(entries, at + 12),
      };
      visit({ kind: "hardState", hardState });
      at += 20;
      continue;
    }
    if (kind === RAFT_ENTRY) {
      if (!left(21)) return false;
      const length = readInt32(entries, at + 17);
      const raftKind = RAFT_KINDS[entries[at + 16]!];
      if (length < 0 || !left(21 + length) || raftKind === undefined) return false;
      const data = entries.slice(at + 21, at + 21 + length);
      visit({ kind: "raftEntry", entry: { index: readInt64(entries, at), term: readInt64(entries, at + 8), kind: raftKind, data } });
      at += 21 + length;
      continue;
    }
    if (!left(LOG_ID_BYTES)) return false;
    const topicId = uuidFromBytes(entries.subarray(at, at + UUID_BYTES));
    const partition = readInt32(entries, at + UUID_BYTES);
    at += LOG_ID_BYTES;
    if (kind === APPEND) {
      if (!left(16)) return false;
      const length = readInt32(entries, at + 8);
      if (length < 0 || batchesAt + length > batches.length) return false;
      const bytes = batches.subarray(batchesAt, batchesAt + length);
      if (check && !areBatches(bytes, readInt32(entries, at + 12) >>> 0)) return false;
      visit({ kind: "append", topicId, partition, baseOffset: readInt64(entries, at), bytes });
      batchesAt += length;
      at += 16;
    } else if (kind === LOG_START || kind === TRUNCATE) {
      if (!left(8)) return false;
      visit({ kind: kind === LOG_START ? "logStart" : "truncate", topicId, partition, offset: readInt64(entries, at) });
      at += 8;
    } else if (kind === DELETE) visit({ kind: "delete", topicId, partition });
    else if (kind === SWAP) {
      if (!left(8)) return false;
      const count = readInt32(entries, at);
      const length = readInt32(entries, at + 4);
      if (count < 0 || length < 0 || !left(8 + count * 8 + length)) return false;
      const replaced = Array.from({ length: count }, (_, index) => readInt64(entries, at + 8 + index * 8));
      const textAt = at + 8 + count * 8;
      const segment = new TextDecoder().decode(entries.subarray(textAt, textAt + length));
      visit({ kind: "swap", topicId, partition, replaced, segment });
      at = textAt + length;
    } else return false;
  }
  return batchesAt === batches.length;
}

function areBatches(bytes: Uint8Array, headersCrc: number): boolean {
  let valid = true;
  const end = forEachBatch(bytes, (at) => {
    valid &&= hasValidCrc(bytes, at);
  });
  return valid && end === bytes.length && headersCrcOf(bytes) === headersCrc;
}
