/** CreateTopics, DeleteTopics and CreatePartitions: Kafka's checks, then records. It must not change the state it looks at. */
import { type NodeId, nodeId } from "../../protocol/mod.ts";
import type { Decision } from "../machine.ts";
import { done, type PartitionsToAdd, refused, type Row, type TopicKey, type TopicToCreate } from "./commands.ts";
import type { BrokerImage, PartitionImage, TopicImage } from "./image.ts";
import { newPartition, place } from "./placement.ts";
import type { MetadataRecord } from "./records.ts";
import { type MetadataRules, PARTITIONS_PER_REQUEST_MAX } from "./rules.ts";
import type { MetadataState } from "./state.ts";
import { isInternalTopic, RESERVED_TOPIC, topicNameProblem } from "./topic_name.ts";

type Rows = Decision<MetadataRecord, readonly Row<TopicImage>[]>;
type Placed = Row<readonly PartitionImage[]>;

export function createTopics(state: MetadataState, topics: readonly TopicToCreate[], rules: MetadataRules): Rows {
  const scratch = new RequestSoFar(state, rules);
  const rows = topics.map((topic): Row<TopicImage> => {
    const problem = nameRefusal(state, topic.name) ?? scratch.nameRefusal(topic.name);
    if (problem !== null) return problem;
    const configs = initialConfigs(topic, rules);
    if (!configs.ok) return configs;
    const partitions = topic.assignments.length > 0 ? manual(state, topic) : automatic(state, topic, rules, scratch);
    if (!partitions.ok) return partitions;
    const limit = limitRefusal(topic.name, partitions.value.length, partitions.value.length, scratch, rules);
    if (limit !== null) return limit;
    const { name, topicId } = topic;
    scratch.add(name, partitions.value.length);
    return done({ name, topicId, internal: isInternalTopic(name), partitions: partitions.value, configs: configs.value });
  });
  return { records: rows.flatMap((row): MetadataRecord[] => row.ok ? [{ type: "topicCreated", topic: row.value }] : []), reply: rows };
}

export function deleteTopics(state: MetadataState, topics: readonly TopicKey[]): Rows {
  const gone = new Set<string>();
  const rows = topics.map((key): Row<TopicImage> => {
    const byId = "topicId" in key;
    const topic = byId ? state.topicById(key.topicId) : state.topics.get(key.name) ?? null;
    if (topic === null) {
      return byId
        ? refused("UNKNOWN_TOPIC_ID", `Cannot delete the topic with id ${key.topicId}: it does not exist`)
        : refused("UNKNOWN_TOPIC_OR_PARTITION", `Cannot delete "${key.name}": it does not exist`);
    }
    if (gone.has(topic.name)) return refused("INVALID_REQUEST", `Cannot delete "${topic.name}": the request names it more than once`);
    gone.add(topic.name);
    return done(topic);
  });
  const records = rows.flatMap((row): MetadataRecord[] => row.ok ? [{ type: "topicDeleted", topicId: row.value.topicId }] : []);
  return { records, reply: rows };
}

export function createPartitions(state: MetadataState, requests: readonly PartitionsToAdd[], rules: MetadataRules): Rows {
  const scratch = new RequestSoFar(state, rules);
  const records: MetadataRecord[] = [];
  const rows = requests.map((request): Row<TopicImage> => {
    const added = partitionsToAdd(state, request, rules, scratch);
    if (!added.ok) return added;
    const topic = state.topics.get(request.topic)!;
    scratch.add(topic.name, added.value.length);
    records.push({ type: "partitionsAdded", topicId: topic.topicId, partitions: added.value });
    return done({ ...topic, partitions: [...topic.partitions, ...added.value] });
  });
  return { records, reply: rows };
}

function partitionsToAdd(state: MetadataState, request: PartitionsToAdd, rules: MetadataRules, scratch: RequestSoFar): Placed {
  const { totalCount, assignments } = request;
  const cannot = `Cannot add partitions to "${request.topic}"`;
  const topic = state.topics.get(request.topic);
  if (topic === undefined) return refused("UNKNOWN_TOPIC_OR_PARTITION", `${cannot}: it does not exist`);
  if (scratch.has(topic.name)) return refused("INVALID_REQUEST", `${cannot}: the request names it more than once`);
  const current = topic.partitions.length;
  const count = totalCount - current;
  if (count === 0) return refused("INVALID_PARTITIONS", `${cannot}: it already has ${current} partition(s)`);
  if (count < 0) {
    return refused("INVALID_PARTITIONS", `${cannot}: it has ${current} partition(s), ${totalCount} would not be an increase`);
  }
  const limit = limitRefusal(topic.name, totalCount, count, scratch, rules);
  if (limit !== null) return limit;
  const replicationFactor = topic.partitions[0]!.replicas.length;
  if (assignments === null) {
    const brokers = usableBrokers(state);
    if (replicationFactor > brokers.length) return tooFewBrokers(cannot, replicationFactor, brokers.length);
    const placed = place(brokers, count, replicationFactor, scratch.partitions);
    return done(placed.map((replicas, at) => newPartition(current + at, replicas)));
  }
  if (assignments.length !== count) {
    return refused("INVALID_REPLICA_ASSIGNMENT", `${cannot}: ${count} would be new, ${assignments.length} assignment(s) were given`);
  }
  const rows = assignments.map((replicas, at) => ({ partition: current + at, replicas }));
  return assigned(state, rows, cannot, replicationFactor);
}

/** What earlier rows of the same request use up. */
class RequestSoFar {
  readonly #names = new Set<string>();
  readonly #folded = new Map<string, string>();
  #added = 0;

  constructor(readonly state: MetadataState, readonly rules: MetadataRules) {}

  get partitions(): number {
    return this.state.partitionCount + this.#added;
  }
  get added(): number {
    return this.#added;
  }
  has(name: string): boolean {
    return this.#names.has(name);
  }
  add(name: string, partitions: number): void {
    this.#names.add(name);
    this.#folded.set(name.replaceAll(".", "_"), name);
    this.#added += partitions;
  }
  nameRefusal(name: string): Row<never> | null {
    if (this.#names.has(name)) return refused("INVALID_REQUEST", `Cannot create "${name}": the request names it more than once`);
    const other = this.#folded.get(name.replaceAll(".", "_"));
    return other === undefined ? null : collision(name, other);
  }
}

function nameRefusal(state: MetadataState, name: string): Row<never> | null {
  const problem = topicNameProblem(name);
  if (problem !== null) return refused("INVALID_TOPIC_EXCEPTION", problem);
  if (name === RESERVED_TOPIC) return refused("INVALID_REQUEST", `Cannot create "${name}": the name is reserved for the metadata`);
  if (state.topics.has(name)) return refused("TOPIC_ALREADY_EXISTS", `Cannot create "${name}": it already exists`);
  const other = state.collidingTopic(name);
  return other === null ? null : collision(name, other);
}

const collision = (name: string, other: string): Row<never> =>
  refused(
    "INVALID_TOPIC_EXCEPTION",
    `Cannot create "${name}": it differs from "${other}" only in "." and "_", which collide in metric names`,
  );

function initialConfigs(topic: TopicToCreate, rules: MetadataRules): Row<ReadonlyMap<string, string>> {
  const cannot = `Cannot create "${topic.name}"`;
  const configs = new Map<string, string>();
  for (const { name, value } of topic.configs) {
    if (value === null) return refused("INVALID_CONFIG", `${cannot}: setting "${name}" has no value`);
    const problem = rules.checkConfig("topic", name, value);
    if (problem !== null) return refused("INVALID_CONFIG", problem);
    configs.set(name, value);
  }
  const problem = rules.checkConfigs("topic", configs);
  return problem === null ? done(configs) : refused("INVALID_CONFIG", problem);
}

function automatic(state: MetadataState, topic: TopicToCreate, rules: MetadataRules, scratch: RequestSoFar): Placed {
  const cannot = `Cannot create "${topic.name}"`;
  const { partitions, replicationFactor } = topic;
  if (replicationFactor < -1 || replicationFactor === 0) {
    return refused(
      "INVALID_REPLICATION_FACTOR",
      `${cannot}: replication factor is ${replicationFactor}, it must be above 0, or -1 for the default`,
    );
  }
  if (partitions < -1 || partitions === 0) {
    return refused("INVALID_PARTITIONS", `${cannot}: number of partitions is ${partitions}, it must be above 0, or -1 for the default`);
  }
  const brokers = usableBrokers(state);
  const factor = replicationFactor === -1 ? rules.defaultReplicationFactor : replicationFactor;
  const count = partitions === -1 ? rules.defaultPartitions : partitions;
  if (factor > brokers.length) return tooFewBrokers(cannot, factor, brokers.length);
  const limit = limitRefusal(topic.name, count, count, scratch, rules);
  if (limit !== null) return limit; // before anything is placed: the count may be billions
  return done(place(brokers, count, factor, scratch.partitions).map((replicas, partition) => newPartition(partition, replicas)));
}

function manual(state: MetadataState, topic: TopicToCreate): Placed {
  const cannot = `Cannot create "${topic.name}"`;
  if (topic.replicationFactor !== -1) {
    return refused("INVALID_REQUEST", `${cannot}: replicas are assigned by hand, so the replication factor must be -1`);
  }
  if (topic.partitions !== -1) {
    return refused("INVALID_REQUEST", `${cannot}: replicas are assigned by hand, so the number of partitions must be -1`);
  }
  const rows = [...topic.assignments].sort((a, b) => a.partition - b.partition);
  for (const [at, { partition }] of rows.entries()) {
    if (partition === at) continue;
    const why = partition === rows[at - 1]?.partition ? `partition ${partition} is there twice` : `partition ${at} is missing`;
    return refused("INVALID_REPLICA_ASSIGNMENT", `${cannot}: the assignment must cover 0 to ${rows.length - 1}, ${why}`);
  }
  return assigned(state, rows, cannot, rows[0]!.replicas.length);
}

function assigned(
  state: MetadataState,
  rows: readonly { readonly partition: number; readonly replicas: readonly number[] }[],
  cannot: string,
  replicationFactor: number,
): Placed {
  for (const { partition, replicas } of rows) {
    const why = assignmentProblem(state, replicas, replicationFactor);
    if (why !== null) return refused("INVALID_REPLICA_ASSIGNMENT", `${cannot}: the assignment of partition ${partition} ${why}`);
  }
  return done(rows.map(({ partition, replicas }) => newPartition(partition, replicas.map(nodeId))));
}

function assignmentProblem(state: MetadataState, replicas: readonly number[], replicationFactor: number): string | null {
  if (replicas.length === 0) return "names no broker";
  if (new Set(replicas).size !== replicas.length) return "names a broker twice";
  const unknown = replicas.find((id) => !state.brokers.has(id as NodeId));
  if (unknown !== undefined) return `names broker ${unknown}, which is not registered`;
  if (replicas.length !== replicationFactor) return `has ${replicas.length} replica(s), the others have ${replicationFactor}`;
  return null;
}

function limitRefusal(topic: string, total: number, added: number, so: RequestSoFar, rules: MetadataRules): Row<never> | null {
  const cannot = `Cannot create ${added} partition(s) of "${topic}"`;
  if (so.added + added > PARTITIONS_PER_REQUEST_MAX) {
    return refused("POLICY_VIOLATION", `${cannot}: one request may create ${PARTITIONS_PER_REQUEST_MAX} partitions, split it`);
  }
  if (total > rules.partitionsPerTopicMax) {
    return refused("INVALID_PARTITIONS", `${cannot}: ${total} exceed the limit of ${rules.partitionsPerTopicMax} for a topic`);
  }
  if (so.partitions + added > rules.partitionsPerClusterMax) {
    return refused(
      "POLICY_VIOLATION",
      `${cannot}: the cluster has ${so.partitions} of at most ${rules.partitionsPerClusterMax} partitions`,
    );
  }
  return null;
}

const tooFewBrokers = (cannot: string, factor: number, brokers: number): Row<never> =>
  refused("INVALID_REPLICATION_FACTOR", `${cannot}: replication factor is ${factor}, the number of available brokers is ${brokers}`);

const usableBrokers = (state: MetadataState): BrokerImage[] => [...state.brokers.values()].filter((broker) => !broker.fenced);
