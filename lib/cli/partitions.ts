/** Which partitions a command means, and where they begin and end. Asks the cluster; prints nothing. */
import type { AdminApi, Outcome, PartitionOutcome, Position, TopicPartition, TopicView } from "../client/mod.ts";
import { CommandFailed } from "./exit.ts";
import { valueOf } from "./outcomes.ts";
import { parseTopicPartitions, type Place } from "./values.ts";

/** @throws {KafkaError} for an unknown topic. @throws {CommandFailed} for a partition that it does not have. */
export async function chosenPartitions(admin: AdminApi, flag: string, texts: readonly string[]): Promise<readonly TopicPartition[]> {
  const asked = texts.map((text) => parseTopicPartitions(flag, text));
  const views = await admin.describeTopics([...new Set(asked.map(({ topic }) => topic))]);
  return asked.flatMap(({ topic, partitions }) => {
    const has = viewOf(views, topic).partitions.map(({ partition }) => partition);
    const missing = partitions?.find((partition) => !has.includes(partition));
    if (missing !== undefined) {
      throw new CommandFailed(`Topic "${topic}" has no partition ${missing}: it has 0 to ${has.length - 1}`);
    }
    return (partitions ?? has).map((partition) => ({ topic, partition }));
  });
}

export function viewOf(views: ReadonlyMap<string, Outcome<TopicView>>, topic: string): TopicView {
  const view = views.get(topic);
  if (view === undefined) throw new CommandFailed(`The cluster said nothing of topic "${topic}": try again`);
  return valueOf(view);
}

export interface Ends {
  readonly start: number | null;
  readonly end: number | null;
}

/** Start and end of each, in their order; null where the partition has no leader to say. */
export async function endsOf(admin: AdminApi, partitions: readonly TopicPartition[]): Promise<readonly Ends[]> {
  const at = (position: Position) => admin.listOffsets(partitions.map((partition) => ({ ...partition, position })));
  const [starts, ends] = await Promise.all([at("earliest"), at("latest")]);
  return partitions.map((_, row) => ({ start: offsetOf(starts[row]), end: offsetOf(ends[row]) }));
}

const offsetOf = (row: PartitionOutcome<number | null> | undefined): number | null => row?.ok ? row.value : null;

/**
 * The offset that a place comes to in each partition, within what the partition holds. A time after the last record is the end.
 * @throws {KafkaError} for the first partition that cannot say.
 */
export async function offsetsAt(admin: AdminApi, partitions: readonly TopicPartition[], place: Place): Promise<readonly number[]> {
  const at = async (position: Position) =>
    (await admin.listOffsets(partitions.map((partition) => ({ ...partition, position })))).map((row) => valueOf(row));
  const position = typeof place === "object" && "last" in place ? "latest" : place;
  const [starts, ends, found] = await Promise.all([at("earliest"), at("latest"), typeof position === "object" ? at(position) : []]);
  return partitions.map((_, row) => {
    const [start, end] = [starts[row] ?? 0, ends[row] ?? 0];
    if (place === "earliest") return start;
    if (place === "latest") return end;
    if (typeof place === "number") return Math.min(Math.max(place, start), end);
    if ("last" in place) return Math.max(start, end - place.last);
    return found[row] ?? end;
  });
}

export const partitionText = ({ topic, partition }: TopicPartition): string => `${topic}-${partition}`;
