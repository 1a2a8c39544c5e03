/**
 * Reads records, alone or as a member of a group. Ties its parts together: who is assigned what (`group_member`, `assignment`), where
 * reading begins (`locator`), what is fetched (`fetcher`), what is handed out (`record_queue`) and committed (`offset_commits`).
 *
 * Everything that concerns the application happens inside of its reads: callbacks, errors, giving partitions up. Between two reads it owns
 * its partitions. At least once: what was handed out counts as done only when another read, or `commit`, follows it.
 */
import type { Deadline, Io } from "../../io/mod.ts";
import { logOf } from "../../telemetry/mod.ts";
import { failureOf, KafkaError } from "../errors.ts";
import { clientSettings } from "../options.ts";
import type { Cluster, ConsumerApi, ConsumerOptions, IncomingRecord, OffsetAndMetadata, Position, TopicPartition } from "../types.ts";
import type { AssignedPartition } from "./assigned_partition.ts";
import { Assignment } from "./assignment.ts";
import { Bell } from "./bell.ts";
import { Committing } from "./committing.ts";
import { Fetcher } from "./fetcher.ts";
import { GroupMember } from "./group_member.ts";
import { Locator } from "./locator.ts";
import { OffsetCommits, type OffsetRow } from "./offset_commits.ts";
import { keyOf } from "./partitions.ts";
import { RecordQueue } from "./record_queue.ts";
import { type ConsumerSettings, consumerSettings } from "./settings.ts";
import { TopicWatch } from "./topic_watch.ts";

/** Reading from what is buffered lets nothing else run; after this long it lets heartbeats and replies in. */
const YIELD_AFTER_MS = 20;

export class Consumer implements ConsumerApi {
  readonly #io: Io;
  readonly #settings: ConsumerSettings;
  readonly #cluster: Cluster;
  readonly #committing: Committing;
  readonly #member: GroupMember | null;
  readonly #watch: TopicWatch;
  readonly #assignment: Assignment;
  readonly #locator: Locator;
  readonly #fetcher: Fetcher;
  readonly #queue: RecordQueue;
  readonly #log = logOf("client");
  /** Something came up that a waiting read, or who waits for a position, wants to look at. */
  readonly #bell = new Bell();
  #mode: "none" | "subscribed" | "assigned" = "none";
  #reads = 0;
  #isReading = false;
  #failure: { readonly error: unknown } | null = null;
  #yieldedAt = 0;
  #telling: Promise<void> | null = null;
  #closing: Promise<void> | null = null;

  /** Opens nothing yet. @throws {KafkaError} `INVALID_CONFIG` for an option that cannot be used. */
  constructor(io: Io, options: ConsumerOptions, cluster: Cluster) {
    this.#io = io;
    const settings = this.#settings = consumerSettings(options, clientSettings(options));
    this.#cluster = cluster;
    const { groupId } = settings;
    const onError = (error: unknown) => this.#fail(error);
    const commits = groupId === null ? null : new OffsetCommits(cluster, groupId);
    this.#committing = new Committing({
      ...{ io, settings, commits },
      assignment: () => this.#assignment,
      member: () => this.#mode === "subscribed" ? this.#member : null,
    });
    this.#member = groupId === null ? null : new GroupMember({
      ...{ io, cluster, settings, groupId, onError },
      progress: () => ({ reads: this.#reads, isReading: this.#isReading }),
      onChange: () => this.#bell.ring(),
    });
    this.#watch = new TopicWatch({
      ...{ io, cluster, settings, onError },
      onTopics: (topics) => this.#member?.start(topics, "the topics of the pattern changed"),
      checkTopics: async (deadline) => await this.#member?.checkTopics(deadline),
      hasMissingTopics: () => this.#member?.hasMissingTopics ?? false,
    });
    this.#assignment = new Assignment({ settings, commitBefore: (partitions) => this.#committing.before(partitions) });
    this.#locator = new Locator({
      ...{ io, cluster, settings, commits, onError },
      assigned: () => this.#assignment.partitions.values(),
      onFound: () => {
        this.#bell.ring();
        this.#fetcher.kick();
      },
    });
    this.#fetcher = new Fetcher({
      ...{ io, cluster, settings, onError },
      assigned: () => this.#assignment.partitions,
      onRecords: () => this.#bell.ring(),
      locate: () => this.#locator.kick(),
      forgetRoute: (partition) => this.#locator.forgetRoute(partition),
      reset: (partition, why) => this.#locator.reset(partition, why),
      isGivenUp: (partition) => this.#locator.isGivenUp(partition),
    });
    this.#queue = new RecordQueue({
      ...{ io, settings },
      assigned: () => this.#assignment.partitions,
      took: (partition, bytes) => this.#fetcher.took(partition, bytes),
    });
  }

  // ── what is read ──

  subscribe(topics: readonly string[] | RegExp): void {
    this.#expectOpen();
    if (this.#member === null) throw new KafkaError("INVALID_GROUP_ID", `Cannot subscribe: that needs a "groupId"; "assign" does not`);
    if (this.#mode === "assigned") this.#dropAll();
    this.#mode = "subscribed";
    this.#committing.start();
    if (topics instanceof RegExp) return this.#watch.watch(topics);
    this.#watch.watch(null);
    this.#member.start([...new Set(topics)], "the subscription changed");
  }

  assign(partitions: readonly TopicPartition[]): void {
    this.#expectOpen();
    if (this.#mode === "subscribed") {
      this.#dropAll();
      this.#watch.watch(null);
      void this.#member?.leave(this.#deadline("leave group"));
    }
    this.#mode = "assigned";
    this.#committing.start();
    const wanted = new Set(partitions.map(keyOf));
    this.#assignment.remove([...this.#assignment.partitions.values()].filter(({ key }) => !wanted.has(key)));
    this.#assignment.add(partitions);
    this.#locator.kick();
  }

  get assignment(): readonly TopicPartition[] {
    return Array.from(this.#assignment.partitions.values(), ({ topic, partition }) => ({ topic, partition }));
  }

  /** An offset takes effect at once; for the others it resolves when the place is found. @throws {KafkaError} */
  async seek(partition: TopicPartition, position: Position): Promise<void> {
    const assigned = this.#expectAssigned(partition, "seek in");
    if (typeof position === "number") {
      if (!(Number.isSafeInteger(position) && position >= 0)) {
        throw new KafkaError("OFFSET_OUT_OF_RANGE", `Cannot seek in "${nameOf(partition)}": ${position} is no offset`);
      }
      assigned.moveTo(position, -1);
      return this.#fetcher.kick();
    }
    assigned.seek(position);
    this.#locator.kick();
    const deadline = this.#deadline("seek");
    while (assigned.sought !== null && this.#closing === null && this.#assignment.get(partition) === assigned) {
      this.#throwFailure();
      if (!await this.#bell.wait(this.#io, deadline)) {
        throw new KafkaError("REQUEST_TIMED_OUT", `Cannot seek in "${nameOf(partition)}" in time: its leader has not told the offset`);
      }
    }
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#expectAssigned(partition, "pause").isPaused = true;
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#expectAssigned(partition, "resume").isPaused = false;
    this.#bell.ring();
    this.#fetcher.kick();
  }

  position(partition: TopicPartition): number | null {
    return this.#assignment.get(partition)?.position ?? null;
  }

  lag(partition: TopicPartition): number | null {
    const assigned = this.#assignment.get(partition);
    const end = this.#settings.isCommittedOnly ? assigned?.lastStableOffset : assigned?.highWatermark;
    return assigned?.position == null || end == null ? null : Math.max(0, end - assigned.position);
  }

  // ── reading ──

  async poll(waitMs: number): Promise<readonly IncomingRecord[]> {
    this.#beginRead();
    const deadline = this.#io.deadlines.in("poll", Math.max(0, waitMs));
    try {
      while (this.#closing === null) {
        await this.#attend();
        await this.#yield();
        const records = await this.#queue.takeAll();
        if (records.length > 0) return records;
        if (!await this.#somethingNew(deadline)) break;
      }
      return [];
    } finally {
      this.#isReading = false;
    }
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<IncomingRecord> {
    const iterator: AsyncIterableIterator<IncomingRecord> = {
      next: () => {
        // The short way: the batch at hand has more, and nothing has come up.
        if (!this.#isReading && this.#closing === null && this.#failure === null && !this.#member?.session.needsRead) {
          this.#reads++;
          this.#queue.settle();
          const record = this.#queue.pop();
          if (record !== null) return Promise.resolve({ done: false, value: record });
        }
        return this.#next();
      },
      return: () => Promise.resolve({ done: true, value: undefined }),
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  async #next(): Promise<IteratorResult<IncomingRecord, undefined>> {
    if (this.#closing !== null) return { done: true, value: undefined };
    this.#beginRead();
    try {
      while (this.#closing === null) {
        await this.#attend();
        await this.#yield();
        if (await this.#queue.fill()) {
          const record = this.#queue.pop();
          if (record !== null) return { done: false, value: record };
        }
        await this.#somethingNew(null);
      }
      return { done: true, value: undefined };
    } finally {
      this.#isReading = false;
    }
  }

  #beginRead(): void {
    this.#expectOpen();
    if (this.#isReading) throw new KafkaError("INVALID_REQUEST", "Cannot read: another read of this consumer waits already");
    if (this.#mode === "none") throw new KafkaError("INVALID_REQUEST", "Cannot read: subscribe to topics or assign partitions first");
    this.#isReading = true;
    this.#reads++;
    this.#queue.settle();
    this.#locator.reconsider();
    this.#member?.resume();
    this.#watch.resume();
  }

  /** What waits for a read: errors, and steps of a rebalance that the application must be told of. */
  async #attend(): Promise<void> {
    for (;;) {
      this.#throwFailure();
      const session = this.#member?.session;
      if (session === undefined || !session.needsRead || this.#mode !== "subscribed" || this.#closing !== null) return;
      const { turn } = session;
      const action = session.next();
      try {
        if (action.do === "prepare" || action.do === "adopt" || action.do === "fail") {
          await (this.#telling = this.#assignment.carryOut(action));
        }
      } finally {
        this.#telling = null;
        if (action.do === "prepare") session.prepared(turn);
        if (action.do === "adopt") session.adopted(turn);
        this.#member?.kick();
        this.#locator.kick();
        this.#watch.plan();
      }
      if (action.do === "fail") throw failureOf(action.error, `stay in group "${this.#settings.groupId}"`);
    }
  }

  /** False when the deadline passed before anything came up. */
  #somethingNew(deadline: Deadline | null): Promise<boolean> | boolean {
    const isHere = this.#failure !== null || this.#queue.hasRecords || this.#member?.session.needsRead || this.#closing !== null;
    if (isHere && (deadline === null || this.#io.clock.mono() < deadline.at)) return true;
    if (deadline !== null && this.#io.clock.mono() >= deadline.at) return false;
    return this.#bell.wait(this.#io, deadline).then((rang) => {
      this.#yieldedAt = this.#io.clock.mono();
      return rang;
    });
  }

  async #yield(): Promise<void> {
    if (this.#io.clock.mono() - this.#yieldedAt < YIELD_AFTER_MS) return;
    await new Promise<void>((resolve) => this.#io.timers.soon(resolve));
    this.#yieldedAt = this.#io.clock.mono();
  }

  // ── committing ──

  async commit(offsets?: readonly OffsetRow[]): Promise<void> {
    if (offsets !== undefined) return await this.#committing.send(offsets, this.#deadline("commit offsets"));
    this.#queue.settle();
    await this.#committing.all(this.#deadline("commit offsets"));
  }

  async committed(partitions: readonly TopicPartition[]): Promise<readonly (OffsetAndMetadata | null)[]> {
    const found = await this.#committing.commits.committed(partitions, this.#deadline("read committed offsets"));
    return partitions.map((partition) => found.get(keyOf(partition)) ?? null);
  }

  // ── the end ──

  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const deadline = this.#io.deadlines.in("close consumer", this.#settings.closeTimeoutMs);
    this.#committing.stop();
    this.#watch.stop();
    this.#locator.stop();
    this.#fetcher.stop();
    const failures: unknown[] = [];
    try {
      await this.#io.deadlines.guard(deadline, "consumer", this.#part(deadline, failures));
    } catch (error) {
      this.#log("warn", "The consumer closes without having left in order", { group: this.#settings.groupId, cause: String(error) });
    }
    await this.#cluster.close();
    this.#bell.ring();
    if (failures.length > 0) throw failures[0];
  }

  /** Commits, tells the application, leaves. */
  async #part(deadline: Deadline, failures: unknown[]): Promise<void> {
    this.#bell.ring();
    // What a read is in the middle of telling is told to its end.
    await Promise.allSettled([this.#telling]);
    const all = [...this.#assignment.partitions.values()];
    if (this.#mode === "subscribed") await this.#assignment.revoke(all, failures);
    else if (this.#mode === "assigned") await this.#committing.before(all);
    await this.#member?.close(deadline);
  }

  // ── small things ──

  #dropAll(): void {
    this.#assignment.remove([...this.#assignment.partitions.values()]);
  }

  #fail(error: unknown): void {
    if (this.#closing !== null) return;
    this.#failure ??= { error };
    this.#bell.ring();
  }

  #throwFailure(): void {
    const failure = this.#failure;
    this.#failure = null;
    if (failure !== null) throw failure.error;
  }

  #deadline(op: string): Deadline {
    return this.#io.deadlines.in(op, this.#settings.client.requestTimeoutMs);
  }

  #expectOpen(): void {
    if (this.#closing !== null) throw new KafkaError("INVALID_REQUEST", "Cannot use the consumer: it is closed");
  }

  #expectAssigned(partition: TopicPartition, action: string): AssignedPartition {
    this.#expectOpen();
    const assigned = this.#assignment.get(partition);
    if (assigned !== undefined) return assigned;
    throw new KafkaError("INVALID_REQUEST", `Cannot ${action} "${nameOf(partition)}": it is not assigned to this consumer`);
  }
}

const nameOf = ({ topic, partition }: TopicPartition): string => `${topic}-${partition}`;
