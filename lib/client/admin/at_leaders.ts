/** Asks the leader of each partition, one request for each node, and looks for new leaders where they have moved. Knows no APIs. */
import type { Deadline } from "../../io/mod.ts";
import { failureOf, KafkaError } from "../errors.ts";
import type { Cluster, Outcome, PartitionOutcome, TopicPartition } from "../types.ts";
import { eachOutcome, failedWith, noAnswer } from "./outcomes.ts";

export const partitionKey = ({ topic, partition }: TopicPartition): string => `${topic}\0${partition}`;

/** Items of one node by topic, as the wire wants them. */
export function byTopic<Item extends TopicPartition>(
  items: readonly Item[],
): readonly (readonly [topic: string, items: readonly Item[]])[] {
  return [...Map.groupBy(items, ({ topic }) => topic)];
}

/**
 * @param attempt sends the items of one node and answers with the outcomes by `partitionKey`.
 * @param action for messages: `delete records of`.
 */
export async function atLeaders<Item extends TopicPartition, T>(
  cluster: Cluster,
  deadline: Deadline,
  action: string,
  items: readonly Item[],
  attempt: (node: number, items: readonly Item[]) => Promise<ReadonlyMap<string, Outcome<T>>>,
): Promise<readonly PartitionOutcome<T>[]> {
  const outcomes = await eachOutcome(cluster, deadline, items, async (pending) => {
    const { rows, byLeader } = await leadersOf<Item, T>(cluster, deadline, action, pending);
    await Promise.all([...byLeader].map(async ([node, asked]) => {
      const answers = await attempt(node, asked).catch((error) => {
        if (!(error instanceof KafkaError)) throw error;
        return new Map(asked.map((item) => [partitionKey(item), failedWith<T>(error)]));
      });
      for (const item of asked) {
        const row = answers.get(partitionKey(item)) ?? noAnswer(`${action} "${item.topic}-${item.partition}"`);
        rows.set(partitionKey(item), row);
        if (!row.ok && row.error.retriable) cluster.forgetTopic(item.topic);
      }
    }));
    return pending.map((item) => rows.get(partitionKey(item))!);
  });
  return items.map(({ topic, partition }, i) => ({ topic, partition, ...outcomes[i]! }));
}

async function leadersOf<Item extends TopicPartition, T>(cluster: Cluster, deadline: Deadline, action: string, items: readonly Item[]) {
  const topics = await cluster.topics(items.map(({ topic }) => topic), deadline);
  const rows = new Map<string, Outcome<T>>();
  const byLeader = new Map<number, Item[]>();
  for (const item of items) {
    const topic = topics.get(item.topic)!;
    const view = topic instanceof KafkaError ? topic : topic.partitions.find(({ partition }) => partition === item.partition);
    const name = `${action} "${item.topic}-${item.partition}"`;
    if (view instanceof KafkaError) rows.set(partitionKey(item), failedWith(failureOf(view.error, name)));
    else if (view === undefined || view.leader < 0) {
      cluster.forgetTopic(item.topic);
      const error = view === undefined ? "UNKNOWN_TOPIC_OR_PARTITION" : "LEADER_NOT_AVAILABLE";
      rows.set(partitionKey(item), failedWith(failureOf(error, name)));
    } else if (byLeader.get(view.leader)?.push(item) === undefined) byLeader.set(view.leader, [item]);
  }
  return { rows, byLeader };
}
