/** Topics: create, delete, list, describe, more partitions. The controller decides; what was made is looked for until it can be seen. */
import { CreatePartitions, CreateTopics, DeleteTopics, type Uuid, ZERO_UUID } from "../../protocol/mod.ts";
import { failureOf, KafkaError } from "../errors.ts";
import { atController } from "../routes.ts";
import type { NewTopic, Outcome, TopicView } from "../types.ts";
import type { AdminContext } from "./context.ts";
import { type Again, byName, eachOutcome, failedWith, noAnswer, outcomeOf, succeeded } from "./outcomes.ts";

/** A change is repeated only where it is known to be undone, or may be for all we know and says so when it was not. */
const changeAgain: Again = ({ error }) =>
  error === "NOT_CONTROLLER" || error === "THROTTLING_QUOTA_EXCEEDED" || error === "NETWORK_EXCEPTION";
/** How long a created topic may take until every broker tells of it. */
const VISIBLE_WITHIN_MS = 5_000;

export async function createTopics(
  admin: AdminContext,
  topics: readonly NewTopic[],
  validateOnly: boolean,
): Promise<ReadonlyMap<string, Outcome<TopicView>>> {
  const { cluster } = admin;
  const deadline = admin.deadline("create topics");
  const made = await eachOutcome(cluster, deadline, topics, async (pending) => {
    const { topics: rows } = await atController(cluster, deadline, () =>
      cluster.call("controller", CreateTopics, {
        topics: pending.map(draftOf),
        timeoutMs: admin.brokerTimeoutMs(deadline),
        validateOnly,
      }, { deadline }));
    return pending.map((topic) => {
      const row = rows.find(({ name }) => name === topic.name);
      if (row === undefined) return noAnswer<TopicView>(`create topic "${topic.name}"`);
      return outcomeOf(row.errorCode, `create topic "${topic.name}"`, row.errorMessage, () => leaderless(topic, row));
    });
  }, changeAgain);
  for (const { name } of topics) cluster.forgetTopic(name);
  if (validateOnly) return byName(topics.map(({ name }) => name), made);
  const ids = new Map(made.flatMap((outcome) => outcome.ok ? [[outcome.value.name, outcome.value.topicId]] : []));
  const names = [...ids.keys()];
  // Who made it anew, just after its deletion, is not to be told of the earlier one, to which records would be lost.
  const isThis = ({ name, topicId }: TopicView) => ids.get(name) === ZERO_UUID || ids.get(name) === topicId;
  const seen = byName(names, await look(admin, names, isThis, VISIBLE_WITHIN_MS));
  return new Map(topics.map(({ name }, i) => [name, seen.get(name)?.ok ? seen.get(name)! : made[i]!]));
}

export async function deleteTopics(admin: AdminContext, names: readonly string[]): Promise<ReadonlyMap<string, Outcome<void>>> {
  const { cluster } = admin;
  const deadline = admin.deadline("delete topics");
  const outcomes = await eachOutcome(cluster, deadline, names, async (pending) => {
    const { responses } = await atController(cluster, deadline, () =>
      cluster.call("controller", DeleteTopics, {
        topics: pending.map((name) => ({ name, topicId: ZERO_UUID })),
        topicNames: pending,
        timeoutMs: admin.brokerTimeoutMs(deadline),
      }, { deadline }));
    return pending.map((name): Outcome<void> => {
      const row = responses.find((one) => one.name === name);
      const action = `delete topic "${name}"`;
      return row === undefined ? noAnswer(action) : outcomeOf(row.errorCode, action, row.errorMessage, () => undefined);
    });
  }, changeAgain);
  for (const name of names) cluster.forgetTopic(name);
  return byName(names, outcomes);
}

export async function createPartitions(
  admin: AdminContext,
  totals: Readonly<Record<string, number>>,
  validateOnly: boolean,
): Promise<ReadonlyMap<string, Outcome<void>>> {
  const { cluster } = admin;
  const deadline = admin.deadline("create partitions");
  const names = Object.keys(totals);
  const outcomes = await eachOutcome(cluster, deadline, names, async (pending) => {
    const { results } = await atController(cluster, deadline, () =>
      cluster.call("controller", CreatePartitions, {
        topics: pending.map((name) => ({ name, count: totals[name]!, assignments: null })),
        timeoutMs: admin.brokerTimeoutMs(deadline),
        validateOnly,
      }, { deadline }));
    return pending.map((name): Outcome<void> => {
      const row = results.find((one) => one.name === name);
      const action = `add partitions to topic "${name}"`;
      return row === undefined ? noAnswer(action) : outcomeOf(row.errorCode, action, row.errorMessage, () => undefined);
    });
  }, changeAgain);
  for (const name of names) cluster.forgetTopic(name);
  const grown = names.filter((_, i) => outcomes[i]!.ok);
  if (!validateOnly) await look(admin, grown, (view) => view.partitions.length >= totals[view.name]!, VISIBLE_WITHIN_MS);
  return byName(names, outcomes);
}

export async function listTopics(admin: AdminContext, internal: boolean): Promise<readonly TopicView[]> {
  const deadline = admin.deadline("list topics");
  const topics = await admin.cluster.retry(deadline, () => admin.cluster.allTopics(deadline));
  return topics.filter(({ isInternal }) => internal || !isInternal).toSorted((a, b) => a.name < b.name ? -1 : 1);
}

export async function describeTopics(admin: AdminContext, names: readonly string[]): Promise<ReadonlyMap<string, Outcome<TopicView>>> {
  const { cluster } = admin;
  const deadline = admin.deadline("describe topics");
  const again: Again = ({ error }) => error !== "UNKNOWN_TOPIC_OR_PARTITION";
  const outcomes = await eachOutcome(cluster, deadline, names, (pending) => views(admin, pending, deadline), again);
  return byName(names, outcomes);
}

/** Waits until the metadata has the topics as they should be, or for as long as that may take. */
function look(admin: AdminContext, names: readonly string[], isThere: (view: TopicView) => boolean, budgetMs: number) {
  const deadline = admin.within(admin.deadline("find topics"), budgetMs);
  return eachOutcome(admin.cluster, deadline, names, async (pending) =>
    (await views(admin, pending, deadline)).map((outcome) => {
      const isReady = outcome.ok && isThere(outcome.value) && outcome.value.partitions.every(({ leader }) => leader >= 0);
      return !outcome.ok || isReady ? outcome : failedWith<TopicView>(failureOf("LEADER_NOT_AVAILABLE", `see "${outcome.value.name}"`));
    }), ({ retriable }) => retriable);
}

/** As the cluster has them now, not as we remember them. */
async function views(
  { cluster }: AdminContext,
  names: readonly string[],
  deadline: { readonly op: string; readonly at: number },
): Promise<readonly Outcome<TopicView>[]> {
  for (const name of names) cluster.forgetTopic(name);
  const found = await cluster.topics(names, deadline);
  return names.map((name) => {
    const view = found.get(name)!;
    return view instanceof KafkaError ? failedWith(failureOf(view.error, `describe topic "${name}"`)) : succeeded(view);
  });
}

function draftOf({ name, partitions = -1, replicationFactor = -1, assignments, configs = {} }: NewTopic) {
  return {
    name,
    numPartitions: assignments === undefined ? partitions : -1,
    replicationFactor: assignments === undefined ? replicationFactor : -1,
    assignments: [...assignments ?? []].map(([partitionIndex, brokerIds]) => ({ partitionIndex, brokerIds: [...brokerIds] })),
    configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
  };
}

/** What the reply to a creation tells, without leaders. */
function leaderless(topic: NewTopic, row: { readonly topicId: Uuid; readonly numPartitions: number }): TopicView {
  const count = topic.assignments?.size ?? Math.max(row.numPartitions, topic.partitions ?? 0);
  const partitions = Array.from({ length: count }, (_, partition) => {
    const replicas = topic.assignments?.get(partition) ?? [];
    return { partition, leader: -1, leaderEpoch: -1, replicas, isr: [] };
  });
  return { name: topic.name, topicId: row.topicId ?? ZERO_UUID, isInternal: false, partitions };
}
