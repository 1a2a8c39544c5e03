/**
 * Which brokers get the replicas of new partitions: round robin over brokers interleaved by rack, starting where the cluster's partition
 * count stands, so that leaders and followers spread evenly. Pure; it must not look at load.
 */
import type { NodeId } from "../../protocol/ids.ts";
import type { BrokerImage, PartitionImage } from "./image.ts";

/** @param rotor how many partitions were placed before: the next one starts at the next broker. */
export function place(brokers: readonly BrokerImage[], count: number, replicationFactor: number, rotor: number): NodeId[][] {
  const ring = interleaveRacks(brokers);
  return Array.from({ length: count }, (_, at) => {
    const leader = (rotor + at) % ring.length;
    // The distance to the second replica changes once per turn, or the same pairs would always share a fate.
    const shift = ring.length > 1 ? Math.floor((rotor + at) / ring.length) % (ring.length - 1) : 0;
    return Array.from({ length: replicationFactor }, (_, replica) => {
      if (replica === 0) return ring[leader]!;
      return ring[(leader + 1 + (shift + replica - 1) % (ring.length - 1)) % ring.length]!;
    });
  });
}

export function newPartition(partition: number, replicas: readonly NodeId[]): PartitionImage {
  return { partition, leader: replicas[0]!, leaderEpoch: 0, partitionEpoch: 0, replicas, isr: replicas };
}

/** a1 b1 c1 a2 b2 …: neighbours on the ring are in different racks wherever that is possible. */
function interleaveRacks(brokers: readonly BrokerImage[]): NodeId[] {
  const racks = new Map<string, NodeId[]>();
  for (const broker of [...brokers].sort((a, b) => a.id - b.id)) {
    const rack = broker.rack ?? "";
    racks.set(rack, [...racks.get(rack) ?? [], broker.id]);
  }
  const rows = [...racks].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, ids]) => ids);
  const ring: NodeId[] = [];
  for (let at = 0; ring.length < brokers.length; at++) for (const row of rows) if (at < row.length) ring.push(row[at]!);
  return ring;
}
