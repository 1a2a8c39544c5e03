/**
 * One commit round as bytes in a WAL file: a header, the entries, then the record batches of the append entries one after the other.
 * Knows the layout only; reads no file and decides nothing about recovery.
 *
 *   0 magic · 4 crc · 8 generation int64 · 16 sequence int64 · 24 position int64 · 32 previous crc · 36 entries' bytes
 *   40 batches' bytes · 44 node id
 *
 * The checksum covers everything after itself but the batches: those are covered by their own CRC-32C, which the append entry pins
 * (`headersCrc`), so that bulk data is not summed twice. Generation and position say where the frame belongs (a reused file holds
 * frames of older generations, HAZARDS W5; a misdirected write lands elsewhere, W6), the previous checksum chains the frames.
 */
import { crc32c, readInt32, readInt64, writeInt32, writeInt64 } from "../../protocol/records/mod.ts";

export const FRAME_HEADER_BYTES = 48;
/** Frames begin on sector borders: writing one never rewrites a sector of its predecessor. */
export const FRAME_ALIGNMENT = 512;
/** Longer than any round can be: a length beyond it is damage, and nothing is allocated for it. */
export const FRAME_BYTES_MAX = 1024 * 1024 * 1024;
const MAGIC = 0x42574c31;
const CHECKED_FROM = 8;

export const alignFrame = (position: number): number => Math.ceil(position / FRAME_ALIGNMENT) * FRAME_ALIGNMENT;

/** Where the next frame goes, and what it follows. */
export interface WalPosition {
  readonly generation: number;
  readonly position: number;
  /** Of the frame that comes next. */
  readonly sequence: number;
  readonly previousCrc: number;
}

export interface FrameHeader {
  readonly generation: number;
  readonly sequence: number;
  readonly position: number;
  readonly previousCrc: number;
  readonly entriesBytes: number;
  readonly batchesBytes: number;
  readonly crc: number;
  readonly nodeId: number;
}

/** Fills the header in front of the entries in `head`, which is header and entries; answers with the checksum. */
export function sealFrame(head: Uint8Array, at: WalPosition, batchesBytes: number, nodeId: number): number {
  writeInt32(head, 0, MAGIC);
  writeInt64(head, 8, at.generation);
  writeInt64(head, 16, at.sequence);
  writeInt64(head, 24, at.position);
  writeInt32(head, 32, at.previousCrc);
  writeInt32(head, 36, head.length - FRAME_HEADER_BYTES);
  writeInt32(head, 40, batchesBytes);
  writeInt32(head, 44, nodeId);
  const crc = crc32c(head, CHECKED_FROM, head.length);
  writeInt32(head, 4, crc);
  return crc;
}

/** Null when no frame can begin here; the checksum is not looked at yet. */
export function readFrameHeader(bytes: Uint8Array, at: number): FrameHeader | null {
  if (bytes.length - at < FRAME_HEADER_BYTES || readInt32(bytes, at) !== MAGIC) return null;
  const header: FrameHeader = {
    crc: readInt32(bytes, at + 4) >>> 0,
    generation: readInt64(bytes, at + 8),
    sequence: readInt64(bytes, at + 16),
    position: readInt64(bytes, at + 24),
    previousCrc: readInt32(bytes, at + 32) >>> 0,
    entriesBytes: readInt32(bytes, at + 36),
    batchesBytes: readInt32(bytes, at + 40),
    nodeId: readInt32(bytes, at + 44),
  };
  if (header.entriesBytes < 0 || header.batchesBytes < 0 || header.entriesBytes + header.batchesBytes > FRAME_BYTES_MAX) return null;
  return header;
}

/** Whether header and entries, which lie whole in `head`, are what was written. */
export function hasValidFrameCrc(head: Uint8Array): boolean {
  return (readInt32(head, 4) >>> 0) === crc32c(head, CHECKED_FROM, head.length);
}
