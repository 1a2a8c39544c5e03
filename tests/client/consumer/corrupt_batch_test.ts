import { describe, expect, test } from "bun:test";
import { FetchedBatches } from "../../../lib/client/consumer/fetched_batches.ts";
import { CorruptBatch } from "../../../lib/client/mod.ts";
import { createMemoryIo } from "../../../lib/io/memory/mod.ts";
import { encodeBatch } from "../../../lib/protocol/mod.ts";

const io = createMemoryIo({ onFatal: (_, why) => expect(why).toBe("") });

function batch(baseOffset: number, count: number): Uint8Array {
  const records = Array.from({ length: count }, (_, at) => ({ timestamp: 0, key: null, value: new TextEncoder().encode(`v${at}`) }));
  return encodeBatch({ records, baseOffset });
}

function failure(bytes: Uint8Array, from: number): CorruptBatch {
  try {
    void new FetchedBatches({ topic: "t", partition: 3 }, bytes, from, null).open(io, io.deadlines.in("open", 1000));
  } catch (error) {
    if (error instanceof CorruptBatch) return error;
    throw error;
  }
  throw new Error("it was read");
}

describe("CorruptBatch", () => {
  test("says which batch it is and where reading can go on", () => {
    const bytes = batch(10, 5);
    bytes[bytes.length - 1]! ^= 1;
    expect(failure(bytes, 10)).toMatchObject({
      error: "CORRUPT_MESSAGE",
      topic: "t",
      partition: 3,
      baseOffset: 10,
      nextOffset: 15,
      message: 'Cannot read "t-3": the batch at offset 10: its checksum (CRC-32C) is wrong',
    });
  });

  test("always says to go on, whatever a damaged header says", () => {
    const bytes = batch(10, 5);
    bytes.fill(0xff, 23, 27);
    expect(failure(bytes, 12).nextOffset).toBe(13);
  });
});
