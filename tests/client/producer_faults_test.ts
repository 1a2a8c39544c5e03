/** Whatever happens on the way to the broker, an idempotent producer's records are in the log once and in order. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { KafkaError, openProducer } from "../../lib/client/mod.ts";
import type { ProducerApi, ProducerOptions } from "../../lib/client/mod.ts";
import type { KafkaErrorName } from "../../lib/protocol/mod.ts";
import { createDeadlines } from "../../lib/io/mod.ts";
import { Broker } from "../../mod.ts";
import { recordsOf } from "../compat/barnabas_client/scenarios/support.ts";
import { ManualTime } from "../io/manual_time.ts";
import { type Fault, faultyIo } from "./faulty_net.ts";
import { io } from "./setup.ts";

const PARTITIONS = 2;
const RECORDS = 60;

const REFUSED: readonly KafkaErrorName[] = [
  "NOT_LEADER_OR_FOLLOWER",
  "UNKNOWN_TOPIC_OR_PARTITION",
  "NOT_ENOUGH_REPLICAS",
  "LEADER_NOT_AVAILABLE",
  "CORRUPT_MESSAGE",
  "MESSAGE_TOO_LARGE",
  "OUT_OF_ORDER_SEQUENCE_NUMBER",
  "UNKNOWN_PRODUCER_ID",
  "INVALID_PRODUCER_EPOCH",
];
const SERVED: readonly KafkaErrorName[] = ["REQUEST_TIMED_OUT", "NOT_ENOUGH_REPLICAS_AFTER_APPEND", "KAFKA_STORAGE_ERROR"];

const faults: fc.Arbitrary<Fault> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Fault>("none") },
  { weight: 6, arbitrary: fc.constantFrom<Fault>("lost-request", "lost-reply", "cut-reply", "garbled-reply") },
  { weight: 4, arbitrary: fc.constantFrom(...REFUSED).map((refused): Fault => ({ refused })) },
  { weight: 2, arbitrary: fc.constantFrom(...SERVED).map((served): Fault => ({ served })) },
);

/** Faults for the first requests, in this order; later ones pass. */
function faulty(broker: Broker, script: readonly Fault[], options: Partial<ProducerOptions> = {}): ProducerApi {
  let at = 0;
  return openProducer(faultyIo(io, () => script[at++] ?? "none"), {
    bootstrapServers: broker.bootstrapServers,
    retryBackoffMs: 1,
    retryBackoffMaxMs: 3,
    lingerMs: 0,
    ...options,
  });
}

const valuesOf = async (broker: Broker, topic: string, partition = 0): Promise<readonly string[]> =>
  (await recordsOf(broker.bootstrapServers, topic, partition)).map(({ value }) => new TextDecoder().decode(value!));

test("whatever faults there are, each record is in the log once and in its place", async () => {
  await using broker = await Broker.start({ storage: "memory", settings: { "num.partitions": String(PARTITIONS) } });
  let round = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(faults, { maxLength: 25 }),
      fc.constantFrom(1, 2, 5),
      fc.constantFrom(80, 200, 2_000),
      fc.constantFrom("none" as const, "gzip" as const),
      async (script, inFlightMax, batchBytes, compression) => {
        const topic = `faults-${round++}`;
        await using producer = faulty(broker, script, { inFlightMax, batchBytes, compression });
        const sending = Array.from({ length: RECORDS }, (_, i) => producer.send({ topic, value: `${i}`, partition: i % PARTITIONS }));
        const sent = await Promise.all(sending);
        for (let partition = 0; partition < PARTITIONS; partition++) {
          const here = Array.from({ length: RECORDS }, (_, i) => i).filter((i) => i % PARTITIONS === partition);
          expect(await valuesOf(broker, topic, partition)).toEqual(here.map(String));
          // -1 where the broker only says that it has them already.
          here.forEach((i, offset) => expect([offset, -1]).toContain(sent[i]!.offset));
        }
      },
    ),
    { numRuns: 60, endOnFailure: true },
  );
}, 60_000);

test("a batch whose reply was lost is found in the log by its retry, with its offset", async () => {
  await using broker = await Broker.start({ storage: "memory", topics: ["orders"] });
  await using producer = faulty(broker, ["none", "lost-reply"]);
  await producer.send({ topic: "orders", value: "0" });
  expect(await producer.send({ topic: "orders", value: "1" })).toMatchObject({ offset: 1 });
  expect(await producer.send({ topic: "orders", value: "2" })).toMatchObject({ offset: 2 });
  expect(await valuesOf(broker, "orders")).toEqual(["0", "1", "2"]);
});

test("records of a batch that the broker cannot take leave no gap for those behind them", async () => {
  await using broker = await Broker.start({ storage: "memory", topics: ["orders"] });
  await using producer = faulty(broker, ["none", { refused: "INVALID_RECORD" }], { batchBytes: 1, inFlightMax: 5 });
  await producer.send({ topic: "orders", value: "first" });
  const outcomes = await Promise.allSettled(["bad", "b", "c", "d"].map((value) => producer.send({ topic: "orders", value })));
  expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "fulfilled", "fulfilled", "fulfilled"]);
  expect(await valuesOf(broker, "orders")).toEqual(["first", "b", "c", "d"]);
});

/** A producer whose clock moves only while the test waits: its delivery timeout does not depend on how busy the machine is. */
function timed(broker: Broker, next: () => Fault) {
  const time = new ManualTime();
  const manual = { ...io, clock: time.clock, timers: time.timers, deadlines: createDeadlines(time.clock, time.timers) };
  const producer = openProducer(faultyIo(manual, next), {
    bootstrapServers: broker.bootstrapServers,
    lingerMs: 0,
    deliveryTimeoutMs: 10_000,
  });
  const outcomeOf = async (value: string): Promise<unknown> => {
    let outcome: unknown = null;
    producer.send({ topic: "orders", value }).then((sent) => outcome = sent, (error) => outcome = error);
    // Some turns of the event loop for every bit of time: what is on its way arrives before a deadline passes.
    for (; outcome === null; time.advance(20)) for (let i = 0; i < 5; i++) await time.settle();
    return outcome;
  };
  return { producer, outcomeOf };
}

test("after the delivery timeout the outcome is unknown, the error says so, and what follows is neither lost nor doubled", async () => {
  await using broker = await Broker.start({ storage: "memory", topics: ["orders"] });
  // Served again and again, and never told so.
  let fault: Fault = "none";
  const { producer, outcomeOf } = timed(broker, () => fault);
  await using _ = producer;
  expect(await outcomeOf("0")).toMatchObject({ offset: 0 });
  fault = { served: "REQUEST_TIMED_OUT" };
  const error = await outcomeOf("1");
  expect(error).toBeInstanceOf(KafkaError);
  expect(error).toMatchObject({ error: "REQUEST_TIMED_OUT", isOutcomeUnknown: true });
  expect((error as KafkaError).message).toBe(
    'Cannot deliver records to "orders-0" in 10000 ms: whether the broker has written them is unknown',
  );
  fault = "none";
  expect(await outcomeOf("2")).toMatchObject({ offset: 2 });
  expect(await valuesOf(broker, "orders")).toEqual(["0", "1", "2"]);
});

test("records that nobody took in time were not written, and the error says so", async () => {
  await using broker = await Broker.start({ storage: "memory", topics: ["orders"] });
  let fault: Fault = "none";
  const { producer, outcomeOf } = timed(broker, () => fault);
  await using _ = producer;
  expect(await outcomeOf("0")).toMatchObject({ offset: 0 });
  fault = { refused: "NOT_LEADER_OR_FOLLOWER" };
  const error = await outcomeOf("1");
  expect(error).toMatchObject({ error: "REQUEST_TIMED_OUT", isOutcomeUnknown: false });
  expect((error as KafkaError).message).toContain("they were not written");
  expect(await valuesOf(broker, "orders")).toEqual(["0"]);
});

test("without idempotence records may be doubled, but none is lost", async () => {
  await using broker = await Broker.start({ storage: "memory", topics: ["orders"] });
  await using producer = faulty(broker, ["none", "lost-reply", "lost-request", "cut-reply"], { idempotent: false, batchBytes: 1 });
  const values = Array.from({ length: 20 }, (_, i) => `${i}`);
  await Promise.all(values.map((value) => producer.send({ topic: "orders", value })));
  expect([...new Set(await valuesOf(broker, "orders"))].toSorted((a, b) => Number(a) - Number(b))).toEqual(values);
});
