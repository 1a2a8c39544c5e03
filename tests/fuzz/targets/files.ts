/**
 * Files of a data directory, damaged (HAZARDS W4, W5, W6, W8): bits, holes, ends that are missing, older versions put back, one file in place of
 * another. A start has everything that was acknowledged; or takes a partition offline; or refuses, names a file, changes nothing, and starts once
 * the file is back. Never other records, never fewer without a word. What cannot be told from a torn end is exempt: damage to the newest
 * file of the write-ahead log behind which no frame is whole.
 */
import type { Disk } from "../../../lib/io/mod.ts";
import { forEachBatch, patchLeaderEpoch } from "../../../lib/protocol/records/mod.ts";
import { CorruptLog, DataDirectoryRefused, type NodeStorage, openStorage } from "../../../lib/storage/mod.ts";
import { alignFrame, FRAME_HEADER_BYTES, readFrameHeader } from "../../../lib/storage/wal/frame.ts";
import { append, batch, deadline, DIRECTORY, durable, id, readAll, type TestIo, testIo } from "../../storage/setup.ts";
import { diskOf, type Files, filesOf, type Left, type LogContent, makePast, type Past, SMALL } from "../directory.ts";
import { applied, type Edit, fewerEdits, someEdits } from "../file_edits.ts";
import { bytesOf, textOf } from "../text.ts";
import { type Input, must, type Target } from "../target.ts";

/** One read asks for no more than this, whatever a damaged length says. */
const READ_BYTES_MAX = 8 * 1024 * 1024;

let past: Past | null = null;

export const files: Target = {
  name: "files",
  inputsInTest: 60,
  async open() {
    past ??= await makePast();
  },
  generate(draws) {
    const state = draws.pick(["killed", "stopped"] as const);
    return { about: { state }, bytes: bytesOf(JSON.stringify(someEdits(past![state].files, past!.older.length, draws))) };
  },
  check,
  *smaller({ about, bytes }) {
    for (const edits of fewerEdits(JSON.parse(textOf(bytes)) as Edit[])) yield { about, bytes: bytesOf(JSON.stringify(edits)) };
  },
};

async function check({ about, bytes }: Input): Promise<void> {
  const left = past![about["state"] as "killed" | "stopped"];
  const edits = JSON.parse(textOf(bytes)) as Edit[];
  const damaged = applied(edits, left.files, past!.older);
  const disk = await diskOf(damaged);
  const first = await start(disk);
  if (first.refused !== null) return await checkRefusal(first.refused, disk, damaged, left);
  const isTornEnd = about["state"] === "killed" && mayBeTorn(left.files, damaged);
  const seen = await checkLogs(first, left, isTornEnd);
  if (!isTornEnd) checkRaft(first.storage!, left);
  await checkServes(first);
  await first.storage!.close(deadline(first.io));
  must(first.io.fatals.length === 0, () => `The node stopped: ${first.io.fatals.join("; ")}`);

  // What this start did must not make the next one forget.
  const second = await start(disk);
  must(second.refused === null, () => `Started, and then refused: ${second.refused?.message}`);
  for (const { topic, partition, bytes } of seen) {
    const now = await readOf(second, topic, partition);
    if (bytes !== null) must(now !== null && startsWith(now, bytes), () => `${topic}-${partition} is another one after the next start`);
  }
  await second.storage!.close(deadline(second.io));
}

interface Started {
  readonly io: TestIo;
  readonly storage: NodeStorage | null;
  readonly refused: Error | null;
}

async function start(disk: Disk): Promise<Started> {
  const io = testIo(bounded(disk));
  try {
    const storage = await openStorage(io, SMALL, DIRECTORY);
    await storage.inspected;
    return { io, storage, refused: null };
  } catch (error) {
    if (!(error instanceof CorruptLog || error instanceof DataDirectoryRefused)) throw error;
    return { io, storage: null, refused: error };
  }
}

async function checkRefusal(refused: Error, disk: Disk, damaged: Files, left: Left): Promise<void> {
  const { message } = refused;
  const names = [`${DIRECTORY}/wal/`, ...damaged.keys(), ...left.files.keys()].flatMap((
    path,
  ) => [path, `${DIRECTORY}/${path.split("/")[0]}"`]);
  must(names.some((name) => message.includes(name)), () => `Refused without naming a file: ${message}`);
  must(/[Rr]estore|back from|Put .* back|Name /.test(message), () => `Refused without saying what to do: ${message}`);
  const after = await filesOf(disk);
  for (const [path, bytes] of damaged) {
    must(startsWith(after.get(path) ?? new Uint8Array(0), bytes), () => `A start that was refused changed "${path}"`);
  }
  const restored = await start(await diskOf(new Map([...after, ...left.files])));
  must(restored.refused === null, () => `Refused although everything is back: ${restored.refused?.message}`);
  const seen = await checkLogs(restored, left, false);
  must(seen.every(({ bytes }) => bytes !== null), "A partition is offline although everything is back");
  checkRaft(restored.storage!, left);
  await restored.storage!.close(deadline(restored.io));
}

/** Null for those that are offline. */
async function checkLogs(
  started: Started,
  left: Left,
  isTornEnd: boolean,
): Promise<readonly { readonly topic: number; readonly partition: number; readonly bytes: Uint8Array | null }[]> {
  const seen = [];
  for (const expected of left.logs) {
    const { topic, partition } = expected;
    const bytes = await readOf(started, topic, partition);
    seen.push({ topic, partition, bytes });
    if (bytes !== null) checkContent(started.storage!, expected, bytes, isTornEnd);
  }
  return seen;
}

function checkContent(
  storage: NodeStorage,
  { topic, partition, start, bytes: kept }: LogContent,
  bytes: Uint8Array,
  isTornEnd: boolean,
): void {
  const all = withoutEpochs(kept);
  const name = `${topic}-${partition}`;
  const log = storage.log(id(topic, partition).topicId, partition)!;
  if (equal(bytes, all) && log.logStartOffset === start) return;
  // Without its checkpoint a log begins with its first file again: what was deleted by DeleteRecords comes back, as in Kafka.
  if (log.logStartOffset < start && endsWith(bytes, all)) return;
  must(
    isTornEnd,
    () => `${name} has ${bytes.length} bytes from ${log.logStartOffset} on, not ${all.length} from ${start} on, and says nothing`,
  );
  must(log.logStartOffset <= start, () => `${name} begins at ${log.logStartOffset}, not at ${start}`);
  if (log.logStartOffset === start) must(startsWith(all, bytes), () => `${name} has records that nobody wrote`);
}

/** Null when the partition tells that it cannot be read. @throws {Finding} when it is not there at all. */
async function readOf({ io, storage }: Started, topic: number, partition: number): Promise<Uint8Array | null> {
  const log = storage!.log(id(topic, partition).topicId, partition);
  must(log !== null, `${topic}-${partition} is gone without a word`);
  if (log.offlineReason !== null) return null;
  try {
    return withoutEpochs(await readAll(io, log));
  } catch (error) {
    if (error instanceof CorruptLog) return null;
    throw error;
  }
}

function checkRaft(storage: NodeStorage, { raft }: Left): void {
  must(Bun.deepEquals(storage.raft.recovered, raft), () => `Raft has ${Bun.inspect(storage.raft.recovered)}, not ${Bun.inspect(raft)}`);
}

async function checkServes({ io, storage }: Started): Promise<void> {
  for (const log of storage!.logs()) {
    if (log.offlineReason !== null) continue;
    append(log, batch("after the damage"), 1_000);
    await durable(log);
  }
  must(io.fatals.length === 0, () => `The node stopped: ${io.fatals.join("; ")}`);
}

/** Only the newest file of the log was changed, and behind the first change no frame is as it was. */
function mayBeTorn(before: Files, after: Files): boolean {
  const changed = [...before.keys(), ...after.keys()].filter((path) => !equal(before.get(path), after.get(path)));
  const newest = [...before.keys()].filter((path) => path.endsWith(".wal")).sort().at(-1)!;
  if (!changed.includes(newest)) return false;
  const [was, is] = [before.get(newest)!, after.get(newest) ?? new Uint8Array(0)];
  let isBroken = false;
  for (let at = 0, frame; (frame = readFrameHeader(was, at)) !== null && frame.position === at;) {
    const end = at + FRAME_HEADER_BYTES + frame.entriesBytes + frame.batchesBytes;
    const isWhole = equal(was.subarray(at, end), is.subarray(at, end));
    if (isBroken && isWhole) return false;
    isBroken ||= !isWhole;
    at = alignFrame(end);
  }
  return isBroken;
}

/** No checksum covers the leader epoch of a batch (docs/hazards.md). */
function withoutEpochs(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  forEachBatch(copy, (at) => patchLeaderEpoch(copy, at, 0));
  return copy;
}

const equal = (a: Uint8Array | undefined, b: Uint8Array | undefined): boolean =>
  a !== undefined && b !== undefined && Buffer.from(a).equals(b);
const startsWith = (all: Uint8Array, start: Uint8Array): boolean => equal(all.subarray(0, start.length), start);

const endsWith = (all: Uint8Array, end: Uint8Array): boolean =>
  all.length >= end.length && equal(all.subarray(all.length - end.length), end);

/** A disk that notices when somebody asks for memory because a damaged length says so. */
function bounded(disk: Disk): Disk {
  return new Proxy(disk, {
    get(target, name) {
      const member = Reflect.get(target, name);
      if (typeof member !== "function") return member;
      if (name !== "open") return member.bind(target);
      return async (...args: Parameters<Disk["open"]>) => {
        const file = await target.open(...args);
        return {
          path: file.path,
          write: file.write.bind(file),
          sync: file.sync.bind(file),
          size: file.size.bind(file),
          truncate: file.truncate.bind(file),
          close: file.close.bind(file),
          read: (into: Uint8Array, offset: number, deadline: Parameters<typeof file.read>[2]) => {
            must(into.length <= READ_BYTES_MAX, () => `Reads ${into.length} bytes at once`);
            return file.read(into, offset, deadline);
          },
        };
      };
    },
  });
}
