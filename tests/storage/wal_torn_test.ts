/**
 * What of a WAL's end may be cut, and what must be refused (HAZARDS W4, W5), tried on a small file: with `EXHAUSTIVE=1` at every byte and with
 * every bit, else at a share of them.
 */
import { expect, test } from "bun:test";
import type { MemoryDisk } from "../../lib/io/memory/mod.ts";
import { CorruptLog, openStorage } from "../../lib/storage/mod.ts";
import { FRAME_HEADER_BYTES, readFrameHeader, sealFrame } from "../../lib/storage/wal/frame.ts";
import { steps } from "../support/exhaustive.ts";
import { eachFile, savedFiles } from "../sim/exhaustive/stopped_log.ts";
import { faultyDisk } from "./faulty_disk.ts";
import { append, batch, deadline, DIRECTORY, durable, id, logSettings, memory, readAll, SETTINGS, testIo } from "./setup.ts";

const WAL = `${DIRECTORY}/wal/00000000000000000001.wal`;
const LATER = { op: "test", at: Infinity };
const ROUNDS = 4;
const SECTOR_BYTES = 512;

interface Killed {
  readonly disk: MemoryDisk;
  readonly wal: Uint8Array;
  readonly batches: readonly Uint8Array[];
  /** As the kill left it, whatever a start has done since. */
  bringBack(): Promise<void>;
}

/** A node that was killed after four rounds of one batch each; nothing was checkpointed. */
async function killed(settings: typeof SETTINGS = SETTINGS): Promise<Killed> {
  const disk = memory();
  const faulty = faultyDisk(disk, Infinity, "before", "process");
  const storage = await openStorage(testIo(faulty), settings, DIRECTORY);
  const log = storage.createLog(id(1), logSettings());
  const batches = Array.from({ length: ROUNDS }, (_, round) => batch(`round ${round} `.repeat(round % 2 === 0 ? 20 : 120)));
  for (const bytes of batches) {
    append(log, bytes);
    await durable(log);
  }
  await faulty.kill();
  return { disk, wal: await content(disk, WAL), batches, bringBack: await savedFiles(disk) };
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

/** How many of the batches a start finds with another WAL, all of them as they were; -1 when it refuses. */
async function found({ disk, batches, bringBack }: Killed, wal: Uint8Array): Promise<number> {
  await bringBack();
  await put(disk, WAL, wal);
  const io = testIo(disk);
  let storage;
  try {
    storage = await openStorage(io, SETTINGS, DIRECTORY);
  } catch (error) {
    expect(error).toBeInstanceOf(CorruptLog);
    expect(String(error)).toContain("Restore");
    // What is left behind would fill the disk when a supervisor starts it again and again.
    expect((await disk.list(`${DIRECTORY}/wal`, LATER)).map(({ name }) => `${DIRECTORY}/wal/${name}`)).toEqual([WAL]);
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

/** With every bit of the bytes from `from` to `to` flipped, or one bit of every `every`th byte. */
async function eachFlip(wal: Uint8Array, from: number, to: number, every: number, look: (flipped: Uint8Array) => Promise<void>) {
  const { first, step } = steps(every * 8, 4);
  for (let bit = from * 8 + first; bit < to * 8; bit += step) {
    const flipped = wal.slice();
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    await look(flipped);
  }
}

test("recovery cuts a WAL that ends anywhere to its whole frames", async () => {
  const node = await killed();
  const { wal } = node;
  const starts = frameStarts(wal);
  expect(starts.length).toBe(ROUNDS);
  const { first, step, isShare } = steps(7);
  for (let length = first; length <= wal.length; length += isShare && length % SECTOR_BYTES < 60 ? 1 : step) {
    expect([length, await found(node, wal.slice(0, length))]).toEqual([length, wholeIn(wal, length)]);
  }
}, 600_000);

test("recovery cuts a WAL of which any suffix of sectors is zero", async () => {
  const node = await killed();
  const { wal } = node;
  const padded = new Uint8Array(Math.ceil(wal.length / SECTOR_BYTES) * SECTOR_BYTES);
  for (let sector = 0; sector < padded.length; sector += SECTOR_BYTES) {
    padded.fill(0);
    padded.set(wal.subarray(0, Math.min(sector, wal.length)));
    expect([sector, await found(node, padded)]).toEqual([sector, wholeIn(wal, sector)]);
  }
});

test("recovery refuses a lost sector before the last frame, and cuts one in it", async () => {
  const node = await killed();
  const { wal } = node;
  const last = frameStarts(wal).at(-1)!;
  for (const fill of [0, 0xff, 0x42]) {
    for (let sector = 0; sector < wal.length; sector += SECTOR_BYTES) {
      const holed = wal.slice();
      holed.fill(fill, sector, Math.min(sector + SECTOR_BYTES, wal.length));
      expect([sector, await found(node, holed)]).toEqual([sector, sector < last ? -1 : ROUNDS - 1]);
    }
  }
});

test("recovery does not take frames of an older generation for its own", async () => {
  const node = await killed();
  const { wal } = node;
  const starts = frameStarts(wal);
  for (let kept = 0; kept <= ROUNDS; kept++) {
    // As in a file that is used again: behind the new frames lie old ones, whole and with good checksums.
    const spliced = wal.slice();
    for (const start of starts.slice(kept)) {
      const header = readFrameHeader(spliced, start)!;
      const head = spliced.subarray(start, start + FRAME_HEADER_BYTES + header.entriesBytes);
      sealFrame(head, { ...header, generation: 0 }, header.batchesBytes, header.nodeId);
      for (let at = start + head.length; at < endOfFrame(wal, start); at++) spliced[at]! ^= 0x55;
    }
    expect(await found(node, spliced)).toBe(kept);
    // And as the write of the next one left it, of which some sectors are there.
    if (kept === ROUNDS) continue;
    for (let sector = starts[kept]!; sector < endOfFrame(wal, starts[kept]!); sector += SECTOR_BYTES) {
      const torn = spliced.slice();
      torn.set(wal.subarray(sector, Math.min(sector + SECTOR_BYTES, wal.length)), sector);
      const isWhole = endOfFrame(wal, starts[kept]!) - starts[kept]! <= SECTOR_BYTES;
      expect([kept, sector, await found(node, torn)]).toEqual([kept, sector, isWhole ? kept + 1 : kept]);
    }
  }
});

test("recovery refuses damage anywhere before the last frame", async () => {
  const node = await killed();
  const { wal } = node;
  const starts = frameStarts(wal);
  for (const start of starts.slice(0, -1)) {
    // Between frames nothing is kept.
    await eachFlip(wal, start, endOfFrame(wal, start), 3, async (flipped) => expect(await found(node, flipped)).toBe(-1));
  }
}, 600_000);

test("recovery takes a damaged last frame for a torn one and nothing else", async () => {
  const node = await killed();
  const { wal } = node;
  const last = frameStarts(wal).at(-1)!;
  await eachFlip(wal, last, wal.length, 5, async (flipped) => expect(await found(node, flipped)).toBe(ROUNDS - 1));
}, 600_000);

test("recovery refuses damage to a frame that has its file for itself, and takes only the last one for torn", async () => {
  // Each round rolls.
  const node = await killed({ ...SETTINGS, walFileBytes: 1 });
  const files = [...await eachFile(node.disk)].filter(([path]) => path.endsWith(".wal"));
  expect(files.length).toBe(ROUNDS);
  for (const [index, [path, content]] of files.entries()) {
    for (const harmed of [content.map((byte, at) => at === 2 ? byte ^ 1 : byte), new Uint8Array(0), new Uint8Array(content.length)]) {
      await node.bringBack();
      await put(node.disk, path, harmed);
      const starting = openStorage(testIo(node.disk), SETTINGS, DIRECTORY);
      if (index < ROUNDS - 1) await expect(starting).rejects.toThrow(/damaged at byte 0 \(frame \d\)/);
      else {
        const storage = await starting;
        expect(storage.log(id(1).topicId, 0)!.logEndOffset).toBe(ROUNDS - 1);
        await storage.close(deadline(testIo(node.disk)));
      }
    }
  }
});

test("recovery refuses a WAL file that the checkpoint names and that is missing", async () => {
  const { disk } = await killed();
  await disk.rename(WAL, `${DIRECTORY}/wal/00000000000000000007.wal`, LATER);
  await expect(openStorage(testIo(disk), SETTINGS, DIRECTORY)).rejects.toThrow(CorruptLog);
});

/** Frames that the first `length` bytes hold whole. */
function wholeIn(wal: Uint8Array, length: number): number {
  return frameStarts(wal).filter((start) => endOfFrame(wal, start) <= length).length;
}

function endOfFrame(wal: Uint8Array, start: number): number {
  const view = new DataView(wal.buffer, wal.byteOffset);
  return start + 48 + view.getInt32(start + 36) + view.getInt32(start + 40);
}
