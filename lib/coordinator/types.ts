/** What the group coordinator offers to handlers and doors. Source: KIP-62 and its successors; the state is `state/groups`. */
import type { Deadline } from "../io/deadline.ts";
import type { KafkaErrorName } from "../protocol/errors.ts";
import type { NodeId } from "../protocol/ids.ts";
import type {
  CommitCommand,
  CommitReply,
  CommittedOffset,
  DeleteGroupsReply,
  DeleteOffsetsCommand,
  DeleteOffsetsReply,
  DescribedGroup,
  GroupSettings,
  GroupStateName,
  HeartbeatCommand,
  HeartbeatReply,
  JoinCommand,
  JoinReply,
  LeaveCommand,
  LeaveReply,
  ListedGroup,
  SyncCommand,
  SyncReply,
} from "../state/groups/mod.ts";

export interface CoordinatorSettings extends GroupSettings {
  /** `offsets.topic.num.partitions`, for when the topic is created. */
  readonly offsetsTopicPartitions: number;
  /** `offsets.topic.replication.factor`; never more than there are brokers. */
  readonly offsetsTopicReplicationFactor: number;
  /** `offsets.topic.segment.bytes` */
  readonly offsetsTopicSegmentBytes: number;
  /** `offsets.retention.check.interval.ms` */
  readonly offsetsRetentionCheckIntervalMs: number;
  /** `offsets.load.buffer.size`: bytes read at once while a shard loads. */
  readonly offsetsLoadBufferBytes: number;
}

/** A command as a caller asks it: the coordinator gives it its ticket. */
export type Question<C> = Omit<C, "kind" | "ticket" | "newMemberId">;

/** One group's answer of `fetch`. */
export interface FetchedOffsets {
  /** Anything but NONE: `topics` is empty. */
  readonly error: KafkaErrorName;
  readonly topics: readonly {
    readonly topic: string;
    /** Null: nothing is committed. */
    readonly partitions: readonly { readonly partition: number; readonly committed: CommittedOffset | null }[];
  }[];
}

export interface PartitionLag {
  readonly topic: string;
  readonly partition: number;
  readonly committed: CommittedOffset;
  /** High watermark of the partition; null when this node does not host it. */
  readonly endOffset: number | null;
  /** Records not consumed yet, never negative; null when the end is unknown. */
  readonly lag: number | null;
}

/** A group after the end of a rebalance: its members have their parts, or there are none any more. */
export interface RebalancedGroup {
  readonly groupId: string;
  readonly generation: number;
  /** `consumer`; empty for a group that only stores offsets. */
  readonly protocolType: string;
  /** Null in an empty group. */
  readonly protocolName: string | null;
  /** Member ids. */
  readonly members: readonly string[];
}

/** For metrics. */
export interface GroupStats {
  /** Partitions of `__consumer_offsets` led here, by whether their groups have been read. */
  readonly loading: number;
  readonly active: number;
  readonly groups: ReadonlyMap<GroupStateName, number>;
  /** Questions without an answer yet: parked members and writes on their way. */
  readonly waiting: number;
  /** Ends of rebalances since the start. */
  readonly rebalances: number;
}

/** Every method answers with error names and rejects only when something is broken. */
export interface GroupCoordinator {
  /** Partition of `__consumer_offsets` that hosts the group: Java's `abs(hashCode) % partitions`. */
  partitionFor(groupId: string): number;
  /** The node to ask about the group. Makes `__consumer_offsets` when it is missing. */
  locate(groupId: string, deadline: Deadline): Promise<{ readonly error: KafkaErrorName; readonly nodeId: NodeId | null }>;

  /** Waits for the group's rebalance. */
  join(question: Question<JoinCommand>, deadline: Deadline): Promise<JoinReply>;
  /** Waits for the leader's assignment. */
  sync(question: Question<SyncCommand>, deadline: Deadline): Promise<SyncReply>;
  heartbeat(question: Question<HeartbeatCommand>, deadline: Deadline): Promise<HeartbeatReply>;
  leave(question: Question<LeaveCommand>, deadline: Deadline): Promise<LeaveReply>;
  /** Durable when it resolves with NONE. Without members in the group and with generation -1 it is how offsets are reset. */
  commit(question: Question<CommitCommand>, deadline: Deadline): Promise<CommitReply>;
  /**
   * @param topics null: everything that is committed.
   * @param requireStable waits for commits that are on their way (KIP-447).
   */
  fetch(
    groupId: string,
    topics: readonly { readonly topic: string; readonly partitions: readonly number[] }[] | null,
    requireStable: boolean,
    deadline: Deadline,
  ): Promise<FetchedOffsets>;
  deleteGroups(groupIds: readonly string[], deadline: Deadline): Promise<DeleteGroupsReply>;
  deleteOffsets(question: Question<DeleteOffsetsCommand>, deadline: Deadline): Promise<DeleteOffsetsReply>;

  /** The groups of this node; COORDINATOR_LOAD_IN_PROGRESS while some are not read yet. */
  list(): { readonly error: KafkaErrorName; readonly groups: readonly ListedGroup[] };
  /** `group` is null with NONE when there is no such group. */
  describe(groupId: string): { readonly error: KafkaErrorName; readonly group: DescribedGroup | null };
  stats(): GroupStats;
  /** Called when the end of a rebalance is durable. */
  onRebalanced(listener: (group: RebalancedGroup) => void): { cancel(): void };
  /** Every committed offset of the group beside the end of its partition. */
  lag(groupId: string, deadline: Deadline): Promise<{ readonly error: KafkaErrorName; readonly partitions: readonly PartitionLag[] }>;
}
