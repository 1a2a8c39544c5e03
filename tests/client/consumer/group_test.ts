/** Several consumers of one group against an embedded broker: they come, go, fall silent and are cut off; nothing may be left unread. */
import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Assignor, ConsumerApi, ConsumerOptions } from "../../../lib/client/types.ts";
import { Broker } from "../../../mod.ts";
import { append, clusterOf, consumer, cuttable, pollUntil, readTogether, textOf, Told, valuesOf } from "./setup.ts";

const QUICK = { "group.min.session.timeout.ms": "50" };
const NAMES: readonly Assignor[] = ["range", "roundrobin", "sticky", "cooperative-sticky"];
const count = (consumers: readonly ConsumerApi[]) => consumers.map(({ assignment }) => assignment.length);
const shared = (consumers: readonly ConsumerApi[], partitions: number) =>
  new Set(consumers.flatMap(({ assignment }) => assignment.map(({ topic, partition }) => `${topic}-${partition}`))).size === partitions &&
  count(consumers).reduce((sum, n) => sum + n, 0) === partitions;

const brokerWith = (partitions: number, topics: readonly string[] = ["t"]) =>
  Broker.start({ storage: "memory", topics: topics.map((name) => ({ name, partitions })), settings: QUICK });
const member = (broker: Broker, told: Told, options: Partial<ConsumerOptions> = {}, on = cuttable().io) =>
  consumer(broker, { groupId: "g", sessionTimeoutMs: 5_000, ...told.callbacks, ...options }, on);

for (const name of NAMES) {
  describe(`a group with ${name}`, () => {
    test("shares its partitions, levels them when one joins, and reads on when one leaves", async () => {
      await using broker = await brokerWith(6);
      await using cluster = clusterOf(broker);
      const told = [new Told(), new Told(), new Told()];
      const [a, b, c] = told.map((one) => member(broker, one, { assignors: [name] })) as [ConsumerApi, ConsumerApi, ConsumerApi];
      const seen = new Map<string, number>();
      const note = (records: readonly { value: Uint8Array | null }[]) => {
        for (const { value } of records) seen.set(textOf(value)!, (seen.get(textOf(value)!) ?? 0) + 1);
      };
      let sent = 0;
      const produce = async () => {
        for (let partition = 0; partition < 6; partition++) await append(cluster, "t", partition, [`${sent++}`]);
      };
      a.subscribe(["t"]);
      await produce();
      await readTogether([a], () => a.assignment.length === 6 && seen.size === sent, note);
      b.subscribe(["t"]);
      c.subscribe(["t"]);
      await readTogether([a, b, c], () => shared([a, b, c], 6) && count([a, b, c]).every((n) => n === 2), note);
      await produce();
      await readTogether([a, b, c], () => seen.size === sent, note);
      await a.poll(0);
      await a.close();
      await readTogether([b, c], () => shared([b, c], 6) && count([b, c]).every((n) => n === 3), note);
      await produce();
      await readTogether([b, c], () => seen.size === sent, note);
      // What was followed by another read was committed before it changed hands.
      expect([...seen.values()].every((times) => times === 1)).toBe(true);
      for (const [i, one] of [b, c].entries()) {
        await one.close();
        expect(told[i + 1]!.holds.size).toBe(0);
      }
    });
  });
}

for (const name of ["range", "cooperative-sticky"] as const) {
  describe(`a group with ${name}`, () => {
    test("takes over what a member that was cut off has left, and the member is told that it lost it", async () => {
      await using broker = await brokerWith(4);
      await using cluster = clusterOf(broker);
      const told = [new Told(), new Told()];
      const wire = cuttable();
      const options = { assignors: [name], retryBackoffMaxMs: 50 };
      await using a = member(broker, told[0]!, { ...options, sessionTimeoutMs: 700 }, wire.io);
      await using b = member(broker, told[1]!, options);
      a.subscribe(["t"]);
      b.subscribe(["t"]);
      await readTogether([a, b], () => shared([a, b], 4) && count([a, b]).every((n) => n === 2));
      wire.cut();
      await readTogether([a, b], () => b.assignment.length === 4);
      wire.mend();
      await readTogether([a, b], () => shared([a, b], 4) && count([a, b]).every((n) => n === 2));
      expect(told[0]!.events.filter((event) => event.startsWith("lost"))).not.toEqual([]);
      for (let partition = 0; partition < 4; partition++) await append(cluster, "t", partition, [`${partition}`]);
      const seen: (string | null)[] = [];
      await readTogether([a, b], () => seen.length === 4, (records) => seen.push(...valuesOf(records)));
      expect(seen.toSorted()).toEqual(["0", "1", "2", "3"]);
    }, 30_000);
  });
}

describe("cooperative-sticky", () => {
  test("takes away only what moves; the rest is read on meanwhile", async () => {
    await using broker = await brokerWith(6);
    const told = [new Told(), new Told()];
    const options = { assignors: ["cooperative-sticky"] as const };
    await using a = member(broker, told[0]!, options);
    await using b = member(broker, told[1]!, options);
    a.subscribe(["t"]);
    await readTogether([a], () => a.assignment.length === 6);
    b.subscribe(["t"]);
    await readTogether([a, b], () => shared([a, b], 6) && count([a, b]).every((n) => n === 3));
    expect(told[0]!.events.filter((event) => event.startsWith("revoked")).map((event) => event.split(" ").length - 1)).toEqual([3]);
    expect(told[1]!.events.filter((event) => event.startsWith("revoked"))).toEqual([]);
  });

  test("a topic that is dropped from the subscription is given up, and the others stay", async () => {
    await using broker = await brokerWith(2, ["t", "u"]);
    const told = new Told();
    await using a = member(broker, told, { assignors: ["cooperative-sticky"] });
    a.subscribe(["t", "u"]);
    await readTogether([a], () => a.assignment.length === 4);
    a.subscribe(["t"]);
    await readTogether([a], () => told.events.length >= 3);
    expect(a.assignment.map(({ topic }) => topic)).toEqual(["t", "t"]);
    expect(told.events.slice(0, 2)).toEqual(["assigned t-0 t-1 u-0 u-1", "revoked u-0 u-1"]);
  });
});

describe("static members", () => {
  test("come back to what they had without a rebalance, and two of one name do not stand side by side", async () => {
    await using broker = await brokerWith(4);
    const told = [new Told(), new Told()];
    const options = (groupInstanceId: string) => ({ assignors: ["range"] as const, groupInstanceId });
    const a = member(broker, told[0]!, options("one"));
    await using b = member(broker, told[1]!, options("two"));
    a.subscribe(["t"]);
    b.subscribe(["t"]);
    await readTogether([a, b], () => shared([a, b], 4) && count([a, b]).every((n) => n === 2));
    const before = a.assignment;
    const events = told[1]!.events.length;
    await a.close();
    await using again = member(broker, new Told(), options("one"));
    again.subscribe(["t"]);
    await readTogether([again, b], () => again.assignment.length === 2);
    expect(again.assignment).toEqual(before);
    expect(told[1]!.events.length).toBe(events);
    await using double = member(broker, new Told(), options("one"));
    double.subscribe(["t"]);
    const [outcome] = await Promise.allSettled([
      pollUntil(again, () => false),
      pollUntil(double, () => double.assignment.length === 2),
    ]);
    expect(outcome).toMatchObject({ status: "rejected", reason: { error: "FENCED_INSTANCE_ID" } });
  });
});

describe("topics", () => {
  test("that grow, come or begin to match are read without anybody asking", async () => {
    await using broker = await brokerWith(1, ["orders-a"]);
    await using cluster = clusterOf(broker);
    const told = [new Told(), new Told()];
    await using pattern = member(broker, told[0]!, { groupId: "p", metadataMaxAgeMs: 50 });
    await using named = member(broker, told[1]!, { groupId: "n", metadataMaxAgeMs: 50, retryBackoffMaxMs: 50 });
    pattern.subscribe(/^orders-/g);
    named.subscribe(["orders-a", "orders-b"]);
    await readTogether([pattern, named], () => pattern.assignment.length === 1 && named.assignment.length === 1);
    await broker.createTopic("orders-b", { partitions: 2 });
    await broker.createTopic("other");
    await readTogether([pattern, named], () => pattern.assignment.length === 3 && named.assignment.length === 3);
    await append(cluster, "orders-b", 1, ["new"]);
    expect(valuesOf(await pollUntil(pattern, ({ length }) => length === 1))).toEqual(["new"]);
    expect(valuesOf(await pollUntil(named, ({ length }) => length === 1))).toEqual(["new"]);
    await broker.deleteTopic("orders-a");
    await readTogether([pattern], () => pattern.assignment.length === 2);
  }, 30_000);
});

describe("an application that stops reading", () => {
  test("loses its partitions to the others, is told so by its next read, and may come back", async () => {
    await using broker = await brokerWith(2);
    const told = [new Told(), new Told()];
    await using a = member(broker, told[0]!, { maxPollIntervalMs: 500 });
    await using b = member(broker, told[1]!);
    a.subscribe(["t"]);
    b.subscribe(["t"]);
    await readTogether([a, b], () => shared([a, b], 2) && count([a, b]).every((n) => n === 1));
    await readTogether([b], () => b.assignment.length === 2);
    expect(a.assignment.length).toBe(1);
    await readTogether([a, b], () => shared([a, b], 2) && count([a, b]).every((n) => n === 1));
    expect(told[0]!.events.filter((event) => event.startsWith("lost"))).not.toEqual([]);
  }, 30_000);

  test("cannot commit what it lost", async () => {
    await using broker = await brokerWith(1);
    await using cluster = clusterOf(broker);
    await append(cluster, "t", 0, ["a"]);
    await using a = member(broker, new Told(), { maxPollIntervalMs: 150, autoCommitIntervalMs: null });
    await using b = member(broker, new Told(), { maxPollIntervalMs: 10_000, autoCommitIntervalMs: null });
    a.subscribe(["t"]);
    await pollUntil(a, ({ length }) => length === 1);
    b.subscribe(["t"]);
    await readTogether([b], () => b.assignment.length === 1);
    await expect(a.commit()).rejects.toMatchObject({ name: "KafkaError", retriable: false });
    expect(await b.committed([{ topic: "t", partition: 0 }])).toEqual([null]);
  }, 30_000);
});

describe("callbacks", () => {
  test("may commit what is being revoked, and seek in what was assigned", async () => {
    await using broker = await brokerWith(1);
    await using cluster = clusterOf(broker);
    await append(cluster, "t", 0, ["a", "b", "c"]);
    const first: ConsumerApi = consumer(broker, {
      ...{ groupId: "g", autoCommitIntervalMs: null },
      onRevoked: () => first.commit(),
    });
    first.subscribe(["t"]);
    await pollUntil(first, ({ length }) => length === 3);
    await first.close();
    await using second: ConsumerApi = consumer(broker, {
      groupId: "g",
      onAssigned: async ([partition]) => {
        expect(await second.committed([partition!])).toMatchObject([{ offset: 3 }]);
        await second.seek(partition!, 1);
      },
    });
    second.subscribe(["t"]);
    expect(valuesOf(await pollUntil(second, ({ length }) => length === 2))).toEqual(["b", "c"]);
  });

  test("that fail are told by the read, and the consumer goes on", async () => {
    await using broker = await brokerWith(1);
    await using cluster = clusterOf(broker);
    await append(cluster, "t", 0, ["a"]);
    await using reader = consumer(broker, {
      groupId: "g",
      onAssigned: () => {
        throw new Error("no room");
      },
    });
    reader.subscribe(["t"]);
    await expect(pollUntil(reader, () => false)).rejects.toThrow("no room");
    expect(valuesOf(await pollUntil(reader, ({ length }) => length === 1))).toEqual(["a"]);
  });
});

test("a group goes on after its broker restarted", async () => {
  const place = mkdtempSync(join(tmpdir(), "barnabas-consumer-"));
  try {
    let broker = await Broker.start({ storage: place, topics: [{ name: "t", partitions: 2 }] });
    const listen = broker.bootstrapServers;
    const told = [new Told(), new Told()];
    await using a = member(broker, told[0]!, { sessionTimeoutMs: 6_000 });
    await using b = member(broker, told[1]!, { sessionTimeoutMs: 6_000 });
    a.subscribe(["t"]);
    b.subscribe(["t"]);
    const seen: (string | null)[] = [];
    const note = (records: Parameters<typeof valuesOf>[0]) => seen.push(...valuesOf(records));
    await readTogether([a, b], () => shared([a, b], 2) && count([a, b]).every((n) => n === 1), note);
    for (const round of [0, 1]) {
      await using cluster = clusterOf(broker);
      for (const partition of [0, 1]) await append(cluster, "t", partition, [`${round}${partition}`]);
      await readTogether([a, b], () => seen.length >= 2 * (round + 1), note);
      await broker.close();
      broker = await Broker.start({ storage: place, listen });
    }
    await using cluster = clusterOf(broker);
    for (const partition of [0, 1]) await append(cluster, "t", partition, [`2${partition}`]);
    await readTogether([a, b], () => new Set(seen).size === 6, note);
    await Promise.all([a.close(), b.close()]);
    await broker.close();
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}, 30_000);

test("whoever comes, goes or is cut off: every record is read, and nobody holds what another one holds", async () => {
  await using broker = await brokerWith(5);
  await using cluster = clusterOf(broker);
  const seen = new Set<string>();
  const cutOff: Promise<void>[] = [];
  let sent = 0;
  for (const [name, seed] of NAMES.map((name, i) => [name, 7 * (i + 1)] as const)) {
    let state = seed;
    const random = (below: number) => (state = (state * 48_271) % 0x7fffffff) % below;
    const members: { told: Told; wire: ReturnType<typeof cuttable>; one: ConsumerApi }[] = [];
    const note = (records: readonly { value: Uint8Array | null }[]) => {
      for (const { value } of records) seen.add(textOf(value)!);
    };
    for (let step = 0; step < 6; step++) {
      const move = members.length < 2 ? 0 : random(3);
      if (move === 0 && members.length < 5) {
        const [told, wire] = [new Told(), cuttable()];
        const options = { groupId: `${name}-${seed}`, assignors: [name], sessionTimeoutMs: 500, closeTimeoutMs: 500 };
        const one = member(broker, told, options, wire.io);
        one.subscribe(["t"]);
        members.push({ told, wire, one });
      } else {
        const [gone] = members.splice(random(members.length), 1);
        if (move === 1) {
          gone!.wire.cut();
          cutOff.push(gone!.one.close());
        } else await gone!.one.close();
      }
      for (let partition = 0; partition < 5; partition++) await append(cluster, "t", partition, [`${sent++}`]);
      await readTogether(members.map(({ one }) => one), () => seen.size === sent, note);
    }
    await readTogether(members.map(({ one }) => one), () => shared(members.map(({ one }) => one), 5), note);
    expect(members.flatMap(({ told }) => [...told.holds]).toSorted()).toEqual([0, 1, 2, 3, 4].map((n) => `t-${n}`));
    for (const { one } of members) await one.close();
  }
  await Promise.all(cutOff);
}, 60_000);
