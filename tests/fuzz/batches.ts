/** Record batches: whole ones of every codec, and damaged ones whose outer layers are made good again, so that the layers below are reached. */
import {
  BATCH_HEADER_BYTES,
  compress,
  COMPRESSION_TYPES,
  type CompressionType,
  encodeBatch,
  encodeRecords,
  type NewBatch,
  type NewRecord,
  patchCrc,
  writeInt32,
} from "../../lib/protocol/records/mod.ts";
import type { Draws } from "../../lib/sim/random.ts";
import { BOUNDARIES, mutate, overwritten, spliced } from "./mutate.ts";

export const NOW_MS = 1_700_000_000_000;
/** Offset and bytes of what a header says, but for the checksum. */
const FIELDS = [[0, 8], [8, 4], [12, 4], [16, 1], [21, 2], [23, 4], [27, 8], [35, 8], [43, 8], [51, 2], [53, 4], [57, 4]] as const;
const TIMESTAMPS = [NOW_MS, NOW_MS, NOW_MS - 1, NOW_MS + 5_000, 0, -1, 1, NOW_MS - 86_400_000, 2 ** 52, -(2 ** 40)];

export function someRecords(draws: Draws): NewRecord[] {
  return Array.from({ length: 1 + draws.below(draws.chance(0.05) ? 200 : 4) }, () => ({
    key: draws.chance(0.3) ? null : draws.bytes(draws.below(6)),
    value: draws.chance(0.2) ? null : draws.bytes(draws.chance(0.03) ? 5_000 : draws.below(12)),
    timestamp: draws.pick(TIMESTAMPS),
    headers: Array.from({ length: draws.chance(0.3) ? draws.below(3) : 0 }, () => ({
      key: draws.pick(["", "h", "ü"]),
      value: draws.chance(0.3) ? null : draws.bytes(draws.below(4)),
    })),
  }));
}

function someHeader(draws: Draws): Omit<NewBatch, "records"> {
  const plain = draws.chance(0.5);
  return {
    compression: draws.pick(COMPRESSION_TYPES),
    baseOffset: plain ? 0 : draws.pick([0, 0, 7, 2 ** 40, Number.MAX_SAFE_INTEGER]),
    producerId: plain ? -1 : draws.pick([-1, 0, 4000, 2 ** 52]),
    producerEpoch: plain ? -1 : draws.pick([-1, 0, 5, 32_767]),
    baseSequence: plain ? -1 : draws.pick([-1, 0, 10, 2 ** 31 - 1]),
    transactional: !plain && draws.chance(0.3),
    control: !plain && draws.chance(0.2),
  };
}

/** A batch of the records that `payload` says it has, uncompressed or of one codec. */
function around(header: Omit<NewBatch, "records">, records: readonly NewRecord[], payload: Uint8Array, codec: CompressionType): Uint8Array {
  const head = encodeBatch({ ...header, records, compression: codec }).subarray(0, BATCH_HEADER_BYTES);
  return sealed(spliced(head, BATCH_HEADER_BYTES, 0, compress(codec, payload)));
}

/** With the length and the checksum that its bytes have. */
export function sealed(batch: Uint8Array): Uint8Array {
  if (batch.length < BATCH_HEADER_BYTES) return batch;
  writeInt32(batch, 8, batch.length - 12);
  patchCrc(batch, 0);
  return batch;
}

/** One batch, or several, or none; damaged or not. */
export function someBatches(draws: Draws): Uint8Array {
  const records = someRecords(draws);
  const header = someHeader(draws);
  const whole = encodeBatch({ ...header, records });
  switch (draws.below(10)) {
    case 0:
      return whole;
    case 1:
      return mutate(whole, draws);
    case 2:
    case 3: {
      const [at, size] = draws.pick(FIELDS);
      const patch = draws.chance(0.5) ? draws.pick(BOUNDARIES).subarray(0, size) : draws.bytes(size);
      const changed = overwritten(whole, at + (size - patch.length), patch);
      // The length is what is wrong with it: only the checksum is made good, as far as it can be.
      if (at === 8) return changed;
      return sealed(changed);
    }
    case 4:
    case 5:
    case 6:
      return around(header, records, mutate(encodeRecords(records, records[0]!.timestamp), draws), header.compression ?? "none");
    case 7:
      return sealed(spliced(mutate(whole.subarray(BATCH_HEADER_BYTES), draws), 0, 0, whole.subarray(0, BATCH_HEADER_BYTES)));
    case 8:
      return spliced(whole, whole.length, 0, encodeBatch({ ...header, records, baseOffset: records.length }));
    default:
      return sealed(mutate(whole, draws, 1));
  }
}
