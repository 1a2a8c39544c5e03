/**
 * The work of both sticky assignors: keep what members hold, give out the rest, then move as little as levels the loads. Does not decide
 * when a partition may change hands.
 *
 * A partition that two members claim belongs to the one of the later generation, and to neither when they are of the same: one of
 * them is wrong and nobody can tell which (KIP-792).
 */
import { type AssignorMember, type Claims, inOrder, type PartitionsByTopic, subscribers } from "./types.ts";

const NOBODY = -1;

interface Slot {
  readonly topic: string;
  readonly partition: number;
  /** Indices of members that want the topic. */
  readonly wanting: readonly number[];
  /** Members whose claim is of the latest generation. */
  claimants: readonly number[];
  claimGeneration: number;
  owner: number;
}

export interface Balanced {
  readonly topic: string;
  readonly partition: number;
  readonly memberId: string;
  /** Who held it so far, as far as anybody may know. */
  readonly claimants: readonly string[];
}

/** Every partition that somebody wants, once, in order of topic and partition. */
export function balance(
  members: readonly AssignorMember[],
  partitionCounts: ReadonlyMap<string, number>,
  claimsOf: (member: AssignorMember) => Claims,
): readonly Balanced[] {
  const order = inOrder(members);
  const slots = slotsOf(order, partitionCounts);
  honourClaims(order.map(claimsOf), slots);
  const all = [...slots.values()].flat();
  const loads = order.map(() => 0);
  for (const { owner } of all) if (owner !== NOBODY) loads[owner]!++;
  // What few members want first, so that those who can take anything fill the gaps. The sort keeps the order otherwise.
  for (const slot of all.toSorted((a, b) => a.wanting.length - b.wanting.length)) {
    if (slot.owner === NOBODY) take(slot, leastLoaded(slot.wanting, loads), loads);
  }
  level(all, loads);
  return all.map(({ topic, partition, owner, claimants }) => ({
    topic,
    partition,
    memberId: order[owner]!.memberId,
    claimants: claimants.map((index) => order[index]!.memberId),
  }));
}

function slotsOf(order: readonly AssignorMember[], partitionCounts: ReadonlyMap<string, number>): ReadonlyMap<string, Slot[]> {
  const places = new Map(order.map((member, index) => [member, index]));
  const slots = new Map<string, Slot[]>();
  for (const [topic, members] of subscribers(order, partitionCounts)) {
    const wanting = members.map((member) => places.get(member)!);
    slots.set(
      topic,
      Array.from({ length: partitionCounts.get(topic)! }, (_, partition) => ({
        ...{ topic, partition, wanting, claimants: [], claimGeneration: -Infinity, owner: NOBODY },
      })),
    );
  }
  return slots;
}

function honourClaims(claims: readonly Claims[], slots: ReadonlyMap<string, readonly Slot[]>): void {
  claims.forEach(({ owned, generation }, member) => {
    for (const [topic, partitions] of owned) {
      for (const partition of new Set(partitions)) {
        const slot = slots.get(topic)?.[partition];
        if (slot === undefined || generation < slot.claimGeneration) continue;
        slot.claimants = generation > slot.claimGeneration ? [member] : [...slot.claimants, member];
        slot.claimGeneration = generation;
      }
    }
  });
  for (const slot of [...slots.values()].flat()) {
    const [only, second] = slot.claimants;
    if (only !== undefined && second === undefined && slot.wanting.includes(only)) slot.owner = only;
  }
}

function leastLoaded(candidates: readonly number[], loads: readonly number[]): number {
  let least = candidates[0]!;
  for (const candidate of candidates) if (loads[candidate]! < loads[least]!) least = candidate;
  return least;
}

function take(slot: Slot, member: number, loads: number[]): void {
  if (slot.owner !== NOBODY) loads[slot.owner]!--;
  slot.owner = member;
  loads[member]!++;
}

/**
 * Each move lowers the sum of the squared loads, so this ends. Whoever has most gives first, and only until somebody else has more: giving
 * on would take from it what it could have kept.
 */
function level(all: readonly Slot[], loads: number[]): void {
  // What nobody held is moved before what somebody held.
  const movable = all.toSorted((a, b) => a.claimants.length - b.claimants.length);
  for (let moved = true; moved;) {
    moved = false;
    const order = loads.map((_, member) => member).sort((a, b) => loads[b]! - loads[a]!);
    for (let place = 0; place < order.length && !moved; place++) {
      const most = order[place]!;
      if (loads[most]! - Math.min(...loads) <= 1) return;
      const nextLoad = loads[order[place + 1] ?? most]!;
      for (const slot of movable) {
        if (moved && loads[most]! < nextLoad) break;
        if (slot.owner !== most) continue;
        const least = leastLoaded(slot.wanting, loads);
        if (loads[most]! - loads[least]! <= 1) continue;
        take(slot, least, loads);
        moved = true;
      }
    }
  }
}

/** Lists by topic, as assignors hand them out. */
export function partitionsByTopic(partitions: Iterable<{ readonly topic: string; readonly partition: number }>): PartitionsByTopic {
  const lists = new Map<string, number[]>();
  for (const { topic, partition } of partitions) {
    const list = lists.get(topic);
    if (list) list.push(partition);
    else lists.set(topic, [partition]);
  }
  return lists;
}
