/**
 * Raft's vocabulary (Ongaro's thesis). The core is a synchronous step function: one input in, one `Ready` out; the driver in
 * `controller/` executes the fields of `Ready` top to bottom. No I/O, no clock, no randomness in here: time and random
 * numbers arrive as inputs.
 */
import type { NodeId } from "../protocol/ids.ts";

export type { NodeId };

/** Index of the log, from 1. Index 0 with term 0 is the position before the first entry. */
export interface Entry {
  readonly index: number;
  readonly term: number;
  readonly kind: "noop" | "command" | "membership";
  readonly data: Uint8Array;
}

/** What must survive a restart before any message that depends on it leaves (thesis figure 3.1). */
export interface HardState {
  readonly term: number;
  readonly votedFor: NodeId | null;
  readonly commit: number;
}

export interface SnapshotMeta {
  readonly index: number;
  readonly term: number;
  readonly voters: readonly NodeId[];
}

/** Executed top to bottom by the driver. */
export interface Ready {
  /** Send now. */
  readonly send: readonly Message[];
  /** Write and fdatasync through the WAL. Entries may overwrite a conflicting suffix: the first entry's index says where. */
  readonly persist: {
    readonly hardState: HardState | null;
    readonly entries: readonly Entry[];
    /**
     * Stepped as `persisted` once this `persist` and this `snapshot` are durable, one step for each mark, in order; null: nothing to
     * write. The term is the one in which the write was asked for, not that of the last entry: only so a log that was cut and
     * regrown is told apart (R3). Index 0: only the hard state.
     */
    readonly mark: { readonly term: number; readonly index: number } | null;
  };
  /** Send once everything asked to be persisted up to and with this `Ready` is durable. */
  readonly sendOncePersisted: readonly Message[];
  /** Committed, in index order, each exactly once. */
  readonly apply: readonly Entry[];
  /** Set when the role, term or known leader changed. */
  readonly role: { readonly role: Role; readonly term: number; readonly leader: NodeId | null } | null;
  /** Store this snapshot before `persist`, install it before applying further entries; null when there is none. */
  readonly snapshot: { readonly meta: SnapshotMeta; readonly data: Uint8Array } | null;
  /** Monotonic ms at which the driver must step `tick` at the latest; null: no timer needed. */
  readonly wakeAt: number | null;
}

export type Role = "follower" | "precandidate" | "candidate" | "leader";

export type Input =
  | { readonly kind: "tick"; readonly now: number }
  | { readonly kind: "message"; readonly message: Message; readonly now: number }
  /** Appended if this node is leader (ask `Raft.role` first: indexes are given in order from `lastIndex + 1`). */
  | { readonly kind: "propose"; readonly data: readonly Uint8Array[]; readonly now: number }
  /** One server more or less (thesis 4.1); ignored unless leader, one change at a time, own term committed. */
  | { readonly kind: "changeVoters"; readonly voters: readonly NodeId[]; readonly now: number }
  /** The WAL acknowledged everything up to (term, index) (HAZARDS R3: ignored when the log was truncated and regrown). */
  | { readonly kind: "persisted"; readonly term: number; readonly index: number; readonly now: number }
  /** The driver stored a snapshot at `meta`: entries up to it may be forgotten. */
  | { readonly kind: "compacted"; readonly meta: SnapshotMeta; readonly data: Uint8Array; readonly now: number };

interface MessageBase {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly term: number;
}

export type Message =
  | (MessageBase & { readonly kind: "preVote" | "vote"; readonly lastIndex: number; readonly lastTerm: number })
  | (MessageBase & { readonly kind: "preVoteReply" | "voteReply"; readonly granted: boolean })
  | (MessageBase & {
    readonly kind: "append";
    readonly prevIndex: number;
    readonly prevTerm: number;
    readonly entries: readonly Entry[];
    readonly commit: number;
    /** Leader's monotonic send time, echoed in the reply: the lease counts from it (HAZARDS R1). */
    readonly sentAt: number;
  })
  | (MessageBase & {
    readonly kind: "appendReply";
    readonly success: boolean;
    /** `prevIndex` of the request: tells a refusal of the current probe from a late one. */
    readonly prevIndex: number;
    /** On success the durable match index; on refusal the highest index at which the logs may still agree. */
    readonly index: number;
    /** On refusal the follower's term at `index`; 0 on success. */
    readonly hintTerm: number;
    readonly sentAt: number;
  })
  | (MessageBase & { readonly kind: "snapshot"; readonly meta: SnapshotMeta; readonly data: Uint8Array; readonly sentAt: number });
