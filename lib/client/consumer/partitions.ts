/** Sets of partitions, by topic and as lists. */
import type { TopicPartition } from "../types.ts";
import { compare, type PartitionsByTopic } from "./assignors/types.ts";

/** What is in `all` and not in `taken`; topics without partitions are left out. */
export function without(all: PartitionsByTopic, taken: PartitionsByTopic): PartitionsByTopic {
  const left = new Map<string, readonly number[]>();
  for (const [topic, partitions] of all) {
    const gone = new Set(taken.get(topic));
    const rest = partitions.filter((partition) => !gone.has(partition));
    if (rest.length > 0) left.set(topic, rest);
  }
  return left;
}

/** In order of topic and partition. */
export function listOf(partitions: PartitionsByTopic): readonly TopicPartition[] {
  return [...partitions].sort(([a], [b]) => compare(a, b)).flatMap(([topic, list]) =>
    list.toSorted((a, b) => a - b).map((partition) => ({ topic, partition }))
  );
}

/** A name for one partition in maps and messages; no topic name has a slash. */
export const keyOf = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`;
