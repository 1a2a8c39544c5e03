/**
 * What the client room offers and what its parts say to each other: the public shapes of `Producer`, `Consumer` and `Admin`, and `Cluster`,
 * the one pool of connections with metadata and coordinators on which all three stand. Types only.
 */
import type { Deadline } from "../io/deadline.ts";
import type { Api, CompressionType, RecordHeader } from "../protocol/mod.ts";
import type { KafkaError } from "./errors.ts";

export interface ClientOptions {
  /** `host:port`, several with commas or as a list. */
  readonly bootstrapServers: string | readonly string[];
  /** Default `"barnabas"`. */
  readonly clientId?: string;
  /** Longest wait for one reply, and the default budget of calls of `Admin`. Default 30 000. */
  readonly requestTimeoutMs?: number;
  /** Default 10 000. */
  readonly connectTimeoutMs?: number;
  /** Metadata older than this is asked for again. Default 300 000. */
  readonly metadataMaxAgeMs?: number;
  /** First pause between two tries of the same thing; doubles, with jitter, up to `retryBackoffMaxMs`. Default 100. */
  readonly retryBackoffMs?: number;
  /** Default 1 000. */
  readonly retryBackoffMaxMs?: number;
  /** Unused connections are closed after this. Default 540 000, below the broker's ten minutes. */
  readonly connectionsMaxIdleMs?: number;
}

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

// ── the pool ──────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface ClusterNode {
  readonly id: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
}

export interface PartitionView {
  readonly partition: number;
  /** -1: none at the moment. */
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
}

export interface TopicView {
  readonly name: string;
  /** All zero when the cluster has no topic ids. */
  readonly topicId: string;
  readonly isInternal: boolean;
  /** In order of partition. */
  readonly partitions: readonly PartitionView[];
}

/** Which broker a call goes to: a node id, whoever answers, or the controller. */
export type Target = number | "any" | "controller";

export interface CallOptions {
  readonly deadline: Deadline;
  /** Refused with `UNSUPPORTED_VERSION` when the broker's newest is older. */
  readonly minVersion?: number;
  readonly maxVersion?: number;
  /**
   * The request waits at the broker (a fetch, a join): it has a connection of its own class, so that nothing queues behind it. There the
   * deadline alone bounds the wait for the reply, and a passed one ends the connection; in the default lane `requestTimeoutMs` does.
   */
  readonly lane?: "default" | "fetch" | "group";
}

/**
 * One pool for everything that a client does: one connection for each (node, lane), requests pipelined on it, versions negotiated by
 * ApiVersions, replies matched by correlation id, throttle times honoured. Error codes inside of replies are the caller's.
 */
export interface Cluster extends AsyncDisposable {
  readonly options: Required<Omit<ClientOptions, "bootstrapServers">> & { readonly bootstrapServers: readonly string[] };
  /** @throws {KafkaError} for a transport failure (`NETWORK_EXCEPTION`), no reply in time (`REQUEST_TIMED_OUT`), or no common version. */
  call<Draft, Read>(target: Target, api: Api<unknown, never, Draft, Read>, draft: Draft, options: CallOptions): Promise<Read>;
  /** For the one request without a reply, a Produce with `acks` 0: resolves when it is on its way. @throws as `call`. */
  tell<Draft>(target: Target, api: Api<unknown, never, Draft, unknown>, draft: Draft, options: CallOptions): Promise<void>;
  /** The version that `call` would use; `null` when there is none in common. */
  versionOf(target: Target, api: Api<unknown, never, never, unknown>, deadline: Deadline): Promise<number | null>;
  /** Brokers as the last metadata had them. */
  nodes(deadline: Deadline): Promise<readonly ClusterNode[]>;
  clusterId(deadline: Deadline): Promise<string | null>;
  /** From the cache when fresh; one request for all that are missing. @throws {KafkaError} per topic is in the map as a value. */
  topics(names: readonly string[], deadline: Deadline, allowAutoCreate?: boolean): Promise<ReadonlyMap<string, TopicView | KafkaError>>;
  allTopics(deadline: Deadline): Promise<readonly TopicView[]>;
  /** A reply said that what we believe is old: the next `topics` asks again. A leader hint (KIP-951) is taken at its word. */
  forgetTopic(name: string): void;
  /** A reply said NOT_CONTROLLER, or a node is gone: the next question about nodes asks again. */
  forgetNodes(): void;
  hintLeader(topic: string, partition: number, leader: number, leaderEpoch: number, node: ClusterNode | null): void;
  /** @throws {KafkaError} */
  coordinator(type: "group" | "transaction", key: string, deadline: Deadline): Promise<number>;
  forgetCoordinator(type: "group" | "transaction", key: string): void;
  /** Calls `attempt` until it succeeds, fails with an error that is not retriable, or the deadline passes; pauses between. */
  retry<T>(deadline: Deadline, attempt: () => Promise<T>): Promise<T>;
  /** Ends every connection; calls under way fail with `NETWORK_EXCEPTION`. */
  close(): Promise<void>;
}

// ── Producer ──────────────────────────────────────────────────────────────────────────────────────────────────────────

export type Bytes = Uint8Array | string;

export interface OutgoingRecord {
  readonly topic: string;
  readonly key?: Bytes | null;
  readonly value: Bytes | null;
  readonly headers?: readonly RecordHeader[] | Readonly<Record<string, Bytes | null>>;
  /** Chosen by the partitioner when absent. */
  readonly partition?: number;
  /** Milliseconds since 1970; now when absent. */
  readonly timestamp?: number;
}

/** Where a record went. */
export interface RecordMetadata extends TopicPartition {
  /** -1 with `acks: 0`. */
  readonly offset: number;
  /** Log append time when the topic says so, else the record's own. */
  readonly timestamp: number;
}

export interface ProducerOptions extends ClientOptions {
  /** Default `"all"`. */
  readonly acks?: "all" | 1 | 0;
  /** Default true; needs `acks: "all"`. */
  readonly idempotent?: boolean;
  /** Default `"none"`. */
  readonly compression?: CompressionType;
  /** How long a batch that is not full waits for company; longer only while its broker has `inFlightMax` requests to answer. Default 5. */
  readonly lingerMs?: number;
  /** A batch with so many bytes goes without waiting. Memory is taken as records come. Default 262 144. */
  readonly batchBytes?: number;
  /** One bound for everything from `send` to its result: waiting, tries, pauses. Default 120 000. */
  readonly deliveryTimeoutMs?: number;
  /** Requests under way per broker; at most 5 when idempotent. Default 5. */
  readonly inFlightMax?: number;
  /** Bytes of records not yet acknowledged; `send` waits above it. Default 32 MiB. */
  readonly bufferBytes?: number;
  /** Default: murmur2 of the key as the Java client; without a key, sticky: one partition until its batch is full. */
  readonly partitioner?: (record: OutgoingRecord, partitions: number) => number;
}

export interface ProducerApi extends AsyncDisposable {
  /** Resolves when acknowledged as `acks` says. @throws {KafkaError} after the delivery timeout the outcome is unknown, and the message says so. */
  send(record: OutgoingRecord): Promise<RecordMetadata>;
  /** As `send` for many; the results in their order. */
  sendAll(records: Iterable<OutgoingRecord> | AsyncIterable<OutgoingRecord>): Promise<readonly RecordMetadata[]>;
  /** Resolves when everything given so far has its result. */
  flush(): Promise<void>;
  /** Flushes, then closes. */
  close(): Promise<void>;
}

// ── Consumer ──────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface IncomingRecord extends TopicPartition {
  readonly offset: number;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  readonly timestampType: "create" | "log-append";
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly RecordHeader[];
  readonly leaderEpoch: number;
}

export type Assignor = "range" | "roundrobin" | "sticky" | "cooperative-sticky";

export interface ConsumerOptions extends ClientOptions {
  /** Absent: no group, only `assign`, and no commits. */
  readonly groupId?: string;
  readonly groupInstanceId?: string;
  /** In order of preference; the group takes the first that all members have. Default `["range", "cooperative-sticky"]`, as the Java client. */
  readonly assignors?: readonly Assignor[];
  /** Default 45 000. */
  readonly sessionTimeoutMs?: number;
  /** Default 3 000. */
  readonly heartbeatIntervalMs?: number;
  /** Longest time between two reads of the iterator before the member leaves; also the rebalance timeout. Default 300 000. */
  readonly maxPollIntervalMs?: number;
  /** Where a partition without a committed offset starts. Default `"latest"`. */
  readonly autoOffsetReset?: "earliest" | "latest" | "none";
  /** Commits what was handed out and followed by another read. Default 5 000; null: only `commit`. */
  readonly autoCommitIntervalMs?: number | null;
  readonly isolation?: "read_uncommitted" | "read_committed";
  /** Default 1. */
  readonly fetchMinBytes?: number;
  /** Default 500. */
  readonly fetchMaxWaitMs?: number;
  /** Per partition and reply. Default 1 MiB. */
  readonly partitionBytes?: number;
  /** Bytes fetched and not yet handed out, over all partitions; fetching pauses above it. Default 16 MiB. */
  readonly bufferBytes?: number;
  readonly rackId?: string;
  /** Bound of `close`: commits, leaving, callbacks. Default 10 000. */
  readonly closeTimeoutMs?: number;
  /** Called before the next read goes on. */
  readonly onAssigned?: (partitions: readonly TopicPartition[]) => void | Promise<void>;
  readonly onRevoked?: (partitions: readonly TopicPartition[]) => void | Promise<void>;
  /** They were lost: another member may own them already; a commit would fail. */
  readonly onLost?: (partitions: readonly TopicPartition[]) => void | Promise<void>;
}

export interface OffsetAndMetadata {
  readonly offset: number;
  readonly leaderEpoch?: number;
  readonly metadata?: string;
}

/** Where to go: an offset, the ends, or the first record at or after a time (milliseconds since 1970). */
export type Position = number | "earliest" | "latest" | { readonly timestamp: number };

/** One `for await` at a time: `for await (const record of consumer)`. Leaving the loop leaves the consumer usable. */
export interface ConsumerApi extends AsyncIterable<IncomingRecord>, AsyncDisposable {
  /** Replaces the subscription; names, or a pattern over all topics. Needs `groupId`. */
  subscribe(topics: readonly string[] | RegExp): void;
  /** Replaces the assignment; no group membership. */
  assign(partitions: readonly TopicPartition[]): void;
  readonly assignment: readonly TopicPartition[];
  /** Everything that is there, at least one record, in one go; an empty list after `waitMs`. The other way to read. */
  poll(waitMs: number): Promise<readonly IncomingRecord[]>;
  seek(partition: TopicPartition, position: Position): Promise<void>;
  pause(partitions: readonly TopicPartition[]): void;
  resume(partitions: readonly TopicPartition[]): void;
  /** The offset of the next record to hand out; null before it is known. */
  position(partition: TopicPartition): number | null;
  /** High watermark minus position, as the last fetch had it; null before it is known. */
  lag(partition: TopicPartition): number | null;
  /** Without arguments: everything handed out so far. Resolves when the coordinator has it. @throws {KafkaError} */
  commit(offsets?: readonly (TopicPartition & OffsetAndMetadata)[]): Promise<void>;
  committed(partitions: readonly TopicPartition[]): Promise<readonly (OffsetAndMetadata | null)[]>;
  /** Commits when automatic, leaves the group, closes. */
  close(): Promise<void>;
}

// ── Admin ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** One thing of several: each succeeds or fails by itself. */
export type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: KafkaError };

/** Rows come in the order in which they were asked for. */
export type PartitionOutcome<T> = TopicPartition & Outcome<T>;

export interface NewTopic {
  readonly name: string;
  /** -1 or absent: the broker's default. */
  readonly partitions?: number;
  readonly replicationFactor?: number;
  /** Partition to replicas; instead of the two above. */
  readonly assignments?: ReadonlyMap<number, readonly number[]>;
  readonly configs?: Readonly<Record<string, string>>;
}

export type ConfigResource =
  | { readonly type: "topic" | "group"; readonly name: string }
  | { readonly type: "broker"; /** Absent: the default of all brokers. */ readonly name?: string };

export interface ConfigEntry {
  readonly name: string;
  /** Null when sensitive. */
  readonly value: string | null;
  readonly source: "topic" | "dynamic-broker" | "dynamic-default-broker" | "static-broker" | "default" | "group" | "unknown";
  readonly isReadOnly: boolean;
  readonly isSensitive: boolean;
  readonly type: string;
  readonly documentation: string | null;
  readonly synonyms: readonly { readonly name: string; readonly value: string | null; readonly source: string }[];
}

export interface ConfigChange {
  readonly name: string;
  readonly operation: "set" | "delete" | "append" | "subtract";
  readonly value?: string;
}

export interface GroupListing {
  readonly groupId: string;
  readonly protocolType: string;
  readonly state: string;
  readonly type: string;
}

export interface GroupMember {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly assignment: readonly TopicPartition[];
}

export interface GroupDescription {
  readonly groupId: string;
  readonly state: string;
  readonly protocolType: string;
  readonly protocol: string;
  readonly coordinator: number;
  readonly members: readonly GroupMember[];
}

export interface LogDirReplica extends TopicPartition {
  readonly sizeBytes: number;
  readonly offsetLag: number;
  readonly isFuture: boolean;
}

export interface LogDir {
  readonly node: number;
  readonly path: string;
  readonly error: KafkaError | null;
  /** -1: the broker does not say. */
  readonly totalBytes: number;
  readonly usableBytes: number;
  readonly replicas: readonly LogDirReplica[];
}

export interface ProducerState {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly lastSequence: number;
  readonly lastTimestamp: number;
  /** -1: no transaction open. */
  readonly currentTransactionStart: number;
}

export interface QuorumVoter {
  readonly id: number;
  readonly logEndOffset: number;
  readonly lastFetchTimestamp: number;
  readonly lastCaughtUpTimestamp: number;
}

export interface QuorumDescription {
  readonly leaderId: number;
  readonly leaderEpoch: number;
  readonly highWatermark: number;
  readonly voters: readonly QuorumVoter[];
  readonly observers: readonly QuorumVoter[];
}

export interface AdminApi extends AsyncDisposable {
  createTopics(
    topics: readonly NewTopic[],
    options?: { readonly validateOnly?: boolean },
  ): Promise<ReadonlyMap<string, Outcome<TopicView>>>;
  deleteTopics(names: readonly string[]): Promise<ReadonlyMap<string, Outcome<void>>>;
  listTopics(options?: { readonly internal?: boolean }): Promise<readonly TopicView[]>;
  describeTopics(names: readonly string[]): Promise<ReadonlyMap<string, Outcome<TopicView>>>;
  /** To a new total. */
  createPartitions(
    totals: Readonly<Record<string, number>>,
    options?: { readonly validateOnly?: boolean },
  ): Promise<ReadonlyMap<string, Outcome<void>>>;
  /** Up to but excluding the offset; -1: the high watermark. The value is the new start. */
  deleteRecords(before: readonly (TopicPartition & { readonly offset: number })[]): Promise<readonly PartitionOutcome<number>[]>;
  /** Null: no record at or after that time. */
  listOffsets(at: readonly (TopicPartition & { readonly position: Position })[]): Promise<readonly PartitionOutcome<number | null>[]>;
  describeConfigs(resources: readonly ConfigResource[]): Promise<readonly Outcome<readonly ConfigEntry[]>[]>;
  alterConfigs(
    changes: readonly { readonly resource: ConfigResource; readonly changes: readonly ConfigChange[] }[],
    options?: { readonly validateOnly?: boolean },
  ): Promise<readonly Outcome<void>[]>;
  listGroups(options?: { readonly states?: readonly string[]; readonly types?: readonly string[] }): Promise<readonly GroupListing[]>;
  describeGroups(ids: readonly string[]): Promise<ReadonlyMap<string, Outcome<GroupDescription>>>;
  deleteGroups(ids: readonly string[]): Promise<ReadonlyMap<string, Outcome<void>>>;
  /** All committed offsets of the group, or those of `partitions`; partitions without one are left out. */
  listGroupOffsets(group: string, partitions?: readonly TopicPartition[]): Promise<readonly (TopicPartition & OffsetAndMetadata)[]>;
  /** Only while the group has no members. */
  alterGroupOffsets(
    group: string,
    offsets: readonly (TopicPartition & OffsetAndMetadata)[],
  ): Promise<readonly PartitionOutcome<void>[]>;
  deleteGroupOffsets(group: string, partitions: readonly TopicPartition[]): Promise<readonly PartitionOutcome<void>[]>;
  removeGroupMembers(group: string, members: readonly { readonly memberId?: string; readonly groupInstanceId?: string }[]): Promise<
    readonly Outcome<void>[]
  >;
  describeCluster(): Promise<
    { readonly clusterId: string | null; readonly controller: number | null; readonly nodes: readonly ClusterNode[] }
  >;
  describeLogDirs(): Promise<readonly LogDir[]>;
  describeProducers(partitions: readonly TopicPartition[]): Promise<readonly PartitionOutcome<readonly ProducerState[]>[]>;
  describeQuorum(): Promise<QuorumDescription>;
  close(): Promise<void>;
}
