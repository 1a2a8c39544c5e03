/**
 * One look at the partitions of a fetch: what each can say at once, and the records of those that have some. Keeps Kafka's rules
 * of size: partitions in order, each up to its own maximum and to what is left of the reply, the first batch whole whatever its
 * size (KIP-74). Parks nothing and knows no session.
 */
import type { Lease } from "../io/buffers.ts";
import type { Deadline } from "../io/deadline.ts";
import type { KafkaErrorName } from "../protocol/errors.ts";
import type { Partition, PartitionRead, Reader } from "../replication/types.ts";
import type { EpochEnd } from "../storage/types.ts";
import { forEachBatch, lastOffsetOf } from "../protocol/records/mod.ts";
import { kafkaErrorOf } from "./error_mapping.ts";
import type { FetchOutcome, FetchTarget } from "./fetch_session.ts";

/** Reads under way at once for one fetch: enough to hide a thread's hop, few enough to leave the I/O pool to others. */
const READS_AT_ONCE = 4;

export interface FetchCandidate {
  readonly target: FetchTarget;
  readonly partition: Partition;
}

/** What the reply says of a partition. */
export interface FetchRow extends FetchOutcome {
  readonly lastStableOffset: number;
  readonly divergingEpoch: EpochEnd | null;
  readonly abortedTransactions: PartitionRead["abortedTransactions"];
  readonly chunks: readonly Uint8Array[];
}

export interface FetchLook {
  /** In the order of the candidates. */
  readonly rows: FetchRow[];
  readonly byteLength: number;
  /** Of the chunks of all rows: whoever has the look releases each once. */
  readonly leases: Lease[];
  /** Something that the client should hear without waiting: an error or a diverging log. */
  readonly urgent: boolean;
}

const NO_CHUNKS: readonly Uint8Array[] = [];

export function errorRow(target: FetchTarget, error: KafkaErrorName): FetchRow {
  return {
    target,
    error,
    highWatermark: -1,
    lastStableOffset: -1,
    logStartOffset: -1,
    byteLength: 0,
    diverging: false,
    divergingEpoch: null,
    abortedTransactions: null,
    chunks: NO_CHUNKS,
  };
}

/** The rows that need no disk; null where there are records to read. */
export function lookWithoutReading(candidates: readonly FetchCandidate[], reader: Reader): (FetchRow | null)[] {
  return candidates.map(({ target, partition }) => {
    const { fetchOffset } = target;
    const refused = partition.checkEpoch(target.currentLeaderEpoch);
    if (refused !== null) return errorRow(target, refused);
    if (target.lastFetchedEpoch >= 0) {
      const end = partition.epochEnd(target.lastFetchedEpoch);
      if (end.endOffset < 0 || end.leaderEpoch < 0 || fetchOffset < partition.logStartOffset) {
        return errorRow(target, "OFFSET_OUT_OF_RANGE");
      }
      if (end.leaderEpoch < target.lastFetchedEpoch || end.endOffset < fetchOffset) return quietRow(target, partition, reader, end);
    }
    if (fetchOffset < partition.logStartOffset || fetchOffset > partition.logEndOffset) return errorRow(target, "OFFSET_OUT_OF_RANGE");
    return partition.availableBytes(fetchOffset, reader) > 0 ? null : quietRow(target, partition, reader, null);
  });
}

/** The look when nothing may be read: who has records is told nothing of them yet. */
export function lookWithoutRecords(candidates: readonly FetchCandidate[], reader: Reader): FetchLook {
  const rows = lookWithoutReading(candidates, reader).map((row, at) =>
    row ?? quietRow(candidates[at]!.target, candidates[at]!.partition, reader, null)
  );
  return { rows, byteLength: 0, leases: [], urgent: rows.some(isUrgent) };
}

/** Reads what has records, up to `maxBytes` in all. The caller owns the leases of the result; failed reads become rows with errors. */
export async function readRecords(
  candidates: readonly FetchCandidate[],
  reader: Reader,
  maxBytes: number,
  deadline: Deadline,
): Promise<FetchLook> {
  const done = lookWithoutReading(candidates, reader);
  const leases: Lease[] = [];
  let left = maxBytes;
  let byteLength = 0;
  const open: number[] = [];
  for (let at = 0; at < done.length; at++) if (done[at] === null) open.push(at);

  for (let next = 0; next < open.length;) {
    if (left === 0 && byteLength > 0) {
      // The reply is full: the rest keeps its place in the session's order and comes first next time.
      for (const at of open.slice(next)) done[at] = quietRow(candidates[at]!.target, candidates[at]!.partition, reader, null);
      break;
    }
    // A wave is as many reads as are sure to fit together, so that reading them at once gives what one after the other would.
    const wave: Promise<FetchRow>[] = [];
    const from = next;
    let promised = 0;
    while (next < open.length && wave.length < READS_AT_ONCE) {
      const { target, partition } = candidates[open[next]!]!;
      const bytes = Math.min(target.maxBytes, left - promised);
      if (wave.length > 0 && bytes < target.maxBytes) break;
      const atLeastOne = byteLength === 0 && wave.length === 0;
      wave.push(readRow(target, partition, reader, Math.max(0, bytes), atLeastOne, leases, deadline));
      promised += bytes;
      next++;
    }
    for (const [index, row] of (await Promise.all(wave)).entries()) {
      done[open[from + index]!] = row;
      byteLength += row.byteLength;
      left = Math.max(0, left - row.byteLength);
    }
  }
  const all = done as FetchRow[];
  return { rows: all, byteLength, leases, urgent: all.some(isUrgent) };
}

/**
 * Whether there are records right behind those that were read: at the end of a segment, or beyond a maximum. Waiting for others to
 * come would then be wrong. Only asked when less than `min_bytes` was found, so it may walk over the batches.
 */
export function hasMore(look: FetchLook, candidates: readonly FetchCandidate[], reader: Reader): boolean {
  return look.byteLength > 0 && look.rows.some(({ target, chunks }, at) => {
    let next = target.fetchOffset;
    for (const chunk of chunks) forEachBatch(chunk, (batchAt) => next = lastOffsetOf(chunk, batchAt) + 1);
    return candidates[at]!.partition.availableBytes(next, reader) > 0;
  });
}

function isUrgent(row: FetchRow): boolean {
  return row.error !== null || row.diverging;
}

async function readRow(
  target: FetchTarget,
  partition: Partition,
  reader: Reader,
  maxBytes: number,
  atLeastOne: boolean,
  leases: Lease[],
  deadline: Deadline,
): Promise<FetchRow> {
  try {
    const read = await partition.read({ fetchOffset: target.fetchOffset, maxBytes, atLeastOne, reader }, deadline);
    if (read.records.byteLength > 0) leases.push(read.records.lease);
    return {
      target,
      error: null,
      highWatermark: read.highWatermark,
      lastStableOffset: read.lastStableOffset,
      logStartOffset: read.logStartOffset,
      byteLength: read.records.byteLength,
      diverging: false,
      divergingEpoch: null,
      abortedTransactions: read.abortedTransactions,
      chunks: read.records.chunks,
    };
  } catch (error) {
    return errorRow(target, kafkaErrorOf(error, "fetch"));
  }
}

function quietRow(target: FetchTarget, partition: Partition, reader: Reader, diverging: EpochEnd | null): FetchRow {
  return {
    target,
    error: null,
    highWatermark: partition.highWatermark,
    lastStableOffset: partition.lastStableOffset,
    logStartOffset: partition.logStartOffset,
    byteLength: 0,
    diverging: diverging !== null,
    divergingEpoch: diverging,
    abortedTransactions: reader === "committed" ? [] : null,
    chunks: NO_CHUNKS,
  };
}
