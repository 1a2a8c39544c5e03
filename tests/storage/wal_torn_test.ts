/** What of a WAL's end may be cut, and what must be refused (HAZARDS W4, W5), tried exhaustively on a small file. */
import { expect, test } from "bun:test";
import type { MemoryDisk } from "../../lib/io/memory/mod.ts";
import { CorruptLog, openStorage } from "../../lib/storage/mod.ts";
import { FRAME_HEADER_BYTES, readFrameHeader, sealFrame } from "../../lib/storage/wal/frame.ts";
import { FaultyDisk } from "./faulty_disk.ts";
import { append, batch, deadline, DIRECTORY, durable, id, logSettings, memory, readAll, SETTINGS, testIo } from "./setup.ts";

const WAL = `${DIRECTORY}/wal/00000000000000000001.wal`;
const LATER = { op: "test", at: Infinity };
const ROUNDS = 4;

/** A node that was killed after four rounds of one batch each; nothing was checkpointed. */
async function killed(): Promise<{ readonly disk: MemoryDisk; readonly wal: Uint8Array; readonly batches: readonly Uint8Array[] }> {
  const disk = memory();
  const faulty = new FaultyDisk(disk, Infinity, "before", "process");
  const storage = await openStorage(testIo(faulty), SETTINGS, DIRECTORY);
  const log = storage.createLog(id(1), logSettings());
  const batches = Array.from({ length: ROUNDS }, (_, round) => batch(`round ${round} `.repeat(20)));
  for (const bytes of batches) {
    append(log, bytes);
    await durable(log);
  }
  await faulty.kill();
  return { disk, wal: await content(disk, WAL), batches };
}

async function content(disk: MemoryDisk, path: string): Promise<Uint8Array> {
  const file = await disk.open(path, { mode: "read" }, LATER);
  const bytes = new Uint8Array(await file.size(LATER));
  await file.read(bytes, 0, LATER);
  await file.close(LATER);
  return bytes;
}

async function put(disk: MemoryDisk, path: string, bytes: Uint8Array): Promise<void> {
  const file = await disk.open(path, { mode: "create" }, LATER);
  await file.truncate(0, LATER);
  await file.write([bytes], 0, LATER);
  await file.sync(LATER);
  await file.close(LATER);
}

/** How many of the batches a start finds, all of them as they were; -1 when it refuses. */
async function found(wal: Uint8Array): Promise<number> {
  const { disk, batches } = await killed();
  await put(disk, WAL, wal);
  const io = testIo(disk);
  let storage;
  try {
    storage = await openStorage(io, SETTINGS, DIRECTORY);
  } catch (error) {
    expect(error).toBeInstanceOf(CorruptLog);
    expect(String(error)).toContain("Restore");
    return -1;
  }
  const log = storage.log(id(1).topicId, 0);
  const end = log?.logEndOffset ?? 0;
  if (log !== null) expect(Buffer.compare(await readAll(io, log), Buffer.concat(batches.slice(0, end)))).toBe(0);
  await storage.close(deadline(io));
  return end;
}

/** Where each frame begins. */
function frameStarts(wal: Uint8Array): number[] {
  const starts: number[] = [];
  for (let at = 0; at < wal.length; at += 512) if (wal[at] === 0x42 && wal[at + 1] === 0x57 && wal[at + 2] === 0x4c) starts.push(at);
  return starts;
}

test("recovery cuts a WAL that ends anywhere to its whole frames", async () => {
  const { wal } = await killed();
  const starts = frameStarts(wal);
  expect(starts.length).toBe(ROUNDS);
  for (let length = 0; length <= wal.length; length += length % 512 < 60 ? 1 : 7) {
    const whole = starts.filter((_, index) => length >= (index + 1 < ROUNDS ? endOfFrame(wal, starts[index]!) : wal.length)).length;
    expect(await found(wal.slice(0, length))).toBe(whole);
  }
}, 60_000);

test("recovery cuts a last frame of which any suffix of sectors is zero", async () => {
  const { wal } = await killed();
  const last = frameStarts(wal).at(-1)!;
  const padded = new Uint8Array(Math.ceil(wal.length / 512) * 512);
  for (let sector = last; sector < padded.length; sector += 512) {
    padded.fill(0);
    padded.set(wal.subarray(0, Math.min(sector, wal.length)));
    expect(await found(padded)).toBe(ROUNDS - 1);
  }
});

test("recovery does not take frames of an older generation for its own", async () => {
  const { wal } = await killed();
  const starts = frameStarts(wal);
  for (let kept = 0; kept <= ROUNDS; kept++) {
    // As in a file that is used again: behind the new frames lie old ones, whole and with good checksums.
    const spliced = wal.slice();
    for (const start of starts.slice(kept)) {
      const header = readFrameHeader(spliced, start)!;
      const head = spliced.subarray(start, start + FRAME_HEADER_BYTES + header.entriesBytes);
      sealFrame(head, { ...header, generation: 0 }, header.batchesBytes, header.nodeId);
    }
    expect(await found(spliced)).toBe(kept);
  }
});

test("recovery refuses damage anywhere before the last frame", async () => {
  const { wal } = await killed();
  const starts = frameStarts(wal);
  for (let at = 0; at < starts.at(-1)!; at += 3) {
    const frame = starts.filter((start) => start <= at).at(-1)!;
    if (at >= endOfFrame(wal, frame)) continue; // Between frames nothing is kept.
    const flipped = wal.slice();
    flipped[at]! ^= 0x10;
    expect(await found(flipped)).toBe(-1);
  }
}, 60_000);

test("recovery takes a damaged last frame for a torn one and nothing else", async () => {
  const { wal } = await killed();
  for (let at = frameStarts(wal).at(-1)!; at < wal.length; at += 5) {
    const flipped = wal.slice();
    flipped[at]! ^= 0x10;
    expect(await found(flipped)).toBe(ROUNDS - 1);
  }
});

test("recovery refuses a WAL file that the checkpoint names and that is missing", async () => {
  const { disk } = await killed();
  await disk.rename(WAL, `${DIRECTORY}/wal/00000000000000000007.wal`, LATER);
  await expect(openStorage(testIo(disk), SETTINGS, DIRECTORY)).rejects.toThrow(CorruptLog);
});

function endOfFrame(wal: Uint8Array, start: number): number {
  const view = new DataView(wal.buffer, wal.byteOffset);
  return start + 48 + view.getInt32(start + 36) + view.getInt32(start + 40);
}
