/**
 * Keeps the buffers of the assigned partitions filled: one fetch under way for each broker, all of its partitions in it, in an incremental
 * session. Does not look into records and does not find positions.
 *
 * A broker is asked again when each of its partitions that is read has room (less than `partitionBytes` buffered): a request that left
 * some out would wait at the broker for the others while the application starves. Over all brokers the buffer is bounded by
 * `bufferBytes`; only a single batch that is larger than what was asked for goes beyond it, because a broker sends it whole (KIP-74).
 */
import type { Io, Timer } from "../../io/mod.ts";
import { errorName, Fetch, type Infer, type KafkaErrorName, type Uuid, ZERO_UUID } from "../../protocol/mod.ts";
import { failureOf, KafkaError } from "../errors.ts";
import { backoffMs } from "../retry.ts";
import type { Cluster } from "../types.ts";
import { AbortedTransactions } from "./aborted_transactions.ts";
import type { AssignedPartition } from "./assigned_partition.ts";
import { FetchedBatches } from "./fetched_batches.ts";
import { FetchSession, type FetchTarget } from "./fetch_session.ts";
import type { ConsumerSettings } from "./settings.ts";
import { keyOf } from "./partitions.ts";

/** Topics go by their ids from this version on (KIP-516). */
const TOPIC_IDS_SINCE = 13;

type Reply = Infer<typeof Fetch.response>;
type Row = Reply["responses"][number]["partitions"][number];

export interface FetcherContext {
  readonly io: Io;
  readonly cluster: Cluster;
  readonly settings: ConsumerSettings;
  assigned(): ReadonlyMap<string, AssignedPartition>;
  /** Records are there. */
  onRecords(): void;
  /** The leader of some partition, or a position, is to be found. */
  locate(): void;
  forgetRoute(partition: AssignedPartition): void;
  /** The position is not on the log. */
  reset(partition: AssignedPartition, why: string): void;
  isGivenUp(partition: AssignedPartition): boolean;
  /** The next read is to throw this. */
  onError(error: unknown): void;
}

interface Broker {
  readonly session: FetchSession;
  isBusy: boolean;
  failures: number;
  /** On the monotonic clock. */
  notBefore: number;
}

export class Fetcher {
  readonly #context: FetcherContext;
  readonly #brokers = new Map<number, Broker>();
  /** What the requests under way may bring. */
  #expectedBytes = 0;
  /** A broker was not asked because the buffer is full. */
  #isFull = false;
  #timer: { readonly at: number; readonly timer: Timer } | null = null;
  #isStopped = false;

  constructor(context: FetcherContext) {
    this.#context = context;
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.timer.cancel();
  }

  /** A batch of so many bytes was taken from the buffer: asks for more where that made room. */
  took(partition: AssignedPartition, bytes: number): void {
    const { partitionBytes } = this.#context.settings;
    const hasRoomNow = partition.bufferedBytes < partitionBytes && partition.bufferedBytes + bytes >= partitionBytes;
    if (hasRoomNow || this.#isFull || !partition.hasBuffered) this.kick();
  }

  /** Looks at all partitions and asks the brokers that can be asked now. */
  kick(): void {
    if (this.#isStopped) return;
    const now = this.#context.io.clock.mono();
    this.#isFull = false;
    const brokers = this.#byBroker(now);
    for (const [node, partitions] of brokers) {
      const broker = this.#broker(node);
      if (broker.isBusy) continue;
      if (broker.notBefore > now) {
        this.#kickIn(broker.notBefore - now);
        continue;
      }
      if (partitions.some((partition) => partition.bufferedBytes >= this.#context.settings.partitionBytes)) continue;
      const maxBytes = this.#share(brokers.size);
      if (maxBytes > 0) void this.#request(node, broker, partitions, maxBytes);
    }
  }

  /** Partitions that can be read, by the broker that they are read from. */
  #byBroker(now: number): Map<number, AssignedPartition[]> {
    const brokers = new Map<number, AssignedPartition[]>();
    let nextTry = Infinity;
    for (const partition of this.#context.assigned().values()) {
      const { route, replica } = partition;
      if (partition.isPaused || partition.fetchOffset === null || route === null || route.leader < 0) continue;
      if (this.#context.isGivenUp(partition)) continue;
      if (partition.needsCheck) {
        this.#context.locate();
        continue;
      }
      if (partition.notBefore > now) {
        nextTry = Math.min(nextTry, partition.notBefore);
        continue;
      }
      if (replica !== null && replica.until <= now) partition.replica = null;
      const node = partition.replica?.node ?? route.leader;
      const list = brokers.get(node);
      if (list) list.push(partition);
      else brokers.set(node, [partition]);
    }
    if (nextTry < Infinity) this.#kickIn(nextTry - now);
    return brokers;
  }

  /** Bytes that one more request may ask for; 0: not now. */
  #share(brokers: number): number {
    const { bufferBytes } = this.#context.settings;
    const wanted = Math.ceil(bufferBytes / brokers);
    const taken = () => [...this.#context.assigned().values()].reduce((sum, one) => sum + one.bufferedBytes, this.#expectedBytes);
    let free = bufferBytes - taken();
    if (free < wanted / 2) {
      // What nobody reads must not keep the others from being read.
      for (const partition of this.#context.assigned().values()) if (partition.isPaused) partition.discard();
      free = bufferBytes - taken();
    }
    this.#isFull = free < wanted / 2;
    return this.#isFull ? 0 : Math.min(free, wanted);
  }

  async #request(node: number, broker: Broker, partitions: readonly AssignedPartition[], maxBytes: number): Promise<void> {
    broker.isBusy = true;
    this.#expectedBytes += maxBytes;
    try {
      const reply = await this.#ask(node, broker, partitions, maxBytes);
      if (this.#isStopped) return;
      broker.failures = 0;
      const error = errorName(reply.errorCode);
      if (error === "NONE") this.#take(node, broker.session, reply);
      else this.#refused(broker, partitions, error);
    } catch (error) {
      if (this.#isStopped) return;
      broker.session.lost();
      this.#failed(broker, partitions);
      if (!(error instanceof KafkaError && error.retriable)) this.#context.onError(error);
    } finally {
      broker.isBusy = false;
      this.#expectedBytes -= maxBytes;
      this.kick();
    }
  }

  async #ask(node: number, broker: Broker, partitions: readonly AssignedPartition[], maxBytes: number): Promise<Reply> {
    const { cluster, io, settings } = this.#context;
    const deadline = io.deadlines.in("fetch", settings.fetchMaxWaitMs + settings.client.requestTimeoutMs);
    const version = await cluster.versionOf(node, Fetch, deadline) ?? Fetch.maxVersion;
    const byTopicId = version >= TOPIC_IDS_SINCE && partitions.every(({ route }) => route !== null && route.topicId !== ZERO_UUID);
    const targets = partitions.flatMap((partition) => targetOf(partition, settings.partitionBytes));
    const request = broker.session.request(targets, byTopicId);
    return await cluster.call(node, Fetch, {
      maxWaitMs: settings.fetchMaxWaitMs,
      minBytes: settings.fetchMinBytes,
      maxBytes,
      isolationLevel: settings.isCommittedOnly ? 1 : 0,
      rackId: settings.rackId,
      ...request,
    }, { deadline, lane: "fetch", ...(byTopicId ? { minVersion: TOPIC_IDS_SINCE } : { maxVersion: TOPIC_IDS_SINCE - 1 }) });
  }

  /** The request was refused as a whole. */
  #refused(broker: Broker, partitions: readonly AssignedPartition[], error: KafkaErrorName): void {
    broker.session.refused(error);
    const failure = failureOf(error, "fetch records");
    if (!failure.retriable) this.#context.onError(failure);
    // A session that the broker dropped is nothing unusual; anything else may come again at once.
    if (error === "FETCH_SESSION_ID_NOT_FOUND" && broker.failures === 0) return;
    this.#failed(broker, partitions);
  }

  #failed(broker: Broker, partitions: readonly AssignedPartition[]): void {
    const { io, settings } = this.#context;
    broker.notBefore = io.clock.mono() + backoffMs(++broker.failures, settings.client, io.random("client").float());
    for (const partition of partitions) {
      partition.replica = null;
      this.#context.forgetRoute(partition);
    }
    this.#context.locate();
  }

  #take(node: number, session: FetchSession, reply: Reply): void {
    session.answered(reply.sessionId);
    for (const { topic, topicId, partitions } of reply.responses) {
      for (const row of partitions) {
        const target = session.target(topic, topicId as Uuid, row.partitionIndex);
        const partition = target && this.#context.assigned().get(keyOf(target));
        // Sought, revoked or assigned anew since it was asked for.
        if (partition === undefined || target === undefined || partition.fetchOffset !== target.fetchOffset) continue;
        const error = errorName(row.errorCode);
        if (error === "NONE") this.#takeRow(partition, target, row);
        else this.#rowFailed(node, partition, target, row, error, reply);
      }
    }
    this.#context.onRecords();
  }

  #takeRow(partition: AssignedPartition, target: FetchTarget, row: Row): void {
    const { io, settings } = this.#context;
    partition.highWatermark = row.highWatermark;
    partition.lastStableOffset = row.lastStableOffset < 0 ? null : row.lastStableOffset;
    if (row.divergingEpoch.endOffset >= 0) {
      partition.checkedEpoch = -1;
      this.#context.locate();
      return;
    }
    // The leader of this epoch has what comes before the offset: it would have said so otherwise.
    partition.checkedEpoch = Math.max(partition.checkedEpoch, target.leaderEpoch);
    const bytes = row.records;
    if (row.preferredReadReplica >= 0 && row.preferredReadReplica !== partition.route?.leader) {
      const until = io.clock.mono() + settings.client.metadataMaxAgeMs;
      partition.replica = { node: row.preferredReadReplica, until };
    }
    if (bytes === null || bytes.length === 0) return;
    const aborted = settings.isCommittedOnly ? new AbortedTransactions(row.abortedTransactions ?? []) : null;
    const batches = new FetchedBatches(partition, bytes, target.fetchOffset, aborted);
    if (batches.isUnreadable) {
      partition.notBefore = io.clock.mono() + settings.client.retryBackoffMaxMs;
      const name = `${partition.topic}-${partition.partition}`;
      return this.#context.onError(
        new KafkaError("CORRUPT_MESSAGE", `Cannot read "${name}" at offset ${target.fetchOffset}: ${batches.unreadableBecause}`),
      );
    }
    partition.push(batches);
  }

  #rowFailed(node: number, partition: AssignedPartition, target: FetchTarget, row: Row, error: KafkaErrorName, reply: Reply): void {
    const { cluster, io, settings } = this.#context;
    const wasReplica = partition.replica?.node === node;
    partition.replica = null;
    partition.notBefore = io.clock.mono() + settings.client.retryBackoffMs;
    if (error === "OFFSET_OUT_OF_RANGE") {
      // Another replica may be behind the leader, or ahead of it with the start of its log (KIP-392). What is buffered is read first.
      if (!wasReplica && !partition.hasBuffered) this.#context.reset(partition, `offset ${target.fetchOffset} is not on its log`);
      return this.#context.locate();
    }
    const { leaderId, leaderEpoch } = row.currentLeader;
    if (leaderId >= 0 && leaderEpoch > target.leaderEpoch) {
      const at = reply.nodeEndpoints.find(({ nodeId }) => nodeId === leaderId);
      cluster.hintLeader(partition.topic, partition.partition, leaderId, leaderEpoch, at ? { id: leaderId, ...at } : null);
      partition.route = null;
      partition.notBefore = 0;
    } else this.#context.forgetRoute(partition);
    this.#context.locate();
    const failure = failureOf(error, `fetch "${partition.topic}-${partition.partition}"`);
    if (!failure.retriable) this.#context.onError(failure);
  }

  #kickIn(ms: number): void {
    const { io } = this.#context;
    const at = io.clock.mono() + Math.max(1, ms);
    if (this.#timer !== null && this.#timer.at <= at) return;
    this.#timer?.timer.cancel();
    const timer = io.timers.after(at - io.clock.mono(), () => {
      this.#timer = null;
      this.kick();
    });
    this.#timer = { at, timer };
  }

  #broker(node: number): Broker {
    let broker = this.#brokers.get(node);
    if (broker === undefined) this.#brokers.set(node, broker = { session: new FetchSession(), isBusy: false, failures: 0, notBefore: 0 });
    return broker;
  }
}

function targetOf(partition: AssignedPartition, maxBytes: number): FetchTarget[] {
  const { topic, fetchOffset, route } = partition;
  if (fetchOffset === null || route === null) return [];
  return [{ ...{ topic, topicId: route.topicId, leaderEpoch: route.leaderEpoch }, partition: partition.partition, fetchOffset, maxBytes }];
}
