/**
 * All partitions that this node hosts, kept in step with the metadata: opens, configures, updates and closes them as entries are
 * applied. Creates nothing on its own account; a log on disk that the metadata does not know is deleted at start, and said so.
 */
import type { TopicConfig } from "../config/mod.ts";
import type { Io } from "../io/mod.ts";
import type { NodeId, Uuid } from "../protocol/ids.ts";
import type { MetadataDelta, MetadataImage, PartitionImage, TopicImage } from "../state/metadata/image.ts";
import type { PartitionLog, Storage } from "../storage/types.ts";
import { logOf } from "../telemetry/mod.ts";
import { LocalPartition } from "./partition.ts";
import type { Partition, Partitions } from "./types.ts";

/** The settings of a topic as they are now; `resolveTopicConfig` over the node's present settings. */
export type SettingsOf = (topic: TopicImage) => TopicConfig;

export interface ReplicaSetNeeds {
  readonly io: Io;
  readonly nodeId: NodeId;
  readonly storage: Storage;
  readonly settingsOf: SettingsOf;
  /** Where lines go; the log by default. */
  readonly warn?: (line: string, properties: Readonly<Record<string, unknown>>) => void;
}

/** Removing a log renames its directory; the files go later. */
const DELETE_MS = 30_000;

interface HostedTopic {
  readonly name: string;
  readonly topicId: Uuid;
  /** By partition number; holes are partitions that other nodes host. */
  readonly partitions: (LocalPartition | undefined)[];
}

export class ReplicaSet implements Partitions {
  readonly #needs: ReplicaSetNeeds;
  readonly #warn: NonNullable<ReplicaSetNeeds["warn"]>;
  readonly #byName = new Map<string, HostedTopic>();
  readonly #byId = new Map<Uuid, HostedTopic>();
  readonly #deletions = new Set<Promise<void>>();
  #count = 0;

  constructor(needs: ReplicaSetNeeds) {
    this.#needs = needs;
    const log = logOf("replication");
    this.#warn = needs.warn ?? ((line, properties) => log("warn", line, properties));
  }

  get size(): number {
    return this.#count;
  }

  byName(topic: string, partition: number): Partition | null {
    return this.#byName.get(topic)?.partitions[partition] ?? null;
  }

  byId(topicId: Uuid, partition: number): Partition | null {
    return this.#byId.get(topicId)?.partitions[partition] ?? null;
  }

  *all(): Iterable<LocalPartition> {
    for (const { partitions } of this.#byId.values()) {
      for (const partition of partitions) if (partition !== undefined) yield partition;
    }
  }

  /**
   * Opens everything that the image gives this node, and deletes the logs on disk that no topic of it owns. Call it once, when all
   * that was committed before the start has been applied: an image that is still being replayed would make orphans of good logs.
   */
  start(image: MetadataImage): void {
    for (const topic of image.topics.values()) this.#sync(topic);
    for (const log of [...this.#needs.storage.logs()]) {
      if (this.byId(log.topicId, log.partition) !== null) continue;
      // Nothing was ever applied: whoever lost the metadata should not lose the data too.
      if (image.index === 0) {
        this.#warn("Found a log that no topic owns, and no metadata at all: it is kept", describe(log));
        continue;
      }
      this.#warn("Deleting a log that no topic owns", describe(log));
      this.#delete(log);
    }
  }

  /** Follows one applied entry; runs to its end without awaiting, so that what was created is there when the proposal resolves. */
  apply(delta: MetadataDelta, image: MetadataImage): void {
    for (const topic of delta.topicsDeleted) this.#close(topic);
    for (const topic of delta.topicsCreated) this.#sync(topic);
    for (const topic of delta.topicsChanged) this.#sync(topic);
    if (delta.configsChanged.some(({ type }) => type === "broker")) {
      for (const topic of image.topics.values()) this.#configure(topic);
    }
  }

  /**
   * Tells everybody who waits that this node stops: what was appended may be on the disk by the end, so the outcome is unknown. The logs are
   * storage's to close.
   */
  async close(): Promise<void> {
    for (const partition of this.all()) partition.close("REQUEST_TIMED_OUT");
    await Promise.allSettled(this.#deletions);
  }

  #sync(topic: TopicImage): void {
    const { nodeId, settingsOf } = this.#needs;
    let hosted = this.#byId.get(topic.topicId);
    const settings = settingsOf(topic);
    for (const state of topic.partitions) {
      const present = hosted?.partitions[state.partition];
      if (!state.replicas.includes(nodeId)) {
        if (present !== undefined) this.#remove(present, hosted!, "NOT_LEADER_OR_FOLLOWER");
        continue;
      }
      if (present !== undefined) {
        present.update(state);
        present.configure(settings);
        continue;
      }
      if (hosted === undefined) {
        hosted = { name: topic.name, topicId: topic.topicId, partitions: [] };
        this.#byId.set(topic.topicId, hosted);
        this.#byName.set(topic.name, hosted);
      }
      hosted.partitions[state.partition] = this.#open(topic, state, settings);
      this.#count++;
    }
  }

  #open(topic: TopicImage, state: PartitionImage, settings: TopicConfig): LocalPartition {
    const { io, nodeId, storage } = this.#needs;
    const id = { topicId: topic.topicId, partition: state.partition };
    const found = storage.log(id.topicId, id.partition);
    found?.configure(settings.log);
    return new LocalPartition(io, nodeId, topic.name, found ?? storage.createLog(id, settings.log), state, settings);
  }

  #configure(topic: TopicImage): void {
    const hosted = this.#byId.get(topic.topicId);
    if (hosted === undefined) return;
    const settings = this.#needs.settingsOf(topic);
    for (const partition of hosted.partitions) partition?.configure(settings);
  }

  #close(topic: TopicImage): void {
    const hosted = this.#byId.get(topic.topicId);
    if (hosted === undefined) return;
    for (const partition of hosted.partitions) if (partition !== undefined) this.#remove(partition, hosted, "UNKNOWN_TOPIC_OR_PARTITION");
    this.#byId.delete(topic.topicId);
    // The name may already belong to a topic that was created since.
    if (this.#byName.get(topic.name) === hosted) this.#byName.delete(topic.name);
  }

  #remove(partition: LocalPartition, hosted: HostedTopic, reason: "UNKNOWN_TOPIC_OR_PARTITION" | "NOT_LEADER_OR_FOLLOWER"): void {
    hosted.partitions[partition.partition] = undefined;
    this.#count--;
    partition.close(reason);
    const log = this.#needs.storage.log(partition.topicId, partition.partition);
    if (log !== null) this.#delete(log);
  }

  /** A failure leaves the log as an orphan, which the next start deletes. */
  #delete(log: PartitionLog): void {
    const { io, storage } = this.#needs;
    const id = { topicId: log.topicId, partition: log.partition };
    const deletion = storage.deleteLog(id, io.deadlines.in("storage.deleteLog", DELETE_MS)).catch((error: unknown) => {
      this.#warn("Cannot delete a log: the next start tries again", { ...id, cause: String(error) });
    }).finally(() => this.#deletions.delete(deletion));
    this.#deletions.add(deletion);
  }
}

function describe(log: PartitionLog): Record<string, unknown> {
  return {
    topicId: log.topicId,
    partition: log.partition,
    logStartOffset: log.logStartOffset,
    logEndOffset: log.logEndOffset,
    sizeBytes: log.sizeBytes,
  };
}
