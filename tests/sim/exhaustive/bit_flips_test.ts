/**
 * Every bit of what a stopped node left, flipped one at a time (HAZARDS W4): a reader is given what was acknowledged, or a refusal; never other
 * bytes and never a shorter log. Indexes are caches: whatever they hold, readers notice nothing. `EXHAUSTIVE=1` flips all of them, else a share.
 */
import { describe, expect, test } from "bun:test";
import { openStorage } from "../../../lib/storage/mod.ts";
import { deadline, DIRECTORY, id, readAll, SETTINGS, testIo } from "../../storage/setup.ts";
import { steps } from "../../support/exhaustive.ts";
import { type Flipped, savedFiles, StoppedLog } from "./stopped_log.ts";

const LATER = { op: "test", at: Infinity };
const SEGMENT = "00000000000000000000";

/** @param among one of so many bits when not all are asked for. @returns how many there were. */
async function eachBit(file: Flipped, among: number, look: (bit: number) => Promise<void>): Promise<number> {
  const { first, step } = steps(among);
  let count = 0;
  for (let bit = first; bit < file.content.length * 8; bit += step, count++) {
    await file.flip(bit);
    await look(bit);
    await file.restore(bit);
  }
  return count;
}

describe("a stopped log", () => {
  test("with any bit of a segment flipped: right bytes or a refusal, and what stands before and far behind it is served", async () => {
    const stopped = await StoppedLog.make(64 * 1024, { indexIntervalBytes: 1024 });
    const { batches } = stopped;
    expect(stopped.segmentBytes).toBeGreaterThan(60_000);
    expect(await stopped.wrongAt(stopped.open(), 0)).toBeNull();
    const file = await stopped.fileOf(`${SEGMENT}.log`);
    let served = 0;
    const flips = await eachBit(file, 401, async (bit) => {
      const damaged = batches.findIndex(({ at, size }) => bit >> 3 < at + size);
      const ask = (index: number, pieces: number) =>
        stopped.wrongAt(stopped.open(), batches[Math.min(index, batches.length - 1)]!.base, pieces);
      const around = [await ask(Math.max(0, damaged - 1), 2), await ask(damaged, 1)];
      if (around[0] !== "refused" || around[1] !== "refused") expect([bit, ...around]).toEqual([bit, "refused", "refused"]);
      const behind = await ask(damaged + 1, 1);
      if (behind === null) served++;
      else if (behind !== "refused") expect({ bit, behind }).toEqual({ bit, behind: "refused" });
      // An index entry every KiB, and batches of 1.3 KiB at most: so far behind, nothing leads over the damage.
      const far = batches.findIndex(({ at }) => at > (bit >> 3) + 4096);
      const unharmed = [damaged > 1 ? await ask(0, 1) : null, far >= 0 ? await ask(far, 1) : null];
      if (unharmed[0] !== null || unharmed[1] !== null) expect({ bit, unharmed }).toEqual({ bit, unharmed: [null, null] });
    });
    // Most that is right behind the damage is served too.
    expect(served).toBeGreaterThan(flips * 0.8);
  }, 3_600_000);

  for (const name of [`${SEGMENT}.index`, `${SEGMENT}.timeindex`]) {
    test(`with any bit of ${name} flipped: as if nothing had happened`, async () => {
      const stopped = await StoppedLog.make(16 * 1024, { indexIntervalBytes: 512 });
      let rebuilt = 0;
      stopped.io.mark = (mark) => rebuilt += mark === "storage.index.rebuild" ? 1 : 0;
      const timestamps = [...new Set(stopped.batches.map(({ maxTimestamp }) => maxTimestamp))];
      const found = async () => {
        const log = stopped.open();
        const answers: unknown[] = [];
        for (const { base } of stopped.batches) answers.push(await stopped.wrongAt(log, base, 1));
        for (const timestamp of timestamps) answers.push((await log.findTimestamp(timestamp - 1, stopped.end, LATER))?.offset);
        return answers;
      };
      const file = await stopped.fileOf(name);
      // There is something to be wrong, and it is looked at.
      expect(file.content.length).toBeGreaterThan(100);
      const expected = await found();
      expect(rebuilt).toBe(0);
      const flips = await eachBit(file, 9, async (bit) => expect([bit, await found()]).toEqual([bit, expected]));
      expect(rebuilt).toBe(flips);
    }, 3_600_000);
  }

  test("with any bit of the checkpoint flipped: made anew from the segments", async () => {
    const stopped = await StoppedLog.make(8 * 1024);
    const file = await stopped.fileOf(`${DIRECTORY}/checkpoint`);
    const saved = await savedFiles(stopped.disk);
    await eachBit(file, 301, async (bit) => {
      const io = testIo(stopped.disk);
      const storage = await openStorage(io, SETTINGS, DIRECTORY);
      const log = storage.createLog(id(1), stopped.open().settings);
      expect([bit, log.offlineReason, log.logStartOffset, log.logEndOffset]).toEqual([bit, null, 0, stopped.end]);
      expect(Buffer.compare(await readAll(io, log), stopped.truth)).toBe(0);
      expect(log.epochEnd(0)).toEqual(stopped.open().epochEnd(0));
      expect(log.producers()).toEqual(stopped.open().producers());
      await storage.close(deadline(io));
      await saved();
    });
  }, 3_600_000);
});
