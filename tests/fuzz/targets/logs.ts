/**
 * What producers get past the checks, in a log: read, searched by time and compacted, by which nothing may fail. Every input is a partition of its
 * own, on a disk in memory, whose topic becomes compacted after the records are in it.
 */
import { forEachBatch, lastOffsetOf, readBatchHeader, validateProduceBatch } from "../../../lib/protocol/records/mod.ts";
import { openStorage } from "../../../lib/storage/mod.ts";
import { append, batch, deadline, DIRECTORY, durable, id, logSettings, readAll, SETTINGS, testIo } from "../../storage/setup.ts";
import { NOW_MS, someBatches } from "../batches.ts";
import { spliced } from "../mutate.ts";
import { must, type Target } from "../target.ts";

const RULES = {
  maxMessageBytes: 1_048_588,
  timestampType: "CreateTime",
  timestampBeforeMaxMs: Infinity,
  timestampAfterMaxMs: Infinity,
  compression: "producer",
  compacted: false,
} as const;
const BATCHES = 6;
const COMPACTED = { cleanupPolicy: { delete: false, compact: true }, minCleanableDirtyRatio: 0, segmentBytes: 400, fileDeleteDelayMs: 0 };
const TIMES = [-1, 0, NOW_MS - 1, NOW_MS, 2 ** 53];

export const logs: Target = {
  name: "logs",
  inputsInTest: 60,
  /** Only what the checks take, one after the other. */
  generate(draws) {
    let bytes: Uint8Array = new Uint8Array(0);
    for (let i = 0; i < BATCHES; i++) {
      const made = someBatches(draws);
      const verdict = validateProduceBatch(made, RULES, { nowMs: NOW_MS, internal: false });
      if (verdict.ok) bytes = spliced(bytes, bytes.length, 0, verdict.records);
    }
    return { about: {}, bytes };
  },
  async check({ bytes }) {
    const io = testIo();
    const storage = await openStorage(io, { ...SETTINGS, tailBytesMax: 1_000 }, DIRECTORY);
    const log = storage.createLog(id(1), logSettings(COMPACTED));
    forEachBatch(bytes, (at, size) => {
      const one = bytes.slice(at, at + size);
      const verdict = validateProduceBatch(one, RULES, { nowMs: NOW_MS, internal: false });
      if (verdict.ok && log.checkSequence(verdict.records).kind === "append") append(log, verdict.records);
    });
    append(log, batch("last", { key: "k" }));
    await durable(log);
    const before = await readAll(io, log);
    for (const time of TIMES) await log.findTimestamp(time, log.durableEndOffset, deadline(io));
    await log.maxTimestamp(log.durableEndOffset, deadline(io));
    // The first look meets the tombstones, the second removes them.
    for (let round = 0; round < 2; round++) {
      await storage.maintain();
      io.clock.pass(100_000_000);
    }
    must(io.fatals.length === 0, () => io.fatals.join("; "));
    must(log.offlineReason === null, () => `The log is offline: ${log.offlineReason}`);
    const after = await readAll(io, log);
    must(lastOffsets(after).every((offset) => offset < log.logEndOffset), "Compaction made offsets");
    must(lastOffsets(before).at(-1) === lastOffsets(after).at(-1), "Compaction lost the end");
    forEachBatch(after, (at) => void readBatchHeader(after, at));
    await storage.close(deadline(io));
    const again = await openStorage(io, SETTINGS, DIRECTORY);
    await again.inspected;
    const found = again.log(id(1).topicId, 0)!;
    must(found.offlineReason === null, () => `The log is offline after a restart: ${found.offlineReason}`);
    must(Buffer.from(after).equals(await readAll(io, found)), "The log is another one after a restart");
    await again.close(deadline(io));
  },
};

function lastOffsets(bytes: Uint8Array): readonly number[] {
  const offsets: number[] = [];
  forEachBatch(bytes, (at) => void offsets.push(lastOffsetOf(bytes, at)));
  return offsets;
}
