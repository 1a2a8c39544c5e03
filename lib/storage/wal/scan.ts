/**
 * Reads the WAL back from a position, frame by frame, in bounded memory. Tells the torn end, which is cut, from damage before valid
 * frames, which is refused: a round is written only after the one before it was synced, so a valid later frame proves that the
 * damaged one had been acknowledged (HAZARDS W4, W5). Changes nothing.
 */
import { type Deadline, type DiskFile, type Io, IoFailed } from "../../io/mod.ts";
import { CorruptLog } from "../errors.ts";
import { areValidEntries } from "./entry.ts";
import {
  alignFrame,
  FRAME_ALIGNMENT,
  FRAME_HEADER_BYTES,
  type FrameHeader,
  hasValidFrameCrc,
  readFrameHeader,
  type WalPosition,
} from "./frame.ts";

export interface ScannedFrame {
  readonly header: FrameHeader;
  /** Valid until the visitor's promise resolves. */
  readonly entries: Uint8Array;
  readonly batches: Uint8Array;
}

export interface ScanSource {
  readonly io: Io;
  readonly nodeId: number;
  /** In order. */
  readonly generations: readonly number[];
  path(generation: number): string;
}

const READ_MS = 30_000;
const WINDOW_BYTES = 4 * 1024 * 1024;

/**
 * Visits every whole frame from `from` on and answers with the position after the last.
 * @throws {CorruptLog} when valid frames follow damage, or a file of the chain is missing.
 */
export async function scanWal(
  source: ScanSource,
  from: WalPosition,
  visit: (frame: ScannedFrame) => Promise<void> | void,
): Promise<WalPosition> {
  let at = from;
  const generations = source.generations.filter((generation) => generation >= from.generation);
  if (generations[0] !== from.generation) {
    throw new CorruptLog(
      `Cannot recover: the WAL file "${
        source.path(from.generation)
      }" is missing. Put it back, or restore this node's data from a replica or a ` +
        `backup; nothing was changed`,
    );
  }
  for (const [index, generation] of generations.entries()) {
    if (index > 0) at = { ...at, generation, position: 0 };
    const reader = await WindowReader.open(source.io, source.path(generation));
    try {
      at = await scanFile(source, reader, at, visit);
      const later = await findLaterFrame(reader, at);
      if (later !== null) throw damaged(reader.path, at, later);
      const continues = await firstFrame(source, generations.slice(index + 1));
      // Nothing follows, or copies that a start before this one made and did not come to use.
      if (continues === null || continues.sequence < at.sequence) break;
      if (continues.sequence > at.sequence) {
        // The last frames of this file are gone, or the first ones of the next.
        const next = generations[index + 1]!;
        if (continues.generation === next && continues.position === 0) throw damaged(reader.path, at, continues);
        throw damaged(source.path(next), { ...at, position: 0 }, continues);
      }
    } finally {
      await reader.close();
    }
  }
  return at;
}

async function scanFile(
  source: ScanSource,
  reader: WindowReader,
  from: WalPosition,
  visit: (frame: ScannedFrame) => Promise<void> | void,
): Promise<WalPosition> {
  let at = from;
  while (true) {
    const frame = await readFrame(source, reader, at.position, at.generation);
    if (frame === null || frame.header.sequence !== at.sequence || frame.header.previousCrc !== at.previousCrc) return at;
    await visit(frame);
    const end = at.position + FRAME_HEADER_BYTES + frame.header.entriesBytes + frame.header.batchesBytes;
    at = { generation: at.generation, position: alignFrame(end), sequence: at.sequence + 1, previousCrc: frame.header.crc };
  }
}

/** The frame at `position` if all of it is valid, whatever it follows. */
async function readFrame(source: ScanSource, reader: WindowReader, position: number, generation: number): Promise<ScannedFrame | null> {
  const start = await reader.bytes(position, FRAME_HEADER_BYTES);
  const header = start === null ? null : readFrameHeader(start, 0);
  if (header === null || header.generation !== generation || header.position !== position || header.nodeId !== source.nodeId) return null;
  const headBytes = FRAME_HEADER_BYTES + header.entriesBytes;
  const frame = await reader.bytes(position, headBytes + header.batchesBytes);
  if (frame === null || !hasValidFrameCrc(frame.subarray(0, headBytes))) return null;
  const entries = frame.subarray(FRAME_HEADER_BYTES, headBytes);
  const batches = frame.subarray(headBytes);
  return areValidEntries(entries, batches) ? { header, entries, batches } : null;
}

/** A valid frame of this file behind `at` that can only have been written once the one at `at` was durable. */
async function findLaterFrame(reader: WindowReader, at: WalPosition): Promise<FrameHeader | null> {
  for (let position = at.position + FRAME_ALIGNMENT; position + FRAME_HEADER_BYTES <= reader.size; position += FRAME_ALIGNMENT) {
    const start = reader.seen(position, FRAME_HEADER_BYTES) ?? await reader.bytes(position, FRAME_HEADER_BYTES);
    const header = start === null ? null : readFrameHeader(start, 0);
    if (header === null || header.generation !== at.generation || header.position !== position || header.sequence <= at.sequence) continue;
    const head = await reader.bytes(position, FRAME_HEADER_BYTES + header.entriesBytes);
    if (head !== null && hasValidFrameCrc(head)) return header;
  }
  return null;
}

/** The first valid frame of these files. One that was made and never written has none. */
async function firstFrame(source: ScanSource, generations: readonly number[]): Promise<FrameHeader | null> {
  for (const generation of generations) {
    const reader = await WindowReader.open(source.io, source.path(generation));
    try {
      const frame = await readFrame(source, reader, 0, generation);
      const first = frame?.header ?? await findLaterFrame(reader, { generation, position: 0, sequence: -1, previousCrc: 0 });
      if (first !== null) return first;
    } finally {
      await reader.close();
    }
  }
  return null;
}

/** A checkpoint that was written later than what is missing says so. */
export function endsTooEarly(path: string, at: WalPosition, sequence: number): CorruptLog {
  return new CorruptLog(
    `Cannot recover: "${path}" ends at byte ${at.position} (frame ${at.sequence}), and the checkpoint knows that it went on (frame ` +
      `${sequence}): acknowledged records would be lost. Restore this node's data from a replica or a backup; nothing was changed`,
  );
}

function damaged(path: string, at: WalPosition, later: FrameHeader): CorruptLog {
  return new CorruptLog(
    `Cannot recover: "${path}" is damaged at byte ${at.position} (frame ${at.sequence}), and valid data follows (frame ${later.sequence}): ` +
      `acknowledged records would be lost. Restore this node's data from a replica or a backup; nothing was changed`,
  );
}

/** A file seen through a window that moves forward, so that memory stays bounded by the largest frame. */
class WindowReader {
  readonly path: string;
  readonly size: number;
  readonly #io: Io;
  readonly #file: DiskFile;
  #window = new Uint8Array(0);
  #from = 0;

  private constructor(io: Io, file: DiskFile, size: number) {
    this.#io = io;
    this.#file = file;
    this.path = file.path;
    this.size = size;
  }

  static async open(io: Io, path: string): Promise<WindowReader> {
    const deadline = io.deadlines.in("wal.recover", READ_MS);
    const file = await io.disk.open(path, { mode: "read" }, deadline);
    return new WindowReader(io, file, await file.size(deadline));
  }

  /** A view that is valid until the next call; null when the file does not hold that many. */
  async bytes(position: number, length: number): Promise<Uint8Array | null> {
    if (position + length > this.size) return null;
    const seen = this.seen(position, length);
    if (seen !== null) return seen;
    await this.#move(position, length);
    return this.#window.subarray(0, length);
  }

  /** The same without reading; null outside the window. */
  seen(position: number, length: number): Uint8Array | null {
    const at = position - this.#from;
    return at >= 0 && at + length <= this.#window.length ? this.#window.subarray(at, at + length) : null;
  }

  close(): Promise<void> {
    return this.#file.close(this.#deadline());
  }

  async #move(position: number, length: number): Promise<void> {
    const want = Math.min(Math.max(length, WINDOW_BYTES), this.size - position);
    const window = want <= this.#window.byteLength ? this.#window.subarray(0, want) : new Uint8Array(want);
    for (let at = 0; at < want;) {
      const count = await this.#file.read(window.subarray(at), position + at, this.#deadline());
      if (count === 0) throw new IoFailed("read", this.path, "EIO");
      at += count;
    }
    this.#window = window;
    this.#from = position;
  }

  #deadline(): Deadline {
    return this.#io.deadlines.in("wal.recover", READ_MS);
  }
}
