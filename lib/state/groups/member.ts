/** One member of a classic group: what it said, what it was assigned, what it waits for. Decides nothing. */
import type { Expiry } from "./expiry_queue.ts";
import type { TimerTarget } from "./state.ts";
import type { MemberProtocol, Ticket } from "./types.ts";

export const EMPTY_BYTES: Uint8Array = new Uint8Array(0);

export interface Member {
  readonly memberId: string;
  /** Set for static members (KIP-345). */
  readonly instanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  rebalanceTimeoutMs: number;
  sessionTimeoutMs: number;
  /** Never empty, in the member's order of preference. */
  protocols: readonly MemberProtocol[];
  assignment: Uint8Array;
  /** The JoinGroup that waits for the rebalance to end; at most one. */
  awaitingJoin: Ticket | null;
  /** The SyncGroup that waits for the leader's assignment; at most one. */
  awaitingSync: Ticket | null;
  /** Has not had an answer to its first JoinGroup: its session runs even while it waits. */
  isNew: boolean;
  readonly session: Expiry<TimerTarget>;
}

/** The metadata that the member sent with `protocol`; null when it does not support it. */
export function metadataFor(member: Member, protocol: string): Uint8Array | null {
  return member.protocols.find((candidate) => candidate.name === protocol)?.metadata ?? null;
}

/** Same protocols, same metadata, same order: joining again changes nothing. */
export function sameProtocols(a: readonly MemberProtocol[], b: readonly MemberProtocol[]): boolean {
  return a.length === b.length && a.every((protocol, i) => protocol.name === b[i]!.name && sameBytes(protocol.metadata, b[i]!.metadata));
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
