/** A small data directory with a past: what a node left when it was killed and when it was stopped, what it had promised, and older versions of its files. */
import { createMemoryDisk, type MemoryDisk } from "../../lib/io/memory/mod.ts";
import type { Disk } from "../../lib/io/mod.ts";
import { nodeId } from "../../lib/protocol/ids.ts";
import type { Entry, HardState, SnapshotMeta } from "../../lib/raft/types.ts";
import { type NodeStorage, openStorage, type PartitionLog } from "../../lib/storage/mod.ts";
import { append, batch, deadline, DIRECTORY, durable, id, logSettings, readAll, SETTINGS, type TestIo, testIo } from "../storage/setup.ts";

/** By path below the data directory. */
export type Files = Map<string, Uint8Array>;

export interface LogContent {
  readonly topic: number;
  readonly partition: number;
  readonly start: number;
  /** Whole batches. */
  readonly bytes: Uint8Array;
}

export interface Left {
  readonly files: Files;
  readonly logs: readonly LogContent[];
  readonly raft: NodeStorage["raft"]["recovered"];
}

export interface Past {
  readonly killed: Left;
  readonly stopped: Left;
  readonly older: readonly Files[];
}

/** Small files, so that there are several of each kind. */
export const SMALL = {
  ...SETTINGS,
  walFileBytes: 24 * 1024,
  walPreallocate: true,
  walSparesMax: 2,
  durableWriteBytesMax: 700,
  tailBytesMax: 3_000,
  tailHeldBytesMax: 1_000,
  copyBytesMax: 512,
};
const LOG = logSettings({ segmentBytes: 2_500, indexIntervalBytes: 300, fileDeleteDelayMs: 0 });
const LOGS = [[1, 0], [1, 1], [2, 0]] as const;
const DISK_BYTES = 64 * 1024 * 1024;
const LATER = { op: "fuzz", at: Infinity };

export async function makePast(): Promise<Past> {
  const disk = createMemoryDisk(DISK_BYTES);
  const older: Files[] = [];
  const writer = new Writer();

  let { io, storage, logs } = await opened(disk);
  await writer.work(io, storage, logs, 25);
  older.push(await filesOf(disk));
  await storage.checkpoint();
  await writer.work(io, storage, logs, 10);
  await logs[1]!.advanceLogStart(3, deadline(io));
  await storage.close(deadline(io));
  older.push(await filesOf(disk));

  ({ io, storage, logs } = await opened(disk));
  await writer.work(io, storage, logs, 12);
  await storage.raft.saveSnapshot(writer.snapshotMeta(), new Uint8Array(300).fill(7), deadline(io));
  await storage.checkpoint();
  older.push(await filesOf(disk));
  await writer.work(io, storage, logs, 25);

  const contents = await contentsOf(io, storage);
  const killedFiles = await filesOf(disk);
  await storage.close(deadline(io));
  const stoppedFiles = await filesOf(disk);
  // What Raft gets back is what an undamaged start says.
  const raft = async (files: Files) => {
    const again = testIo(await diskOf(files));
    const storage = await openStorage(again, SMALL, DIRECTORY);
    const { recovered } = storage.raft;
    await storage.close(deadline(again));
    return recovered;
  };
  return {
    killed: { files: killedFiles, logs: contents, raft: await raft(killedFiles) },
    stopped: { files: stoppedFiles, logs: contents, raft: await raft(stoppedFiles) },
    older,
  };
}

async function opened(disk: MemoryDisk): Promise<{ io: TestIo; storage: NodeStorage; logs: readonly PartitionLog[] }> {
  const io = testIo(disk);
  const storage = await openStorage(io, SMALL, DIRECTORY);
  await storage.inspected;
  const logs = LOGS.map(([topic, partition]) =>
    storage.log(id(topic, partition).topicId, partition) ?? storage.createLog(id(topic, partition), LOG)
  );
  for (const log of logs) log.configure(LOG);
  return { io, storage, logs };
}

/** Does the same things every time. */
class Writer {
  #step = 0;
  #index = 0;

  async work(io: TestIo, storage: NodeStorage, logs: readonly PartitionLog[], steps: number): Promise<void> {
    for (let left = steps; left > 0; left--) {
      const step = this.#step++;
      const log = logs[step % logs.length]!;
      const text = `step ${step} `.repeat(1 + (step * 7) % 40);
      const producer = step % 4 === 0 ? { producerId: 4000, producerEpoch: 0, baseSequence: step / 4, count: 1 } : { count: 1 + step % 3 };
      const compression = step % 5 === 0 ? "gzip" : "none";
      append(log, batch(text, { ...producer, compression, key: `k${step % 3}`, timestamp: io.clock.wallMs }), step >> 4);
      io.clock.pass(100);
      await durable(log);
      if (step % 6 === 0) await this.#raft(io, storage);
    }
  }

  async #raft(io: TestIo, storage: NodeStorage): Promise<void> {
    const index = ++this.#index;
    const hardState: HardState = { term: termOf(index), votedFor: null, commit: index - 1 };
    const entry: Entry = { index, term: hardState.term, kind: "command", data: new Uint8Array(20 + index).fill(index) };
    await storage.raft.persist(hardState, [entry], deadline(io));
  }

  snapshotMeta(): SnapshotMeta {
    return { index: this.#index - 1, term: termOf(this.#index - 1), voters: [nodeId(1)] };
  }
}

const termOf = (index: number): number => 1 + (index >> 2);

export async function contentsOf(io: TestIo, storage: NodeStorage): Promise<LogContent[]> {
  const found: LogContent[] = [];
  for (const [topic, partition] of LOGS) {
    const log = storage.log(id(topic, partition).topicId, partition)!;
    found.push({ topic, partition, start: log.logStartOffset, bytes: new Uint8Array(await readAll(io, log)) });
  }
  return found;
}

/** Every file of the data directory. */
export async function filesOf(disk: Disk): Promise<Files> {
  const files: Files = new Map();
  const walk = async (path: string): Promise<void> => {
    for (const { name, kind } of await disk.list(`${DIRECTORY}/${path}`, LATER)) {
      const inner = path === "" ? name : `${path}/${name}`;
      if (kind === "directory") await walk(inner);
      else files.set(inner, await contentOf(disk, inner));
    }
  };
  await walk("");
  return files;
}

async function contentOf(disk: Disk, path: string): Promise<Uint8Array> {
  const file = await disk.open(`${DIRECTORY}/${path}`, { mode: "read" }, LATER);
  const bytes = new Uint8Array(await file.size(LATER));
  for (let at = 0; at < bytes.length;) at += await file.read(bytes.subarray(at), at, LATER);
  await file.close(LATER);
  return bytes;
}

/** A disk that holds these. */
export async function diskOf(files: Files): Promise<MemoryDisk> {
  const disk = createMemoryDisk(DISK_BYTES);
  for (const [path, bytes] of files) {
    const full = `${DIRECTORY}/${path}`;
    await disk.makeDirectory(full.slice(0, full.lastIndexOf("/")), LATER);
    const file = await disk.open(full, { mode: "create" }, LATER);
    if (bytes.length > 0) await file.write([bytes], 0, LATER);
    await file.close(LATER);
  }
  return disk;
}
