import { describe, expect, test } from "bun:test";
import { SendWindow } from "../../lib/cli/records/window.ts";
import { Latencies } from "../../lib/cli/bench/latencies.ts";
import type { OutgoingRecord, ProducerApi, RecordMetadata } from "../../lib/client/mod.ts";
import * as fc from "fast-check";

/** Each record waits until the test ends it. */
function slowProducer() {
  const sent: { readonly record: OutgoingRecord; readonly result: PromiseWithResolvers<RecordMetadata> }[] = [];
  const producer = {
    send: (record: OutgoingRecord) => {
      const result = Promise.withResolvers<RecordMetadata>();
      sent.push({ record, result });
      return result.promise;
    },
    flush: () => Promise.resolve(),
  } as unknown as ProducerApi;
  return { producer, sent, done: (at: number) => sent[at]!.result.resolve({ topic: "t", partition: 0, offset: at, timestamp: 0 }) };
}

describe("SendWindow", () => {
  test("is full at its bound of records or of bytes, and has room when one is done", async () => {
    for (const limits of [{ records: 2, bytes: 1000 }, { records: 1000, bytes: 2 }]) {
      const { producer, done } = slowProducer();
      const seen: number[] = [];
      const window = new SendWindow<string>(producer, ({ offset }) => seen.push(offset), limits);
      window.send({ topic: "t", value: "a" }, "one");
      expect(window.isFull).toBe(false);
      window.send({ topic: "t", value: "b" }, "two");
      expect(window.isFull).toBe(true);
      const room = window.room();
      done(1);
      await room;
      expect(window.isFull).toBe(false);
      const drained = window.drained();
      done(0);
      await drained;
      expect(seen).toEqual([1, 0]);
    }
  });

  test("keeps the first failure with its place, and counts the others", async () => {
    const { producer, sent } = slowProducer();
    const window = new SendWindow<string>(producer, () => undefined);
    for (const where of ["line 1", "line 2", "line 3"]) window.send({ topic: "t", value: null }, where);
    sent[1]!.result.reject(new Error("no"));
    sent[0]!.result.reject(new Error("no"));
    sent[2]!.result.resolve({ topic: "t", partition: 0, offset: 0, timestamp: 0 });
    await window.drained();
    expect(window.failure?.mark).toBe("line 2");
    expect(window.failed).toBe(2);
  });
});

test("Latencies tell percentiles within one percent", () => {
  fc.assert(fc.property(fc.array(fc.double({ min: 0.002, max: 100_000, noNaN: true }), { minLength: 1, maxLength: 300 }), (all) => {
    const latencies = new Latencies();
    for (const ms of all) latencies.add(ms);
    const sorted = all.toSorted((a, b) => a - b);
    for (const share of [0.5, 0.9, 0.99, 1]) {
      const exact = sorted[Math.max(1, Math.ceil(share * sorted.length)) - 1]!;
      expect(Math.abs(latencies.percentile(share)! - exact)).toBeLessThanOrEqual(exact * 0.01 + 0.001);
    }
    expect(latencies.summary().maxMs).toBe(Math.round(sorted.at(-1)! * 1000) / 1000);
  }));
  expect(new Latencies().summary()).toEqual({ meanMs: null, p50Ms: null, p90Ms: null, p99Ms: null, p999Ms: null, maxMs: null });
});
