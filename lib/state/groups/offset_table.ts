/**
 * Committed offsets by group, topic and partition. A commit is visible once it is durable; while it is on the way the table only knows
 * that it exists, so that a delete decided meanwhile covers it. Decides nothing.
 */
import { type Uuid, ZERO_UUID } from "../../protocol/mod.ts";
import type { CommittedOffset, GroupRecord } from "./types.ts";

type OffsetRecord = Extract<GroupRecord, { kind: "offset" }>;

interface Entry {
  /** Null: nothing durable yet. */
  durable: CommittedOffset | null;
  /** Records of this key that were decided and are not durable; the entry stays while there are any. */
  inFlight: number;
}

export interface TopicOffsets {
  readonly topic: string;
  readonly partitions: readonly {
    readonly partition: number;
    readonly committed: CommittedOffset;
    /** A later record of this key is on its way. */
    readonly isChanging: boolean;
  }[];
}

export class OffsetTable {
  readonly #groups = new Map<string, Map<string, Map<number, Entry>>>();

  /** The durable commit; null when there is none. */
  get(groupId: string, topic: string, partition: number): CommittedOffset | null {
    return this.#groups.get(groupId)?.get(topic)?.get(partition)?.durable ?? null;
  }

  /** Everything durable of a group. */
  all(groupId: string): TopicOffsets[] {
    const found: TopicOffsets[] = [];
    for (const [topic, partitions] of this.#groups.get(groupId) ?? []) {
      const durable = [];
      for (const [partition, { durable: committed, inFlight }] of partitions) {
        if (committed !== null) durable.push({ partition, committed, isChanging: inFlight > 0 });
      }
      if (durable.length > 0) found.push({ topic, partitions: durable });
    }
    return found;
  }

  hasGroup(groupId: string): boolean {
    return this.#groups.has(groupId);
  }

  has(groupId: string, topic: string, partition: number): boolean {
    return this.#groups.get(groupId)?.get(topic)?.has(partition) ?? false;
  }

  /** Tombstones for every key of the group, those on the way included. */
  tombstones(groupId: string, topic: string | null = null): OffsetRecord[] {
    const records: OffsetRecord[] = [];
    for (const [name, partitions] of this.#groups.get(groupId) ?? []) {
      if (topic !== null && name !== topic) continue;
      for (const partition of partitions.keys()) records.push(offsetTombstone(groupId, name, partition));
    }
    return records;
  }

  /** Tombstones, in every group, for offsets of a deleted topic: of that id, or from before ids. */
  topicTombstones(topic: string, topicId: Uuid): OffsetRecord[] {
    const records: OffsetRecord[] = [];
    for (const [groupId, topics] of this.#groups) {
      for (const [partition, { durable }] of topics.get(topic) ?? []) {
        const other = durable !== null && durable.topicId !== ZERO_UUID && topicId !== ZERO_UUID && durable.topicId !== topicId;
        if (!other) records.push(offsetTombstone(groupId, topic, partition));
      }
    }
    return records;
  }

  /** Tombstones, in every group, for offsets whose topic is none of these. */
  tombstonesOfOthers(topics: ReadonlyMap<string, { readonly topicId: Uuid }>): OffsetRecord[] {
    const records: OffsetRecord[] = [];
    for (const [groupId, byTopic] of this.#groups) {
      for (const [topic, partitions] of byTopic) {
        for (const [partition, { durable }] of partitions) {
          const isOther = durable !== null && durable.topicId !== ZERO_UUID && durable.topicId !== topics.get(topic)?.topicId;
          if (isOther) records.push(offsetTombstone(groupId, topic, partition));
        }
      }
    }
    return records;
  }

  /** The record was decided and goes to the log. */
  began({ groupId, topic, partition }: OffsetRecord): void {
    this.#entry(groupId, topic, partition).inFlight++;
  }

  /** The record is durable; `wasBegun` is false while the log is read back. */
  applied({ groupId, topic, partition, value }: OffsetRecord, wasBegun: boolean): void {
    const entry = this.#entry(groupId, topic, partition);
    entry.durable = value;
    if (wasBegun) entry.inFlight--;
    this.#drop(groupId, topic, partition, entry);
  }

  /** The record was not written. */
  failed({ groupId, topic, partition }: OffsetRecord): void {
    const entry = this.#entry(groupId, topic, partition);
    entry.inFlight--;
    this.#drop(groupId, topic, partition, entry);
  }

  #entry(groupId: string, topic: string, partition: number): Entry {
    let topics = this.#groups.get(groupId);
    if (topics === undefined) this.#groups.set(groupId, topics = new Map());
    let partitions = topics.get(topic);
    if (partitions === undefined) topics.set(topic, partitions = new Map());
    let entry = partitions.get(partition);
    if (entry === undefined) partitions.set(partition, entry = { durable: null, inFlight: 0 });
    return entry;
  }

  #drop(groupId: string, topic: string, partition: number, entry: Entry): void {
    if (entry.durable !== null || entry.inFlight > 0) return;
    const topics = this.#groups.get(groupId)!;
    const partitions = topics.get(topic)!;
    partitions.delete(partition);
    if (partitions.size === 0) topics.delete(topic);
    if (topics.size === 0) this.#groups.delete(groupId);
  }
}

export function offsetTombstone(groupId: string, topic: string, partition: number): OffsetRecord {
  return { kind: "offset", groupId, topic, partition, value: null };
}
