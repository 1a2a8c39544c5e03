/**
 * CreateTopics, versions 2-7: one entry for the whole request; the reply leaves when the topics are usable.
 * - A name that is there twice is INVALID_REQUEST, told once. `validateOnly` checks and writes nothing.
 * - -1 for counts is the broker's default (KIP-464). From v5 on the reply tells counts and settings (KIP-525), from v7 on the topic id.
 */
import { CONFIG_SOURCE_CODES, describeConfigs } from "../../config/mod.ts";
import {
  CreateTopics,
  type CreateTopicsRequest,
  type CreateTopicsResponse,
  errorCode,
  type KafkaErrorName,
  ZERO_UUID,
} from "../../protocol/mod.ts";
import type { TopicImage } from "../../state/mod.ts";
import { handler, type RequestContext } from "../handler.ts";
import { repeated } from "../repeated.ts";

type Asked = CreateTopicsRequest["topics"][number];
type ResponseRow = CreateTopicsResponse["topics"][number];

export const createTopics = handler<CreateTopicsRequest, CreateTopicsResponse>({
  api: CreateTopics,
  budgetMs: ({ timeoutMs }) => timeoutMs,

  async handle(request, { services, deadline }) {
    const { topics, validateOnly } = request;
    const twice = repeated(topics.map(({ name }) => name));
    const asked = topics.filter(({ name }) => !twice.has(name));
    const rows = asked.length === 0 ? [] : await services.controller.createTopics(asked.map(toCreate), validateOnly, deadline);
    return {
      topics: [
        ...rows.map((row, at) => row.ok ? created(row.value, services) : errorRow(asked[at]!.name, row.error, row.message)),
        ...Array.from(twice, (name) => errorRow(name, "INVALID_REQUEST", `Cannot create "${name}" twice in one request`)),
      ],
    };
  },

  refuse: (request, error, message) => ({ topics: request.topics.map(({ name }) => errorRow(name, error, message)) }),
});

const toCreate = ({ name, numPartitions, replicationFactor, assignments, configs }: Asked) => ({
  name,
  partitions: numPartitions,
  replicationFactor,
  assignments: assignments.map(({ partitionIndex, brokerIds }) => ({ partition: partitionIndex, replicas: brokerIds })),
  configs,
});

function created(topic: TopicImage, { nodeSettings }: RequestContext["services"]): ResponseRow {
  return {
    name: topic.name,
    topicId: topic.topicId,
    errorCode: 0,
    errorMessage: null,
    numPartitions: topic.partitions.length,
    replicationFactor: topic.partitions[0]!.replicas.length,
    configs: describeConfigs("topic", topic.configs, nodeSettings).map(({ name, value, readOnly, source, sensitive }) => ({
      name,
      value,
      readOnly,
      configSource: CONFIG_SOURCE_CODES[source],
      isSensitive: sensitive,
    })),
  };
}

function errorRow(name: string, error: KafkaErrorName, errorMessage: string): ResponseRow {
  return { name, topicId: ZERO_UUID, errorCode: errorCode(error), errorMessage, configs: [] };
}
