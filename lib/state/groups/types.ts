/**
 * Vocabulary of classic consumer groups: what is asked, what is answered, what is written to `__consumer_offsets`. Version-free:
 * handlers translate from and to the wire. Nothing here behaves. Source: Kafka protocol "Group Membership", KIP-62, 345, 394, 447, 814.
 */
import type { KafkaErrorName } from "../../protocol/errors.ts";
import type { Uuid } from "../../protocol/ids.ts";

export interface GroupSettings {
  /** `group.min.session.timeout.ms`, `group.max.session.timeout.ms`: both inclusive. */
  readonly minSessionTimeoutMs: number;
  readonly maxSessionTimeoutMs: number;
  /** `group.initial.rebalance.delay.ms`: how long an empty group waits for more members before its first generation. */
  readonly initialRebalanceDelayMs: number;
  /** `group.max.size`: members of one group, and as many more that were given an id but have not come back with it. */
  readonly maxSize: number;
  /** A member that never had an answer to its JoinGroup is forgotten after this: it cannot send heartbeats yet. */
  readonly newMemberJoinTimeoutMs: number;
  /** `offset.metadata.max.bytes`, in UTF-16 units as Kafka counts it. */
  readonly offsetMetadataMaxSize: number;
  /** `offsets.retention.minutes` in milliseconds. */
  readonly offsetsRetentionMs: number;
}

/** Both clocks at the moment of a step: `mono` for timers, `wall` for timestamps inside records. Milliseconds. */
export interface Now {
  readonly mono: number;
  readonly wall: number;
}

/** Names one question; its answer comes back under the same number, in the same step or in a later one. */
export type Ticket = number;

export interface MemberProtocol {
  readonly name: string;
  readonly metadata: Uint8Array;
}

export interface JoinCommand {
  readonly kind: "join";
  readonly ticket: Ticket;
  readonly groupId: string;
  /** Empty when the member does not have one yet. */
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly clientId: string;
  /** As Kafka writes it: `/127.0.0.1`. */
  readonly clientHost: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly protocolType: string;
  /** In the member's order of preference. */
  readonly protocols: readonly MemberProtocol[];
  /** Taken if the member needs one; unique. */
  readonly newMemberId: string;
  /** JoinGroup v4 and later (KIP-394): a new dynamic member is sent back with its id first. */
  readonly requireKnownMemberId: boolean;
  /** JoinGroup v9 and later (KIP-814): a replaced static leader may be told to skip its assignment. */
  readonly canSkipAssignment: boolean;
}

export interface JoinReply {
  readonly error: KafkaErrorName;
  readonly memberId: string;
  readonly generation: number;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly leader: string;
  readonly skipAssignment: boolean;
  /** Only for the leader. */
  readonly members: readonly { readonly memberId: string; readonly instanceId: string | null; readonly metadata: Uint8Array }[];
}

/** Who asks and at which generation: the fence of every request of a member. */
export interface MemberFence {
  readonly groupId: string;
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly generation: number;
}

export interface SyncCommand extends MemberFence {
  readonly kind: "sync";
  readonly ticket: Ticket;
  /** SyncGroup v5 and later (KIP-559); null before. */
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  /** From the leader; empty from others. */
  readonly assignments: readonly { readonly memberId: string; readonly assignment: Uint8Array }[];
}

export interface SyncReply {
  readonly error: KafkaErrorName;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly assignment: Uint8Array;
}

export interface HeartbeatCommand extends MemberFence {
  readonly kind: "heartbeat";
  readonly ticket: Ticket;
}

export interface HeartbeatReply {
  readonly error: KafkaErrorName;
}

export interface LeaveCommand {
  readonly kind: "leave";
  readonly ticket: Ticket;
  readonly groupId: string;
  /** An empty member id with an instance id removes a static member from outside. */
  readonly members: readonly { readonly memberId: string; readonly instanceId: string | null }[];
}

export interface LeaveReply {
  readonly error: KafkaErrorName;
  /** In the order of the request. */
  readonly members: readonly { readonly memberId: string; readonly instanceId: string | null; readonly error: KafkaErrorName }[];
}

export interface CommitCommand extends MemberFence {
  readonly kind: "commit";
  readonly ticket: Ticket;
  /** OffsetCommit v9 and later answer GROUP_ID_NOT_FOUND where older ones answered ILLEGAL_GENERATION. */
  readonly knowsGroupIdNotFound: boolean;
  /** OffsetCommit v2-4; -1: the broker's retention. */
  readonly retentionMs: number;
  readonly topics: readonly {
    readonly topic: string;
    readonly topicId: Uuid;
    readonly partitions: readonly {
      readonly partition: number;
      readonly offset: number;
      readonly leaderEpoch: number;
      readonly metadata: string | null;
    }[];
  }[];
}

/** Errors by topic and partition, in the order of the request. */
export interface PartitionErrors {
  readonly topic: string;
  readonly partitions: readonly { readonly partition: number; readonly error: KafkaErrorName }[];
}

export interface CommitReply {
  /** Anything but NONE: nothing was committed, and `topics` is empty. */
  readonly error: KafkaErrorName;
  readonly topics: readonly PartitionErrors[];
}

export interface DeleteGroupsCommand {
  readonly kind: "deleteGroups";
  readonly ticket: Ticket;
  readonly groupIds: readonly string[];
}

export type DeleteGroupsReply = readonly { readonly groupId: string; readonly error: KafkaErrorName }[];

export interface DeleteOffsetsCommand {
  readonly kind: "deleteOffsets";
  readonly ticket: Ticket;
  readonly groupId: string;
  readonly topics: readonly { readonly topic: string; readonly partitions: readonly number[] }[];
}

export interface DeleteOffsetsReply {
  readonly error: KafkaErrorName;
  readonly topics: readonly PartitionErrors[];
}

export type Command =
  | JoinCommand
  | SyncCommand
  | HeartbeatCommand
  | LeaveCommand
  | CommitCommand
  | DeleteGroupsCommand
  | DeleteOffsetsCommand
  /** The topics are gone: so are the offsets that belong to them. */
  | { readonly kind: "topicsDeleted"; readonly topics: readonly { readonly topic: string; readonly topicId: Uuid }[] }
  /** All topics that there are, when the log has been read: offsets of others are of topics whose end nobody could write down. */
  | { readonly kind: "topicsThere"; readonly topics: ReadonlyMap<string, { readonly topicId: Uuid }> }
  /** The regular look for offsets past their retention and for groups that nothing is left of. */
  | { readonly kind: "cleanUp" };

export type Reply = JoinReply | SyncReply | HeartbeatReply | LeaveReply | CommitReply | DeleteGroupsReply | DeleteOffsetsReply;

// ── what is read without a step ───────────────────────────────────────────────────────────────────────────────────────

/** Kafka's names. `Dead`: its tombstone is on the way to the disk. */
export type GroupStateName = "Empty" | "PreparingRebalance" | "CompletingRebalance" | "Stable" | "Dead";

export interface ListedGroup {
  readonly groupId: string;
  /** Empty for a group that only stores offsets. */
  readonly protocolType: string;
  readonly state: GroupStateName;
  readonly type: "classic";
}

export interface DescribedGroup {
  readonly groupId: string;
  readonly state: GroupStateName;
  readonly protocolType: string;
  /** The chosen protocol; empty unless the group is stable. */
  readonly protocolName: string;
  readonly members: readonly {
    readonly memberId: string;
    readonly instanceId: string | null;
    readonly clientId: string;
    readonly clientHost: string;
    /** Empty unless the group is stable. */
    readonly metadata: Uint8Array;
    readonly assignment: Uint8Array;
  }[];
}

export interface CommittedOffset {
  readonly offset: number;
  /** -1: unknown. */
  readonly leaderEpoch: number;
  readonly metadata: string;
  readonly commitTimestampMs: number;
  /** -1: the broker's retention decides. */
  readonly expireTimestampMs: number;
  /** `ZERO_UUID` when it was committed before topic ids. */
  readonly topicId: Uuid;
}

// ── what is written ───────────────────────────────────────────────────────────────────────────────────────────────────

/** A group at the end of a rebalance, as it is stored. */
export interface StoredGroup {
  readonly protocolType: string;
  readonly generation: number;
  readonly protocolName: string | null;
  readonly leader: string | null;
  readonly stateTimestampMs: number;
  readonly members: readonly {
    readonly memberId: string;
    readonly instanceId: string | null;
    readonly clientId: string;
    readonly clientHost: string;
    /** -1 in old records: the session timeout. */
    readonly rebalanceTimeoutMs: number;
    readonly sessionTimeoutMs: number;
    readonly subscription: Uint8Array;
    readonly assignment: Uint8Array;
  }[];
}

/** One record of `__consumer_offsets`; null is a tombstone. */
export type GroupRecord =
  | {
    readonly kind: "offset";
    readonly groupId: string;
    readonly topic: string;
    readonly partition: number;
    readonly value: CommittedOffset | null;
  }
  | { readonly kind: "group"; readonly groupId: string; readonly value: StoredGroup | null };

/** Carried out by the host, top to bottom. */
export interface Effects {
  /** Append as one unit, behind everything appended before; then step `appended` with the same token, in the order of the tokens. */
  readonly append: { readonly token: number; readonly records: readonly GroupRecord[] } | null;
  readonly replies: readonly { readonly ticket: Ticket; readonly reply: Reply }[];
  /** Monotonic ms at which `tick` must be called at the latest; null: no timer runs. */
  readonly wakeAt: number | null;
}
