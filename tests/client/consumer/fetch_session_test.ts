/** The consumer's side of fetch sessions against a model of the broker's, and the filter of aborted transactions. */
import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { AbortedTransactions } from "../../../lib/client/consumer/aborted_transactions.ts";
import { FetchedBatches } from "../../../lib/client/consumer/fetched_batches.ts";
import { FetchSession, type FetchTarget } from "../../../lib/client/consumer/fetch_session.ts";
import { encodeBatch, encodeEndTransactionMarker, patchBaseOffset, type Uuid } from "../../../lib/protocol/mod.ts";
import { io, soon } from "../setup.ts";
import { bytes, textOf } from "./setup.ts";

const idOf = (topic: string) => topic.padEnd(22, "A") as unknown as Uuid;
const target = (topic: string, partition: number, fetchOffset: number): FetchTarget => ({
  ...{ topic, topicId: idOf(topic), partition, fetchOffset, leaderEpoch: 1, maxBytes: 100 },
});

describe("FetchSession", () => {
  test("whatever is wanted and whatever goes wrong, the broker knows what is wanted", () => {
    const wanted = fc.uniqueArray(
      fc.record({ topic: fc.constantFrom("a", "b"), partition: fc.nat(3), fetchOffset: fc.nat(2) }),
      { selector: ({ topic, partition }) => `${topic}/${partition}` },
    );
    const step = fc.record({
      wanted,
      byTopicId: fc.boolean(),
      outcome: fc.constantFrom("fine", "fine", "fine", "lost", "refused", "none"),
    });
    fc.assert(fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const session = new FetchSession();
      let broker = { id: 0, epoch: 0, known: new Map<string, number>() };
      for (const { wanted, byTopicId, outcome } of steps) {
        const request = session.request(wanted.map((one) => target(one.topic, one.partition, one.fetchOffset)), byTopicId);
        if (request.sessionEpoch === 0) broker = { id: broker.id + 1, epoch: 0, known: new Map() };
        else expect([request.sessionId, request.sessionEpoch]).toEqual([broker.id, broker.epoch + 1]);
        if (outcome === "refused") {
          session.refused("INVALID_FETCH_SESSION_EPOCH");
          continue;
        }
        for (const { topic, partitions } of request.forgottenTopicsData) {
          for (const partition of partitions) expect(broker.known.delete(`${topic}/${partition}`)).toBe(true);
        }
        for (const { topic, partitions } of request.topics) {
          for (const { partition, fetchOffset } of partitions) broker.known.set(`${topic}/${partition}`, fetchOffset);
        }
        expect(broker.known).toEqual(new Map(wanted.map(({ topic, partition, fetchOffset }) => [`${topic}/${partition}`, fetchOffset])));
        broker.epoch = request.sessionEpoch;
        if (outcome === "lost") session.lost();
        else session.answered(outcome === "none" ? 0 : broker.id);
        const [first] = wanted;
        if (first) {
          const found = session.target(byTopicId ? "" : first.topic, byTopicId ? idOf(first.topic) : idOf(""), first.partition);
          expect(found).toMatchObject(first);
        }
      }
    }));
  });

  test("names only what changed, and closes the session of which it does not know the end", () => {
    const session = new FetchSession();
    expect(session.request([target("a", 0, 0), target("a", 1, 0)], false)).toMatchObject({ sessionId: 0, sessionEpoch: 0 });
    session.answered(7);
    const next = session.request([target("a", 0, 5), target("a", 1, 0)], false);
    expect(next).toMatchObject({ sessionId: 7, sessionEpoch: 1, forgottenTopicsData: [] });
    expect(next.topics).toMatchObject([{ topic: "a", partitions: [{ partition: 0, fetchOffset: 5 }] }]);
    session.lost();
    expect(session.request([target("a", 0, 5)], false)).toMatchObject({ sessionId: 7, sessionEpoch: 0, forgottenTopicsData: [] });
    session.refused("FETCH_SESSION_ID_NOT_FOUND");
    expect(session.request([target("a", 0, 5)], false)).toMatchObject({ sessionId: 0, sessionEpoch: 0 });
  });
});

describe("FetchedBatches", () => {
  const values = (offset: number, producerId: number, ...texts: string[]) =>
    encodeBatch({
      baseOffset: offset,
      records: texts.map((text) => ({ key: null, value: bytes(text), timestamp: 1 })),
      ...(producerId >= 0 && { producerId, producerEpoch: 0, baseSequence: 0, transactional: true }),
    });
  const marker = (offset: number, producerId: number, type: "abort" | "commit") => {
    const batch = encodeEndTransactionMarker({ type, producerId, producerEpoch: 0, coordinatorEpoch: 0, timestamp: 1 });
    patchBaseOffset(batch, 0, offset);
    return batch;
  };
  async function read(batches: FetchedBatches): Promise<{ texts: (string | null)[]; nextOffset: number }> {
    const texts: (string | null)[] = [];
    let nextOffset = -1;
    while (!batches.isEmpty) {
      const opened = (await batches.open(io, soon()))!;
      texts.push(...opened.records.map(({ value }) => textOf(value)));
      nextOffset = opened.nextOffset;
    }
    return { texts, nextOffset };
  }
  const log = Buffer.concat([
    values(0, -1, "plain"),
    values(1, 5, "gone 1"),
    values(2, 6, "kept 1"),
    marker(3, 5, "abort"),
    values(4, 5, "kept 2"),
    marker(5, 6, "commit"),
    values(6, 6, "gone 2"),
    marker(7, 5, "commit"),
    marker(8, 6, "abort"),
    values(9, -1, "last"),
  ]);
  const of = { topic: "t", partition: 0 };

  test("leaves markers out, and what was aborted where a list says so", async () => {
    const aborted = [{ producerId: 6, firstOffset: 6 }, { producerId: 5, firstOffset: 1 }];
    const committed = await read(new FetchedBatches(of, log, 0, new AbortedTransactions(aborted)));
    expect(committed).toEqual({ texts: ["plain", "kept 1", "kept 2", "last"], nextOffset: 10 });
    const all = await read(new FetchedBatches(of, log, 0, null));
    expect(all.texts).toEqual(["plain", "gone 1", "kept 1", "kept 2", "gone 2", "last"]);
  });

  test("begins in the middle of a batch, and passes over a part of one at the end", async () => {
    const two = Buffer.concat([values(0, -1, "a", "b", "c"), values(3, -1, "d")]);
    const cut = new FetchedBatches(of, two.subarray(0, two.length - 3), 1, null);
    expect([cut.nextOffset, cut.isUnreadable]).toEqual([3, false]);
    expect(await read(cut)).toEqual({ texts: ["b", "c"], nextOffset: 3 });
    expect(new FetchedBatches(of, two.subarray(0, 70), 0, null).unreadableBecause).toBe("the broker sent a part of a batch only");
    expect(new FetchedBatches(of, two.subarray(0, 30), 0, null).unreadableBecause).toBe("the broker sent 30 bytes, fewer than a batch has");
  });

  test("never reads a batch that was changed on its way, wherever", async () => {
    const original = values(0, -1, "some text");
    fc.assert(fc.property(fc.integer({ min: 17, max: original.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, by) => {
      const damaged = original.slice();
      damaged[at]! ^= by;
      expect(() => new FetchedBatches(of, damaged, 0, null).open(io, soon())).toThrow('Cannot read "t-0": the batch at offset 0');
    }));
  });
});
