/**
 * What an assignor is to the group's leader: members and partition counts in, one list of partitions per member out. Pure. Assignors must
 * not differ from the Java client's of the same name in what they read and write, because groups are mixed.
 * Source: KIP-54 (sticky), KIP-429 (cooperative), KIP-345 (order of static members).
 */
import type { Assignor } from "../../types.ts";

export type PartitionsByTopic = ReadonlyMap<string, readonly number[]>;

/** What a member brings along: partitions that it held, and in which generation. -1: it does not say. */
export interface Claims {
  readonly owned: PartitionsByTopic;
  readonly generation: number;
}

export interface Subscription extends Claims {
  readonly topics: readonly string[];
  readonly userData: Uint8Array | null;
  readonly rackId: string | null;
}

export interface AssignorMember {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly subscription: Subscription;
}

/** Every member is a key, also one that gets nothing. Lists are in ascending order. */
export type GroupAssignment = ReadonlyMap<string, PartitionsByTopic>;

export interface PartitionAssignor {
  readonly name: Assignor;
  /** Members keep what they hold while they rejoin; what changes hands is given away one round later. */
  readonly cooperative: boolean;
  /** What a member sends along with its subscription. */
  userData(claims: Claims): Uint8Array | null;
  /** @param partitionCounts topics that exist; subscriptions to others are passed over. */
  assign(members: readonly AssignorMember[], partitionCounts: ReadonlyMap<string, number>): GroupAssignment;
}

/** The order of the Java client: static members by instance id, then the others by member id. */
export function inOrder(members: readonly AssignorMember[]): readonly AssignorMember[] {
  return members.toSorted((a, b) => {
    if (a.instanceId !== null && b.instanceId !== null) return compare(a.instanceId, b.instanceId);
    if (a.instanceId !== null) return -1;
    return b.instanceId !== null ? 1 : compare(a.memberId, b.memberId);
  });
}

/** By UTF-16 units, as Java does. */
export const compare = (a: string, b: string): number => a < b ? -1 : a > b ? 1 : 0;

/** Topics that exist and that somebody wants, in order, with who wants them, in the order of `members`. */
export function subscribers(
  members: readonly AssignorMember[],
  partitionCounts: ReadonlyMap<string, number>,
): ReadonlyMap<string, readonly AssignorMember[]> {
  const wanted = new Map<string, AssignorMember[]>();
  for (const member of members) {
    for (const topic of new Set(member.subscription.topics)) {
      if (!partitionCounts.has(topic)) continue;
      const list = wanted.get(topic);
      if (list) list.push(member);
      else wanted.set(topic, [member]);
    }
  }
  return new Map([...wanted].sort(([a], [b]) => compare(a, b)));
}

/** An assignment under construction. */
export class Draft {
  readonly #lists = new Map<string, Map<string, number[]>>();

  constructor(members: readonly AssignorMember[]) {
    for (const { memberId } of members) this.#lists.set(memberId, new Map());
  }

  give(memberId: string, topic: string, partition: number): void {
    const topics = this.#lists.get(memberId)!;
    const list = topics.get(topic);
    if (list) list.push(partition);
    else topics.set(topic, [partition]);
  }

  finish(): GroupAssignment {
    return this.#lists;
  }
}
