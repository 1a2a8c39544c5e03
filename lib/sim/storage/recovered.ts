/** What a start found, against what was promised: before anybody is served, and whole logs read from it afterwards. */
import { type Io, IoFailed } from "../../io/mod.ts";
import { forEachBatch, lastOffsetOf } from "../../protocol/records/mod.ts";
import { CorruptLog, type NodeStorage, type PartitionLog } from "../../storage/mod.ts";
import { Violation } from "../world.ts";
import type { PartitionModel } from "./partition_model.ts";
import type { StorageRun } from "./run.ts";

const READ_MS = 60_000;
const PIECE_BYTES = 64 * 1024;

/** @throws {Violation} */
export async function checkRecovered(run: StorageRun, io: Io, storage: NodeStorage): Promise<void> {
  if (run.isWeak) run.raft.recoveredFromLies(storage.raft.recovered);
  else run.raft.recovered(storage.raft.recovered);
  for (const topic of run.topics.all()) {
    for (const [partition, model] of topic.partitions.entries()) {
      const log = storage.log(topic.topicId, partition);
      if (run.isWeak) await adopt(io, model, log);
      else if (log === null) model.recovered(model.start > 0 ? -1 : 0, 0);
      else checkLog(run, model, log);
    }
  }
}

function checkLog(run: StorageRun, model: PartitionModel, log: PartitionLog): void {
  model.isOffline = log.offlineReason !== null;
  if (log.offlineReason !== null) {
    if (run.happened.has("readFails")) return run.world.mark("sim.storage.offline");
    throw new Violation(`${model.name} is offline after a start: ${log.offlineReason}`);
  }
  if (log.durableEndOffset !== log.logEndOffset) {
    throw new Violation(`${model.name} starts with ${log.logEndOffset} as its end and ${log.durableEndOffset} as its durable one`);
  }
  model.recovered(log.logStartOffset, log.logEndOffset);
  for (const offset of [model.start, (model.start + model.end) >> 1, model.end - 1]) {
    if (offset < model.start || offset >= model.end || model.epochAt(offset) === log.epochAt(offset)) continue;
    throw new Violation(`${model.name}: offset ${offset} has epoch ${log.epochAt(offset)} after a start, was ${model.epochAt(offset)}`);
  }
}

/** After lies: reads what is there, and takes it for the log. */
async function adopt(io: Io, model: PartitionModel, log: PartitionLog | null): Promise<void> {
  model.isOffline = false;
  if (log === null) return model.recoveredFromLies(0, 0, []);
  // Rewritten batches cannot be told from those that were never written.
  model.isBroken = model.isCompacted;
  if (model.isBroken) return;
  const chunks: Uint8Array[] = [];
  try {
    for (let next = log.logStartOffset; next < log.logEndOffset;) {
      const { chunks: piece, byteLength, lease } = await log.read(
        next,
        log.logEndOffset,
        PIECE_BYTES,
        true,
        io.deadlines.in("verify", READ_MS),
      );
      if (byteLength === 0) break;
      for (const chunk of piece) chunks.push(chunk.slice());
      lease.release();
      next = endOf(chunks.at(-1)!);
    }
  } catch (error) {
    // A sector that cannot be read, too, is a fault of the disk.
    if (!(error instanceof CorruptLog || error instanceof IoFailed)) throw error;
    model.isBroken = true;
    return;
  }
  model.recoveredFromLies(log.logStartOffset, log.logEndOffset, chunks);
}

/**
 * Reads all of a log that serves, as a consumer would, and holds it against the model.
 * @param cleanedTo below it compaction has been.
 * @throws what the log throws.
 */
export async function readWhole(io: Io, model: PartitionModel, log: PartitionLog, cleanedTo = 0): Promise<number> {
  const seen = model.isCompacted ? new Set<number>() : null;
  const from = log.logStartOffset, end = log.durableEndOffset;
  for (let next = from; next < end;) {
    const { chunks, byteLength, lease } = await log.read(next, end, PIECE_BYTES, true, io.deadlines.in("verify", READ_MS));
    if (byteLength === 0) {
      if (!model.isCompacted) throw new Violation(`${model.name}: nothing is served at offset ${next}, the log ends at ${end}`);
      break;
    }
    next = model.checkRead(chunks, next, end, seen);
    lease.release();
  }
  if (seen !== null) model.checkCompacted(seen, from, end, cleanedTo);
  return end - from;
}

function endOf(chunk: Uint8Array): number {
  let end = 0;
  forEachBatch(chunk, (at) => {
    end = lastOffsetOf(chunk, at) + 1;
  });
  return end;
}
