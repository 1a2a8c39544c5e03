/** What a node holds, written and read over its Kafka port: topics with records in several segments, committed offsets, a setting. */
import {
  CreateTopics,
  DescribeConfigs,
  encodeBatch,
  errorName,
  Fetch,
  FindCoordinator,
  forEachBatch,
  ListOffsets,
  Metadata,
  OffsetCommit,
  OffsetFetch,
  Produce,
  readBatchHeader,
  ZERO_UUID,
} from "../../../lib/protocol/mod.ts";
import { KafkaClient } from "../../node/kafka_client.ts";

/** Each batch as base offset and checksum, from the first offset on; or the error that was told instead. */
export type PartitionContent = { readonly from: number; readonly to: number; readonly batches: readonly string[] } | {
  readonly error: string;
};

export interface Content {
  readonly topics: readonly string[];
  /** `retention.ms` of the first topic. */
  readonly setting: string | null;
  /** Of the group "readers", or the error. */
  readonly committed: number | string;
  readonly partitions: ReadonlyMap<string, PartitionContent>;
}

export const TOPICS = [{ name: "orders", partitions: 2 }, { name: "clicks", partitions: 1 }];
const RECORD_BYTES = 30_000;
const SETTING = "345600000";
const WAIT_MS = 10_000;

export async function createTopics(client: KafkaClient): Promise<void> {
  const { topics } = await client.ask(CreateTopics, 7, {
    topics: TOPICS.map(({ name, partitions }) => ({
      name,
      numPartitions: partitions,
      replicationFactor: -1,
      assignments: [],
      configs: [{ name: "segment.bytes", value: "1048576" }, { name: "retention.ms", value: SETTING }],
    })),
    timeoutMs: WAIT_MS,
    validateOnly: false,
  });
  for (const { name, errorCode } of topics) if (errorCode !== 0) throw new Error(`Cannot create "${name}": ${errorName(errorCode)}`);
}

/** One batch of about `bytes` to every partition, other ones for another `seed`; by an idempotent producer if `sequence` says so. */
export async function produce(client: KafkaClient, seed: number, { bytes = RECORD_BYTES, sequence = -1 } = {}): Promise<void> {
  const producer = sequence < 0 ? {} : { producerId: 4711, producerEpoch: 0, baseSequence: sequence };
  const batch = (partition: number) => {
    // Partitions differ in size too.
    const value = noise(seed * 16 + partition, bytes + 100 * partition);
    return encodeBatch({ records: [{ key: null, value, timestamp: 1_700_000_000_000 + seed, headers: [] }], ...producer });
  };
  const { responses } = await client.ask(Produce, 9, {
    acks: -1,
    timeoutMs: WAIT_MS,
    topicData: TOPICS.map(({ name, partitions }) => ({
      name,
      topicId: ZERO_UUID,
      partitionData: Array.from({ length: partitions }, (_, index) => ({ index, records: batch(index) })),
    })),
  });
  for (const { name, partitionResponses } of responses) {
    for (const { index, errorCode } of partitionResponses) {
      if (errorCode !== 0) throw new Error(`Cannot produce to "${name}-${index}": ${errorName(errorCode)}`);
    }
  }
}

/** Bytes that no codec makes smaller. */
function noise(seed: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = Math.imul(seed + 1, 2654435761) >>> 0;
  for (let i = 0; i < length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[i] = state;
  }
  return bytes;
}

export async function commit(client: KafkaClient, offset: number): Promise<void> {
  // The first such question makes the topic of the offsets.
  await client.ask(FindCoordinator, 4, { keyType: 0, coordinatorKeys: ["readers"] });
  for (let asked = 0;; asked++) {
    const { topics } = await client.ask(OffsetCommit, 8, {
      groupId: "readers",
      memberId: "",
      topics: [{ name: "orders", topicId: ZERO_UUID, partitions: [{ partitionIndex: 0, committedOffset: offset, committedMetadata: "" }] }],
    });
    const { errorCode } = topics[0]!.partitions[0]!;
    if (errorCode === 0) return;
    if (asked === 100) throw new Error(`Cannot commit: ${errorName(errorCode)}`);
    await Bun.sleep(20);
  }
}

export async function read(client: KafkaClient): Promise<Content> {
  const { topics } = await client.ask(Metadata, 12, { topics: null, allowAutoTopicCreation: false });
  const names = topics.map(({ name }) => name ?? "").sort();
  const partitions = new Map<string, PartitionContent>();
  for (const { name, partitions: count } of TOPICS) {
    for (let index = 0; index < count; index++) partitions.set(`${name}-${index}`, await readPartition(client, name, index));
  }
  const { results } = await client.ask(DescribeConfigs, 4, {
    resources: [{ resourceType: 2, resourceName: "orders", configurationKeys: ["retention.ms"] }],
    includeSynonyms: false,
    includeDocumentation: false,
  });
  return { topics: names, setting: results[0]?.configs[0]?.value ?? null, committed: await committed(client), partitions };
}

async function readPartition(client: KafkaClient, topic: string, index: number): Promise<PartitionContent> {
  const bounds: number[] = [];
  for (const timestamp of [-2, -1]) {
    const { topics } = await client.ask(ListOffsets, 7, {
      replicaId: -1,
      topics: [{ name: topic, partitions: [{ partitionIndex: index, timestamp }] }],
    });
    const { errorCode, offset } = topics[0]!.partitions[0]!;
    if (errorCode !== 0) return { error: errorName(errorCode) };
    bounds.push(offset);
  }
  const [from = -1, to = -1] = bounds;
  const batches: string[] = [];
  for (let at = from; at < to;) {
    const { responses } = await client.ask(Fetch, 12, {
      maxWaitMs: 0,
      minBytes: 1,
      topics: [{ topic, topicId: ZERO_UUID, partitions: [{ partition: index, fetchOffset: at, partitionMaxBytes: 4_000_000 }] }],
    });
    const { errorCode, records } = responses[0]!.partitions[0]!;
    if (errorCode !== 0) return { error: errorName(errorCode) };
    const before = at;
    for (const bytes of records === null ? [] : [records].flat()) {
      forEachBatch(bytes, (start) => {
        const { baseOffset, lastOffsetDelta, crc } = readBatchHeader(bytes, start);
        if (baseOffset !== at) throw new Error(`"${topic}-${index}" goes from offset ${at} to ${baseOffset}`);
        batches.push(`${baseOffset}:${crc}`);
        at = baseOffset + lastOffsetDelta + 1;
      });
    }
    if (at === before) throw new Error(`"${topic}-${index}" ends at offset ${to}, but a fetch at ${at} brings nothing`);
  }
  return { from, to, batches };
}

async function committed(client: KafkaClient): Promise<number | string> {
  for (let asked = 0;; asked++) {
    const { groups } = await client.ask(OffsetFetch, 8, { groups: [{ groupId: "readers", topics: null }] });
    const { errorCode, topics } = groups[0]!;
    const name = errorCode === 0 ? null : errorName(errorCode);
    if (name === "COORDINATOR_LOAD_IN_PROGRESS" && asked < 100) {
      await Bun.sleep(10);
      continue;
    }
    return name ?? topics[0]?.partitions[0]?.committedOffset ?? -1;
  }
}

/** What is wrong with `now`, when `before` was acknowledged: an error that is told is no loss. */
export function losses(before: Content, now: Content): readonly string[] {
  const found: string[] = [];
  for (const topic of before.topics) if (!now.topics.includes(topic)) found.push(`topic "${topic}" is gone`);
  if (now.setting !== before.setting) found.push(`retention.ms is ${now.setting}, was ${before.setting}`);
  if (typeof now.committed === "number" && now.committed !== before.committed) {
    found.push(`committed is ${now.committed}, was ${before.committed}`);
  }
  for (const [name, was] of before.partitions) {
    const is = now.partitions.get(name)!;
    if ("error" in is || "error" in was) continue;
    if (is.from !== was.from) found.push(`${name} begins at ${is.from}, did at ${was.from}`);
    if (is.to < was.to) found.push(`${name} ends at ${is.to}, did at ${was.to}`);
    const at = was.batches.findIndex((batch, index) => is.batches[index] !== batch);
    if (at >= 0) found.push(`${name} has another batch ${at}: ${is.batches[at]} instead of ${was.batches[at]}`);
  }
  return found;
}

/** Errors that are told for `now`. */
export function refusals(now: Content): readonly string[] {
  const found = typeof now.committed === "string" ? [`committed: ${now.committed}`] : [];
  for (const [name, is] of now.partitions) if ("error" in is) found.push(`${name}: ${is.error}`);
  return found;
}
