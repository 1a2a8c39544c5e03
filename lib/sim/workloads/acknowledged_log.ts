/**
 * Producers that wait for every acknowledgement, and a reader behind them: what was acknowledged is durable when it is told, is read, once, and
 * in order.
 */
import { type ConsumerApi, KafkaError, openAdmin, openConsumer, openProducer, type ProducerApi } from "../../client/mod.ts";
import { Violation } from "../world.ts";
import type { History } from "../history.ts";
import type { Draws } from "../random.ts";
import type { Io } from "../../io/mod.ts";
import type { Workload, WorkloadContext } from "./types.ts";

const TOPIC = "acknowledged";

export const acknowledgedLog: Workload = {
  kind: "acknowledged log",

  plan(draws: Draws) {
    return {
      kind: "acknowledged log",
      clients: 1 + draws.below(3),
      operations: Math.floor(draws.skewed(20, 200)),
      knobs: {
        partitions: 1 + draws.below(3),
        valueBytes: Math.floor(draws.skewed(10, 2_000)),
        pauseMs: draws.skewed(1, 300),
        together: 1 + draws.below(8),
        lingerMs: draws.below(20),
        batchBytes: Math.floor(draws.skewed(100, 20_000)),
        requestTimeoutMs: Math.floor(draws.skewed(500, 30_000)),
        deliveryTimeoutMs: Math.floor(draws.skewed(2_000, 60_000)),
        idempotent: draws.below(2),
      },
    };
  },

  async run(context) {
    const { plan, world } = context;
    const io = context.machine("reader").start();
    await createTopic(io, context);
    const producers = Array.from({ length: plan.clients }, (_, at) => produce(context, `producer${at}`));
    let isOver = false;
    const reading = readAlong(io, context, () => isOver);
    await Promise.all(producers);
    isOver = true;
    await reading;
    world.mark("sim.acknowledged_log.over");
  },

  async finish(context, reader) {
    const io = context.machine(reader).start();
    const partitions = partitionsOf(context);
    const ends = await endsOf(io, context);
    const consumer = openConsumer(io, { bootstrapServers: context.bootstrap, autoOffsetReset: "earliest" });
    const records = new Map(partitions.map(({ partition }) => [partition, [] as [number, string][]]));
    consumer.assign(partitions);
    for (const { partition } of partitions) await consumer.seek({ topic: TOPIC, partition }, 0);
    await readTo(consumer, ends, (partition, offset, mark) => records.get(partition)!.push([offset, mark]));
    await consumer.close();
    for (const { partition } of partitions) {
      context.record({
        kind: "whole",
        topic: TOPIC,
        partition,
        reader,
        logStart: 0,
        end: ends.get(partition)!,
        records: records.get(partition)!,
      });
    }
  },

  oracles: [acknowledgedIsThere],
};

const partitionsOf = ({ plan }: WorkloadContext) =>
  Array.from({ length: plan.knobs["partitions"]! }, (_, partition) => ({ topic: TOPIC, partition }));

const text = new TextDecoder();
const markIn = (value: Uint8Array | null): string => text.decode(value!.subarray(0, value!.indexOf(0x20)));

async function createTopic(io: Io, { bootstrap, plan }: WorkloadContext): Promise<void> {
  const admin = openAdmin(io, { bootstrapServers: bootstrap, requestTimeoutMs: 10_000 });
  for (;;) {
    const rows = await admin.createTopics([{ name: TOPIC, partitions: plan.knobs["partitions"]! }]).catch((error: unknown) => error);
    if (rows instanceof Map) {
      const outcome = rows.get(TOPIC)!;
      if (outcome.ok || outcome.error.code === "TOPIC_ALREADY_EXISTS") break;
    } else if (!(rows instanceof KafkaError)) throw rows;
    await sleep(io, 100);
  }
  await admin.close();
}

async function produce(context: WorkloadContext, client: string): Promise<void> {
  const { plan, world, bootstrap } = context;
  const { valueBytes, pauseMs, together, lingerMs, batchBytes, requestTimeoutMs, deliveryTimeoutMs, idempotent } = plan.knobs as Required<
    typeof plan.knobs
  >;
  const machine = context.machine(client);
  const io = machine.start();
  const producer: ProducerApi = openProducer(io, {
    bootstrapServers: bootstrap,
    lingerMs: lingerMs!,
    batchBytes: batchBytes!,
    requestTimeoutMs: requestTimeoutMs!,
    deliveryTimeoutMs: deliveryTimeoutMs!,
    idempotent: idempotent === 1,
  });
  const draws = world.draws(`workload/${machine.name}`);
  const partitions = partitionsOf(context).length;
  let left = plan.operations;
  const loop = async (): Promise<void> => {
    while (left-- > 0) {
      const partition = draws.below(partitions);
      const mark = context.nextMark();
      const askedAt = world.now;
      const value = mark + " ".repeat(1 + draws.below(valueBytes!));
      const told = await producer.send({ topic: TOPIC, partition, value }).catch((error: unknown) => error);
      const offset = told instanceof Error ? -1 : (told as { offset: number }).offset;
      if (told instanceof Error && !(told instanceof KafkaError)) throw told;
      if (offset >= 0 && !context.isDurable(mark)) {
        throw new Violation(`"${mark}" was acknowledged at ${partition}/${offset} and is not durable`);
      }
      context.count(offset >= 0 ? "acknowledged" : "unknown");
      const outcome = offset >= 0 ? "ok" : "unknown";
      context.record({
        kind: "produced",
        client: machine.name,
        askedAt,
        toldAt: world.now,
        topic: TOPIC,
        partition,
        mark,
        told: outcome,
        offset,
        idempotent: idempotent === 1,
      });
      await sleep(io, draws.float() * 2 * pauseMs!);
    }
  };
  await Promise.all(Array.from({ length: together! }, loop));
  await producer.close();
}

/** Follows until everything is produced and read. */
async function readAlong(io: Io, context: WorkloadContext, isOver: () => boolean): Promise<void> {
  const consumer = openConsumer(io, { bootstrapServers: context.bootstrap, autoOffsetReset: "earliest", requestTimeoutMs: 10_000 });
  consumer.assign(partitionsOf(context));
  const next = new Map<number, number>();
  const take = (partition: number, offset: number, mark: string): void => {
    const expected = next.get(partition) ?? 0;
    if (offset !== expected) throw new Violation(`A reader was given ${partition}/${offset} (${mark}) after ${partition}/${expected - 1}`);
    next.set(partition, offset + 1);
    context.count("read");
  };
  while (!isOver()) for (const record of await consumer.poll(200)) take(record.partition, record.offset, markIn(record.value));
  await readTo(consumer, await endsOf(io, context), take);
  await consumer.close();
}

async function readTo(
  consumer: ConsumerApi,
  ends: ReadonlyMap<number, number>,
  take: (partition: number, offset: number, mark: string) => void,
): Promise<void> {
  const isBehind = () => [...ends].some(([partition, end]) => (consumer.position({ topic: TOPIC, partition }) ?? 0) < end);
  while (isBehind()) for (const { partition, offset, value } of await consumer.poll(200)) take(partition, offset, markIn(value));
}

async function endsOf(io: Io, context: WorkloadContext): Promise<ReadonlyMap<number, number>> {
  const admin = openAdmin(io, { bootstrapServers: context.bootstrap });
  for (;;) {
    const rows = await admin.listOffsets(partitionsOf(context).map((one) => ({ ...one, position: "latest" as const }))).catch((
      error: unknown,
    ) => error);
    if (Array.isArray(rows) && rows.every((row) => row.ok)) {
      await admin.close();
      return new Map(rows.map(({ partition, value }) => [partition, value]));
    }
    if (rows instanceof Error && !(rows instanceof KafkaError)) throw rows;
    await sleep(io, 100);
  }
}

const sleep = (io: Io, ms: number): Promise<void> => new Promise((resolve) => void io.timers.after(ms, resolve));

function acknowledgedIsThere(history: History): readonly string[] {
  const problems: string[] = [];
  const wholes = history.filter((event) => event.kind === "whole" && event.topic === TOPIC) as Extract<
    History[number],
    { kind: "whole" }
  >[];
  for (const { partition, records, reader, end, logStart } of wholes) {
    const at = new Map(records);
    if (records.length !== end - logStart) problems.push(`${reader} found ${records.length} of ${end - logStart} records in ${partition}`);
    const seen = new Set<string>();
    const twice = new Set(records.filter(([, mark]) => seen.size === seen.add(mark).size).map(([, mark]) => mark));
    for (const event of history) {
      if (event.kind !== "produced" || event.partition !== partition || event.topic !== TOPIC) continue;
      if (event.told === "ok" && at.get(event.offset) !== event.mark) {
        problems.push(
          `${event.mark} was acknowledged at ${partition}/${event.offset}, where ${reader} finds ${at.get(event.offset) ?? "nothing"}`,
        );
      }
      if (event.idempotent && twice.has(event.mark)) problems.push(`${event.mark} is twice in ${partition} (${reader})`);
    }
  }
  const byPartition = Map.groupBy(wholes, ({ partition }) => partition);
  for (const [partition, all] of byPartition) {
    const [first, ...others] = all.map(({ records }) => JSON.stringify(records));
    if (others.some((other) => other !== first)) problems.push(`Two readers found different records in ${partition}`);
  }
  return problems;
}
