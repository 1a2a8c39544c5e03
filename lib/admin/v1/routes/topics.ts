/** Topics: list, create, show, delete, more partitions. Decides nothing: the controller does, in one entry for a whole request. */
import { z } from "@hono/zod-openapi";
import { invariant } from "../../../io/mod.ts";
import type { TopicImage } from "../../../state/mod.ts";
import type { AdminContext } from "../../mod.ts";
import type { Api } from "../operation.ts";
import { nextCursor, pageByNumber, pageByText, pageQuery } from "../paging.ts";
import { booleanParam, field, orNull, topicName, validateOnly } from "../params.ts";
import { ProblemBody } from "../schemas.ts";
import { kafkaProblem, Refused } from "../status.ts";
import {
  configValues,
  NewTopic,
  PartitionView,
  partitionView,
  repeatedNames,
  toNewTopic,
  topicNamed,
  TopicSummary,
  topicSummary,
  WantedTopic,
} from "../topic_schemas.ts";

const TOPICS_AT_ONCE_MAX = 1_000;
const tag = "topics";

const TopicPage = z.object({
  topics: field(z.array(TopicSummary), "In the order of their names", []),
  nextCursor,
}).openapi("TopicPage");

const CreateTopics = z.strictObject({
  topics: z.array(NewTopic).min(1).max(TOPICS_AT_ONCE_MAX).superRefine(repeatedNames)
    .openapi({ description: "Each name once", examples: [[{ name: "orders", partitions: 3 }]] }),
  validateOnly,
}).openapi("CreateTopics");

const CreatedTopics = z.object({
  results: field(
    z.array(
      z.object({
        name: topicName,
        topic: orNull(TopicSummary, "The topic as it was made; null when it was refused"),
        problem: orNull(ProblemBody, "Why it was refused; null when it was made"),
      }),
    ),
    "One row for each topic that was asked for, in that order",
    [],
  ),
}).openapi("CreatedTopics");

const DeletedTopic = TopicSummary.pick({ name: true, topicId: true }).openapi("DeletedTopic");

const Topic = TopicSummary.extend({
  configs: configValues.openapi({
    description: "The settings that were set for this topic; defaults are at `/v1/topics/{topic}/configs`",
    examples: [{ "retention.ms": "86400000" }],
  }),
  partitions: field(z.array(PartitionView), "A page of the partitions, in the order of their indexes", []),
  nextCursor,
}).openapi("Topic");

export function topicRoutes(api: Api, { services }: AdminContext): void {
  const { controller } = services;

  api.add({
    method: "get",
    path: "/v1/topics",
    id: "listTopics",
    tag,
    summary: "List topics",
    description: "A page of the topics in the order of their names.",
    query: {
      prefix: z.string().max(249).optional().openapi({ description: "Only names that begin with it", example: "ord" }),
      internal: booleanParam(false, "Shows the brokers' own topics too"),
      ...pageQuery,
    },
    answer: TopicPage,
    answers: { 200: "A page of topics" },
  }, ({ query: { prefix = "", internal, ...page } }) => {
    const wanted = [...controller.image.topics.values()].filter((topic) => topic.name.startsWith(prefix) && (internal || !topic.internal));
    const { rows, nextCursor } = pageByText(wanted, ({ name }) => name, page);
    return { status: 200, body: { topics: rows.map((topic) => topicSummary(topic, services)), nextCursor } };
  });

  api.add({
    method: "post",
    path: "/v1/topics",
    id: "createTopics",
    tag,
    summary: "Create topics",
    description:
      "Creates one topic or many in one step. Those that are refused do not keep the others from being made; one that was asked for alone " +
      "and is refused answers with its problem. Answers when the topics are usable.",
    body: CreateTopics,
    answer: CreatedTopics,
    answers: {
      200: "All would be made; nothing was done, as `validateOnly` asked",
      201: "All were made",
      207: "Some were refused, see each row",
    },
    problems: [507],
  }, async ({ body, deadline }) => {
    const rows = await controller.createTopics(body.topics.map(toNewTopic), body.validateOnly, deadline);
    const only = rows.length === 1 ? rows[0]! : null;
    if (only?.ok === false) throw new Refused(only.error, only.message);
    const results = rows.map((row, at) => ({
      name: body.topics[at]!.name,
      topic: row.ok ? topicSummary(row.value, services) : null,
      problem: row.ok ? null : kafkaProblem(row.error, row.message),
    }));
    const status = rows.some((row) => !row.ok) ? 207 : body.validateOnly ? 200 : 201;
    return { status, body: { results } };
  });

  api.add({
    method: "get",
    path: "/v1/topics/{topic}",
    id: "getTopic",
    tag,
    summary: "Show a topic",
    description: "The topic with a page of its partitions: leaders, replicas, sizes and offsets.",
    params: { topic: topicName },
    query: pageQuery,
    answer: Topic,
    answers: { 200: "The topic" },
    problems: [404],
  }, ({ params, query }) => ({ status: 200, body: shown(topicNamed(params.topic, services), query) }));

  api.add({
    method: "put",
    path: "/v1/topics/{topic}",
    id: "ensureTopic",
    tag,
    summary: "Make sure that a topic exists",
    description:
      "Creates the topic when it is missing. When it exists as asked nothing is done; when it exists otherwise, that is refused and the detail " +
      "says what differs: partitions and settings have operations of their own.",
    params: { topic: topicName },
    body: WantedTopic,
    answer: Topic,
    answers: {
      200: "It existed as asked",
      201: "It was made",
    },
    problems: [409, 507],
  }, async ({ params, body, deadline }) => {
    const existing = controller.image.topics.get(params.topic);
    if (existing === undefined) {
      const row = first(await controller.createTopics([toNewTopic({ ...body, name: params.topic })], false, deadline));
      if (row.ok) return { status: 201, body: shown(row.value, {}) };
      if (row.error !== "TOPIC_ALREADY_EXISTS") throw new Refused(row.error, row.message);
    }
    const topic = topicNamed(params.topic, services);
    const differences = differing(topic, toNewTopic({ ...body, name: params.topic }));
    if (differences.length > 0) throw new Refused("TOPIC_ALREADY_EXISTS", `Topic "${topic.name}" exists with ${differences.join(" and ")}`);
    return { status: 200, body: shown(topic, {}) };
  });

  api.add({
    method: "put",
    path: "/v1/topics/{topic}/partitions",
    id: "setPartitionCount",
    tag,
    summary: "Add partitions",
    description:
      "Raises the number of partitions to `count`; the same number again changes nothing. Partitions cannot be taken away. Records with the same " +
      "key may go to another partition afterwards.",
    params: { topic: topicName },
    body: z.strictObject({
      count: z.int().min(1).max(100_000).openapi({ description: "How many partitions the topic is to have in all", examples: [6] }),
      replicas: field(
        z.array(z.array(z.int().min(0)).min(1)).min(1).optional(),
        "Nodes of each new partition, the preferred leader first; placed by the cluster when absent",
        [[1], [1], [1]],
      ),
      validateOnly,
    }).openapi("PartitionCount"),
    answer: Topic,
    answers: { 200: "The topic as it is then" },
    problems: [404, 507],
  }, async ({ params, body, deadline }) => {
    const topic = topicNamed(params.topic, services);
    if (topic.partitions.length === body.count && body.replicas === undefined) return { status: 200, body: shown(topic, {}) };
    const request = { topic: topic.name, totalCount: body.count, assignments: body.replicas ?? null };
    const row = first(await controller.createPartitions([request], body.validateOnly, deadline));
    if (!row.ok) throw new Refused(row.error, row.message);
    return { status: 200, body: shown(row.value, {}) };
  });

  api.add({
    method: "delete",
    path: "/v1/topics/{topic}",
    id: "deleteTopic",
    tag,
    summary: "Delete a topic",
    description:
      "Deletes the topic with its records and its groups' offsets. It is gone when the answer comes; its files go in the background.",
    params: { topic: topicName },
    answer: DeletedTopic,
    answers: { 200: "What was deleted" },
    problems: [404, 507],
  }, async ({ params, deadline }) => {
    const { name } = topicNamed(params.topic, services);
    if (!services.settings.deleteTopicEnable) {
      throw new Refused("TOPIC_DELETION_DISABLED", 'Cannot delete topics: "delete.topic.enable" is false');
    }
    const row = first(await controller.deleteTopics([{ name }], deadline));
    if (!row.ok) throw new Refused(row.error, row.message);
    return { status: 200, body: { name, topicId: row.value.topicId } };
  });

  function shown(topic: TopicImage, page: { readonly limit?: number | undefined; readonly cursor?: string | undefined }) {
    const { rows, nextCursor } = pageByNumber(topic.partitions, ({ partition }) => partition, page);
    return {
      ...topicSummary(topic, services),
      configs: Object.fromEntries(topic.configs),
      partitions: rows.map((partition) => partitionView(topic.name, partition, services)),
      nextCursor,
    };
  }
}

/** One was asked for. */
function first<T>(rows: readonly T[]): T {
  const [row] = rows;
  invariant(row !== undefined, "the controller answers a row for each that it is asked");
  return row;
}

/** In words: how the topic is not what is wanted. What is not wanted explicitly may be anything. */
function differing(topic: TopicImage, wanted: ReturnType<typeof toNewTopic>): string[] {
  const differences: string[] = [];
  const partitions = wanted.assignments.length || wanted.partitions;
  if (partitions !== -1 && partitions !== topic.partitions.length) {
    differences.push(`${topic.partitions.length} partitions, not ${partitions} (raise them at /v1/topics/${topic.name}/partitions)`);
  }
  const factor = topic.partitions[0]?.replicas.length ?? 0;
  if (wanted.replicationFactor !== -1 && wanted.replicationFactor !== factor) {
    differences.push(`replication factor ${factor}, not ${wanted.replicationFactor}`);
  }
  for (const { name, value } of wanted.configs) {
    const has = topic.configs.get(name);
    if (has !== value) {
      differences.push(
        `"${name}" ${has === undefined ? "not set" : `"${has}"`}, not "${value}" (change it at /v1/topics/${topic.name}/configs)`,
      );
    }
  }
  return differences;
}
