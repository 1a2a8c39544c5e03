/** Record batches, good and damaged on purpose. */
import { encodeBatch, patchCrc } from "../../../../lib/protocol/mod.ts";

export interface BatchOptions {
  readonly count?: number;
  readonly producerId?: number;
  readonly producerEpoch?: number;
  readonly baseSequence?: number;
  readonly timestamp?: number;
  readonly key?: string | null;
  readonly compression?: "none" | "gzip" | "snappy" | "lz4" | "zstd";
}

/** Young enough for no retention to apply. */
export const BASE_TIME_MS = Date.now() - 60_000;

export function batch(options: BatchOptions = {}): Uint8Array {
  const { count = 1, timestamp = BASE_TIME_MS, key = "k", ...rest } = options;
  const records = Array.from({ length: count }, (_, i) => ({
    key: key === null ? null : Buffer.from(`${key}${i}`),
    value: Buffer.from(`value ${i}`),
    timestamp: timestamp + i,
  }));
  return encodeBatch({ records, ...rest } as never);
}

/** A batch with bytes written over at `at`. @param resum with a checksum that fits again */
export function damaged(at: number, bytes: readonly number[], resum = true, options: BatchOptions = {}): Uint8Array {
  const made = new Uint8Array(batch(options));
  made.set(bytes, at);
  if (resum) patchCrc(made, 0);
  return made;
}
