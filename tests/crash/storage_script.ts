/** A fixed script of 200 operations on storage, what it acknowledged, and the questions that every restart must answer. */
import { expect } from "bun:test";
import type { Io } from "../../lib/io/mod.ts";
import type { Entry, NodeId } from "../../lib/raft/types.ts";
import { type NodeStorage, openStorage, type PartitionLog } from "../../lib/storage/mod.ts";
import { append, batch, deadline, DIRECTORY, durable, id, logSettings, readAll, SETTINGS } from "../storage/setup.ts";
import type { EndKind } from "../../lib/sim/machine.ts";
import { OneMachine } from "../sim/one_machine.ts";
import { crashingDisk, type CrashPoint } from "./crashing_disk.ts";

export const OPERATIONS = 200;
const PARTITIONS = 3;
const STORAGE = {
  ...SETTINGS,
  walFileBytes: 16 * 1024,
  durableWriteBytesMax: 700,
  tailBytesMax: 4096,
  copyBytesMax: 512,
  tailHeldBytesMax: 1024,
  walPreallocate: true,
  walSparesMax: 2,
};
const LOG = logSettings({ segmentBytes: 4096, indexIntervalBytes: 256, fileDeleteDelayMs: 0 });

/** What the outside was told. */
export interface Promised {
  /** By partition: the batches in offset order, and how many of them were acknowledged. */
  readonly batches: Uint8Array[][];
  readonly acknowledged: number[];
  readonly logStart: number[];
  /** Asked for, whether acknowledged or not. */
  readonly logStartAsked: number[];
  raftAsked: Entry[];
  raftAcknowledged: number;
  termAcknowledged: number;
}

export const nothingPromised = (): Promised => ({
  batches: Array.from({ length: PARTITIONS }, () => []),
  acknowledged: new Array<number>(PARTITIONS).fill(0),
  logStart: new Array<number>(PARTITIONS).fill(0),
  logStartAsked: new Array<number>(PARTITIONS).fill(0),
  raftAsked: [],
  raftAcknowledged: 0,
  termAcknowledged: 0,
});

/** Runs until the end or until the disk dies. */
export async function runScript(io: Io, promised: Promised): Promise<void> {
  const storage = await openStorage(io, STORAGE, DIRECTORY);
  const logs = Array.from({ length: PARTITIONS }, (_, partition) => storage.createLog(id(1, partition), LOG));
  const side = storage.createLog(id(2), LOG);
  for (let step = 0; step < OPERATIONS; step++) await operation(io, storage, logs, side, step, promised);
  await storage.close(deadline(io));
}

async function operation(
  io: Io,
  storage: NodeStorage,
  logs: readonly PartitionLog[],
  side: PartitionLog,
  step: number,
  promised: Promised,
): Promise<void> {
  const partition = step % PARTITIONS;
  const log = logs[partition]!;
  if (step % 40 === 33) return storage.checkpoint();
  if (step % 50 === 20) return storage.maintain();
  if (step % 60 === 45) {
    const target = promised.batches[partition]!.length >> 1;
    promised.logStartAsked[partition] = Math.max(target, promised.logStartAsked[partition]!);
    await log.advanceLogStart(target, deadline(io));
    promised.logStart[partition] = Math.max(target, promised.logStart[partition]!);
    return;
  }
  if (step % 70 === 62) {
    const target = Math.max(promised.logStartAsked[partition]!, promised.batches[partition]!.length - 4);
    promised.acknowledged[partition] = Math.min(promised.acknowledged[partition]!, target);
    await log.truncateTo(target, deadline(io));
    promised.batches[partition]!.length = Math.min(promised.batches[partition]!.length, target);
    return;
  }
  if (step === 100) {
    append(side, batch("side"));
    await durable(side);
    return storage.deleteLog(side, deadline(io));
  }
  if (step % 25 === 7) {
    const index = promised.raftAsked.length + 1;
    const entries: Entry[] = [{ index, term: 1, kind: "command", data: new Uint8Array(20).fill(step) }];
    promised.raftAsked.push(...entries);
    await storage.raft.persist({ term: step, votedFor: 1 as NodeId, commit: index - 1 }, entries, deadline(io));
    promised.raftAcknowledged = index;
    promised.termAcknowledged = step;
    return;
  }
  if (step % 100 === 90) {
    return storage.raft.saveSnapshot(
      { index: promised.raftAcknowledged - 1, term: 1, voters: [1 as NodeId] },
      new Uint8Array(50),
      deadline(io),
    );
  }
  const before = promised.batches[partition]!.length;
  const bytes = batch("x".repeat(step % 7 === 0 ? 900 : 30 + step), { producerId: partition, producerEpoch: 0, baseSequence: before });
  const offset = append(log, bytes, 1 + Math.floor(step / 90));
  expect(offset).toBe(before);
  promised.batches[partition]!.push(bytes);
  const acknowledged = durable(log, offset).then(() => {
    promised.acknowledged[partition] = Math.max(promised.acknowledged[partition]!, before + 1);
  });
  // Every third append goes out together with the next ones.
  if (step % 3 !== 0) await acknowledged;
}

/** Opens what the crash left and compares it with what was promised; answers with what was read, to compare with the next start. */
export async function verify(io: Io, promised: Promised): Promise<Uint8Array[]> {
  const storage = await openStorage(io, STORAGE, DIRECTORY);
  await storage.inspected;
  const all: Uint8Array[] = [];
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const log = storage.log(id(1, partition).topicId, partition);
    const acknowledged = promised.acknowledged[partition]!;
    if (log === null) {
      expect(acknowledged).toBe(0);
      all.push(new Uint8Array(0));
      continue;
    }
    expect(log.offlineReason).toBeNull();
    expect(log.logEndOffset).toBeGreaterThanOrEqual(acknowledged);
    expect(log.logEndOffset).toBeLessThanOrEqual(promised.batches[partition]!.length);
    expect(log.logStartOffset).toBeGreaterThanOrEqual(promised.logStart[partition]!);
    expect(log.logStartOffset).toBeLessThanOrEqual(promised.logStartAsked[partition]!);
    const expected = Buffer.concat(promised.batches[partition]!.slice(log.logStartOffset, log.logEndOffset));
    const found = await readAll(io, log);
    expect(Buffer.compare(found, expected)).toBe(0);
    all.push(found);
    checkProducer(log, partition, promised);
  }
  checkRaft(storage, promised);
  return all;
}

function checkProducer(log: PartitionLog, partition: number, { batches }: Promised): void {
  const end = log.logEndOffset;
  if (end === 0) return;
  const last = log.checkSequence(batches[partition]![end - 1]!.slice());
  expect(last).toMatchObject({ kind: "duplicate", baseOffset: end - 1 });
  const next = batch("next", { producerId: partition, producerEpoch: 0, baseSequence: end });
  expect(log.checkSequence(next).kind).toBe("append");
}

function checkRaft({ raft: { recovered } }: NodeStorage, promised: Promised): void {
  const { hardState, entries, snapshot } = recovered;
  expect(hardState?.term ?? 0).toBeGreaterThanOrEqual(promised.termAcknowledged);
  const last = entries.at(-1)?.index ?? snapshot?.meta.index ?? 0;
  expect(last).toBeGreaterThanOrEqual(promised.raftAcknowledged);
  for (const entry of entries) expect(entry).toEqual(promised.raftAsked[entry.index - 1]!);
  if (entries.length > 0) expect(entries[0]!.index).toBe((snapshot?.meta.index ?? 0) + 1);
}

/**
 * One crash at changing call `at`, and two starts after it, each killed as soon as it served: what was served once must be there the next
 * time. @returns whether the script had come that far.
 */
export function crashAt(at: number, point: CrashPoint, kind: EndKind, seed: number): boolean {
  const node = new OneMachine(seed);
  const promised = nothingPromised();
  const io = node.start((disk) => crashingDisk(disk, at, point, () => node.end(kind)));
  if (node.run(runScript(io, promised)) !== null) return false;
  expect(node.exit).toBeNull();
  const starts = [1, 2].map(() => {
    const found = node.run(verify(node.start(), promised));
    // It does not end by its own will.
    expect(node.exit).toBeNull();
    node.end(kind);
    return found!.value;
  });
  for (const [partition, bytes] of starts[0]!.entries()) expect(Buffer.compare(bytes, starts[1]![partition]!)).toBe(0);
  return true;
}
