/**
 * Clients that write histories: librdkafka in processes of its own, kafkajs and this repository's client in this one. Each goes on until it is
 * stopped, whatever becomes of the broker, and none of them knows of faults.
 */
import { join } from "node:path";
import { type Consumer as KafkajsConsumer, Kafka, logLevel } from "kafkajs";
import type { Assigned, Produced, Told } from "../../../lib/sim/mod.ts";
import { Admin, Consumer, KafkaError, Producer } from "../../../mod.ts";
import { type Asked, now, type Recorder } from "./history_recorder.ts";
import { WholeReplies } from "./whole_replies.ts";

export interface Where {
  readonly recorder: Recorder;
  /** Of the proxy. */
  readonly bootstrap: string;
  readonly topic: string;
  readonly partitions: number;
}

export interface Client {
  readonly name: string;
  /** Resolves when everything that it asked has its answer. */
  stop(): Promise<void>;
}

const SCRIPT = join(import.meta.dir, "history_client.py");
const QUICK = { requestTimeoutMs: 4_000, connectTimeoutMs: 4_000, retryBackoffMs: 20, retryBackoffMaxMs: 200, metadataMaxAgeMs: 1_000 };

// ── librdkafka ────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface ProcessClient extends Client {
  /** SIGKILL. */
  kill(): Promise<void>;
}

export function librdkafka(python: string, where: Where, log: string, name: string, args: readonly string[]): ProcessClient {
  const [mode, ...rest] = args as [string, ...string[]];
  const child = Bun.spawn([python, SCRIPT, mode, name, where.topic, ...rest], {
    env: { ...process.env, BOOTSTRAP: where.bootstrap },
    stdin: "pipe",
    stdout: "pipe",
    stderr: Bun.file(log),
  });
  const following = where.recorder.follow(child.stdout);
  const ended = async () => {
    const code = await child.exited;
    await following;
    where.recorder.gone(name);
    return code;
  };
  return {
    name,
    async stop() {
      child.stdin.write("stop\n");
      await child.stdin.end();
      const code = await ended();
      if (code !== 0) throw new Error(`${name} ended with ${code}: ${await Bun.file(log).text()}`);
    },
    async kill() {
      child.kill("SIGKILL");
      await ended();
    },
  };
}

// ── this repository's client ──────────────────────────────────────────────────────────────────────────────────────────

/** What a failure of our client says of the outcome. */
const toldOf = (error: unknown): Told => error instanceof KafkaError && !error.isOutcomeUnknown ? "failed" : "unknown";

/** Idempotent. With a short delivery timeout many of its records end as unknown or failed. */
export async function ownProducer(where: Where, name: string, deliveryTimeoutMs: number, draw: (count: number) => number): Promise<Client> {
  const { recorder, topic, partitions } = where;
  const producer = await Producer.connect({ bootstrapServers: where.bootstrap, ...QUICK, lingerMs: 1, deliveryTimeoutMs });
  let sequence = 0;
  const one = async (): Promise<void> => {
    const mark = `${name}:${String(sequence++).padStart(7, "0")}`;
    const asked: Asked = { client: name, askedAt: now(), topic, partition: draw(partitions), mark, idempotent: true };
    recorder.asked(asked);
    // Now and then a batch that is too large for one durable write, so that its round needs a sync.
    const bytes = draw(200) === 0 ? 160_000 : draw(500);
    try {
      const { offset } = await producer.send({ topic, partition: asked.partition, value: `${mark} ${"y".repeat(bytes)}` });
      recorder.told(asked, "ok", offset);
    } catch (error) {
      recorder.told(asked, toldOf(error));
    }
  };
  return looping(name, async () => void await Promise.all(Array.from({ length: 20 }, one)), () => producer.close());
}

/** Without a group, from the first offset on: whatever happens, it may leave nothing out and be given nothing twice. */
export async function ownReader(where: Where, name: string): Promise<Client> {
  const { recorder, topic, partitions } = where;
  const consumer = await Consumer.connect({ bootstrapServers: where.bootstrap, ...QUICK, autoOffsetReset: "none", fetchMaxWaitMs: 100 });
  const all = Array.from({ length: partitions }, (_, partition) => ({ topic, partition }));
  consumer.assign(all);
  for (const place of all) await consumer.seek(place, 0);
  const since = now();
  return looping(name, async () => {
    for (const { partition, offset, value } of await consumer.poll(200)) {
      const mark = markOf(value);
      recorder.add({ kind: "read", client: name, group: "", askedAt: since, toldAt: now(), topic, partition, offset, mark });
    }
  }, () => consumer.close());
}

/** Makes, grows, lists and deletes topics of its own. */
export async function ownAdmin(where: Where, name: string, draw: (count: number) => number): Promise<Client> {
  const { recorder } = where;
  const admin = await Admin.connect({ bootstrapServers: where.bootstrap, ...QUICK });
  const change = async (
    change: "createTopic" | "deleteTopic" | "createPartitions",
    topic: string,
    partition: number,
    ask: () => Promise<ReadonlyMap<string, { readonly ok: true } | { readonly ok: false; readonly error: KafkaError }>>,
  ): Promise<void> => {
    const at = now();
    let told: Told = "ok";
    try {
      const outcome = (await ask()).get(topic);
      if (outcome?.ok !== true) throw outcome?.error;
    } catch (error) {
      // A repeated request may meet what its first try did.
      const met = error instanceof KafkaError && /^(TOPIC_ALREADY_EXISTS|UNKNOWN_TOPIC_OR_PARTITION|INVALID_PARTITIONS)$/.test(error.error);
      told = met ? "unknown" : toldOf(error);
    }
    recorder.add({ kind: "changed", client: name, askedAt: at, toldAt: now(), change, topic, partition, detail: "", told });
  };
  let number = 0;
  return looping(name, async () => {
    const topic = `made-${number++ % 40}`;
    const partitions = 1 + draw(3);
    await change("createTopic", topic, partitions, () => admin.createTopics([{ name: topic, partitions }]));
    await list(where, name, admin);
    if (draw(2) === 0) {
      await change("createPartitions", topic, partitions + 2, () => admin.createPartitions({ [topic]: partitions + 2 }));
      await list(where, name, admin);
    }
    const old = `made-${draw(40)}`;
    await change("deleteTopic", old, 0, () => admin.deleteTopics([old]));
  }, () => admin.close());
}

async function list({ recorder }: Where, client: string, admin: Admin): Promise<void> {
  const at = now();
  try {
    const topics = Object.fromEntries((await admin.listTopics()).map(({ name, partitions }) => [name, partitions.length]));
    recorder.add({ kind: "listed", client, askedAt: at, toldAt: now(), topics });
  } catch (error) {
    // Nothing was answered, so there is nothing to judge.
    if (!(error instanceof KafkaError)) throw error;
  }
}

/** After everything was healed: topics, what groups have committed, and every record. */
export async function ownWhole(where: Where, reader: string, groups: readonly string[]): Promise<void> {
  const { recorder, topic, partitions, bootstrap } = where;
  await using admin = await Admin.connect({ bootstrapServers: bootstrap, ...QUICK });
  await using consumer = await Consumer.connect({ bootstrapServers: bootstrap, ...QUICK, autoOffsetReset: "none" });
  await list(where, reader, admin);
  for (const group of groups) {
    const at = now();
    const committed = await admin.listGroupOffsets(group);
    const told = { client: reader, group, topic, askedAt: at, toldAt: now() };
    for (let partition = 0; partition < partitions; partition++) {
      const offset = committed.find((row) => row.topic === topic && row.partition === partition)?.offset ?? -1;
      recorder.add({ kind: "fetched", ...told, partition, offset });
    }
  }
  for (let partition = 0; partition < partitions; partition++) {
    const bounds = await admin.listOffsets([{ topic, partition, position: "earliest" }, { topic, partition, position: "latest" }]);
    const [logStart, end] = bounds.map((outcome) => {
      if (!outcome.ok) throw outcome.error;
      return outcome.value ?? 0;
    }) as [number, number];
    const records: [number, string][] = [];
    consumer.assign([{ topic, partition }]);
    await consumer.seek({ topic, partition }, logStart);
    while ((records.at(-1)?.[0] ?? logStart - 1) < end - 1) {
      for (const { offset, value } of await consumer.poll(5_000)) if (offset < end) records.push([offset, markOf(value)]);
    }
    recorder.add({ kind: "whole", reader, topic, partition, logStart, end, records });
  }
}

// ── kafkajs ───────────────────────────────────────────────────────────────────────────────────────────────────────────

const kafkajs = ({ bootstrap }: Where, retries: number) =>
  new Kafka({
    brokers: [bootstrap],
    logLevel: logLevel.NOTHING,
    requestTimeout: 4_000,
    connectionTimeout: 2_000,
    socketFactory: ({ host, port, onConnect }) => new WholeReplies().connect({ host, port }, onConnect),
    retry: { retries, initialRetryTime: 30, maxRetryTime: 300 },
  });

/** Not idempotent: what it repeats may be there twice. */
export async function kafkajsProducer(where: Where, name: string, draw: (count: number) => number): Promise<Client> {
  const { recorder, topic, partitions } = where;
  const producer = kafkajs(where, 8).producer({ metadataMaxAge: 1_000 });
  await producer.connect();
  let sequence = 0;
  return looping(name, async () => {
    const at = now();
    const partition = draw(partitions);
    const asked = Array.from({ length: 5 }, (): Asked => {
      const mark = `${name}:${String(sequence++).padStart(7, "0")}`;
      return { client: name, askedAt: at, topic, partition, mark, idempotent: false };
    });
    for (const one of asked) recorder.asked(one);
    let first: number | null = null;
    try {
      const messages = asked.map(({ mark }) => ({ partition, value: `${mark} ${"z".repeat(draw(300))}` }));
      first = Number((await producer.send({ topic, acks: -1, messages }))[0]!.baseOffset);
    } catch (error) {
      if (!(error instanceof Error && error.name.startsWith("KafkaJS"))) throw error;
    }
    asked.forEach((one, index) => recorder.told(one, first === null ? "unknown" : "ok", first === null ? -1 : first + index));
  }, () => producer.disconnect());
}

/** Commits what it was given, and calls itself anew with each assignment, whose generation it says only with the next heartbeat. */
export async function kafkajsMember(where: Where, name: string, group: string): Promise<Client> {
  const { recorder, topic } = where;
  const consumer: KafkajsConsumer = kafkajs(where, 50).consumer({
    groupId: group,
    sessionTimeout: 6_000,
    heartbeatInterval: 500,
    maxWaitTimeInMs: 100,
    retry: { retries: 50, initialRetryTime: 30, maxRetryTime: 300, restartOnFailure: () => Promise.resolve(true) },
  });
  let stint = 0;
  let client = `${name}#0`;
  let since = now();
  let joined: Omit<Assigned, "generation"> | null = null;
  let membership = { member: name, generation: -1 };
  const seen = ({ payload }: { readonly payload: { readonly memberId: string; readonly groupGenerationId: number } }): void => {
    membership = { member: payload.memberId, generation: payload.groupGenerationId };
    if (joined?.member === payload.memberId) recorder.add({ ...joined, generation: payload.groupGenerationId });
    joined = null;
  };
  consumer.on("consumer.group_join", ({ payload: { memberId, memberAssignment, duration } }) => {
    client = `${name}#${++stint}`;
    since = now();
    const partitions = Object.entries(memberAssignment).flatMap(([of, numbers]) => numbers.map((partition) => `${of}-${partition}`));
    joined = { kind: "assigned", client, group, member: memberId, askedAt: since - duration, toldAt: since, partitions };
  });
  consumer.on("consumer.heartbeat", seen);
  consumer.on("consumer.commit_offsets", seen);
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    async eachBatch({ batch: { partition, messages }, isRunning, isStale }) {
      const of = { client, group, topic, partition };
      let next = -1;
      for (const { offset, value } of messages) {
        if (!isRunning() || isStale()) break;
        next = Number(offset) + 1;
        recorder.add({ kind: "read", ...of, askedAt: since, toldAt: now(), offset: Number(offset), mark: markOf(value) });
      }
      if (next < 0) return;
      const at = now();
      let told: Told = "ok";
      try {
        await consumer.commitOffsets([{ topic, partition, offset: String(next) }]);
      } catch (error) {
        told = "unknown";
        throw error;
      } finally {
        recorder.add({ kind: "committed", ...of, ...membership, askedAt: at, toldAt: now(), offset: next, told });
      }
    },
  });
  return { name, stop: () => consumer.disconnect() };
}

// ── all ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Runs `step` again and again; `stop` lets the one under way come to its end. */
function looping(name: string, step: () => Promise<void>, close: () => Promise<void>): Client {
  let isRunning = true;
  const running = (async () => {
    while (isRunning) await step();
  })();
  // It is told by `stop`, however early it happened.
  running.catch(() => {});
  return {
    name,
    async stop() {
      isRunning = false;
      await running;
      await close();
    },
  };
}

const markOf = (value: Uint8Array | null): Produced["mark"] => new TextDecoder().decode(value ?? undefined).split(" ", 1)[0]!;
