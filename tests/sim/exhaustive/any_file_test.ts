/**
 * One bit of any file of a data directory flipped, after a clean stop and after a kill (HAZARDS W4, W8): the start is refused, or it and the next
 * one serve what was acknowledged, every read of it right or refused. `EXHAUSTIVE=1` flips every bit outside of segments, else a share of them.
 */
import { describe, expect, test } from "bun:test";
import type { MemoryDisk } from "../../../lib/io/memory/mod.ts";
import type { Entry, NodeId } from "../../../lib/raft/types.ts";
import { CorruptLog, DataDirectoryRefused, type NodeStorage, openStorage } from "../../../lib/storage/mod.ts";
import { faultyDisk } from "../../storage/faulty_disk.ts";
import { append, batch, deadline, DIRECTORY, durable, id, logSettings, memory, readAll, SETTINGS, testIo } from "../../storage/setup.ts";
import { steps } from "../../support/exhaustive.ts";
import { eachFile, savedFiles } from "./stopped_log.ts";

/** Segments have a test of their own, so one of so many bits of them is enough here. */
const SEGMENT_BITS_AMONG = 61;
const LOG = logSettings({ segmentBytes: 1500, indexIntervalBytes: 200 });
const COMPACTED = logSettings({ ...LOG, cleanupPolicy: { delete: false, compact: true }, minCleanableDirtyRatio: 0 });
const LOGS = [1, 2, 3];
const SETTINGS_HERE = { ...SETTINGS, walFileBytes: 6000, tailBytesMax: 1500 };
const LATER = { op: "test", at: Infinity };

interface Left {
  readonly disk: MemoryDisk;
  /** By log, what was acknowledged; and from which offset on a kill may have torn it. */
  readonly content: readonly Uint8Array[];
  readonly ends: readonly number[];
  readonly tornFrom: readonly number[];
  readonly entries: readonly Entry[];
}

/** Three logs of several segments, one of them compacted, Raft with a snapshot, and more of everything behind the last checkpoint. */
async function leave(how: "stopped" | "killed"): Promise<Left> {
  const disk = memory();
  const faulty = faultyDisk(disk, Infinity, "before", "process");
  const io = testIo(faulty);
  const storage = await openStorage(io, SETTINGS_HERE, DIRECTORY);
  const logs = LOGS.map((topic) => storage.createLog(id(topic), topic === 3 ? COMPACTED : LOG));
  const entries: Entry[] = [];
  const fill = async (from: number, to: number) => {
    for (let number = from; number < to; number++) {
      for (const [index, log] of logs.entries()) {
        append(
          log,
          batch(`${number} `.repeat(20 + index), { key: `${number % 5}`, producerId: index, producerEpoch: 0, baseSequence: number }),
          number >> 4,
        );
      }
      await Promise.all(logs.map((log) => durable(log)));
      if (number % 8 !== 3) continue;
      const index = entries.length + 1;
      entries.push({ index, term: 1, kind: "command", data: new Uint8Array(30).fill(number) });
      await storage.raft.persist({ term: 1, votedFor: 1 as NodeId, commit: index - 1 }, entries.slice(-1), deadline(io));
    }
  };
  await fill(0, 24);
  await storage.raft.saveSnapshot({ index: 2, term: 1, voters: [1 as NodeId] }, new Uint8Array(60).fill(9), deadline(io));
  await storage.maintain();
  await storage.checkpoint();
  await fill(24, 39);
  const tornFrom = logs.map((log) => log.logEndOffset);
  // The last round of all.
  for (const log of logs) append(log, batch("the last one"));
  await Promise.all(logs.map((log) => durable(log)));
  const content = await Promise.all(logs.map((log) => readAll(io, log)));
  const ends = logs.map((log) => log.logEndOffset);
  if (how === "stopped") await storage.close(deadline(io));
  await faulty.kill();
  return { disk, content, ends, tornFrom: how === "killed" ? tornFrom : ends, entries };
}

/** What a start makes of it: "refused", "served", or what is wrong. */
async function start({ disk, content, ends, tornFrom, entries }: Left): Promise<string> {
  const io = testIo(disk);
  let storage: NodeStorage;
  try {
    storage = await openStorage(io, SETTINGS_HERE, DIRECTORY);
  } catch (error) {
    if (error instanceof CorruptLog || error instanceof DataDirectoryRefused) return "refused";
    return `the start ends with ${String(error)}`;
  }
  await storage.inspected;
  let outcome = "served";
  for (const [index, topic] of LOGS.entries()) {
    const log = storage.log(id(topic).topicId, 0);
    if (log === null) return `log ${topic} is not there`;
    if (log.offlineReason !== null) continue;
    const end = log.logEndOffset;
    if (log.logStartOffset !== 0 || end !== ends[index] && end !== tornFrom[index]) {
      outcome = `log ${topic} is [${log.logStartOffset}, ${end})`;
    }
    const expected = content[index]!;
    try {
      const found = await readAll(io, log);
      if (found.length !== expected.length && end === ends[index] || Buffer.compare(found, expected.subarray(0, found.length)) !== 0) {
        outcome = `log ${topic} gives other bytes`;
      }
    } catch (error) {
      if (!(error instanceof CorruptLog)) outcome = `reading log ${topic} ends with ${String(error)}`;
    }
  }
  const { recovered } = storage.raft;
  const found = recovered.entries.at(-1)?.index ?? recovered.snapshot?.meta.index ?? 0;
  if (found !== entries.length || recovered.entries.some((entry) => !Bun.deepEquals(entry, entries[entry.index - 1]))) {
    outcome = `Raft has ${found} of ${entries.length} entries after ${outcome}`;
  }
  if (io.fatals.length > 0) outcome = io.fatals[0]!;
  await storage.close(deadline(io));
  return outcome;
}

describe("one bit of any file flipped", () => {
  for (const how of ["stopped", "killed"] as const) {
    test(`${how}: the start is refused, or serves what was acknowledged`, async () => {
      const left = await leave(how);
      const bringBack = await savedFiles(left.disk);
      const outcomes = new Map<string, number>();
      let turn = 0;
      expect(await start(left)).toBe("served");
      await bringBack();
      for (const [path, content] of await eachFile(left.disk)) {
        const bits = content.length * 8;
        const { first, step, isShare } = steps(Math.max(1, Math.ceil(bits / 8)) | 1, turn++);
        const apart = path.endsWith(".log") && !isShare ? SEGMENT_BITS_AMONG : 1;
        for (let bit = first * apart; bit < bits; bit += step * apart) {
          await bringBack();
          const file = await left.disk.open(path, { mode: "write" }, LATER);
          await file.write([Uint8Array.of(content[bit >> 3]! ^ (1 << (bit & 7)))], bit >> 3, LATER);
          await file.sync(LATER);
          await file.close(LATER);
          const first = await start(left);
          const outcome = first === "served" ? `served, then ${await start(left)}` : first;
          if (outcome !== "refused" && outcome !== "served, then served") {
            expect({ path, bit, outcome }).toEqual({ path, bit, outcome: "served" });
          }
          outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
        }
      }
      expect(outcomes.get("served, then served")).toBeGreaterThan(40);
      expect(outcomes.get("refused")).toBeGreaterThan(10);
    }, 3_600_000);
  }
});
