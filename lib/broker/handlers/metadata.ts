/**
 * Metadata, versions 0-13: brokers by the listener that the client came in by, topics by name or id, leaders.
 * - Null topics are all; in v0 an empty list is. A topic that was asked for twice is answered once.
 * - By id from v12 on (KIP-516); v10 and v11 have the field but refuse it, as Kafka does. One id makes the whole request one by id.
 * - Creates what is missing when client and broker allow it, and answers with the new topic at once: it is usable when the commit is applied.
 * - Looks whether the addresses can work for who asks, and tells the operator when they cannot (advertised_check.ts).
 * - Operations (KIP-430) when asked; v13 has an error for the whole reply (KIP-1102).
 */
import {
  errorCode,
  type KafkaErrorName,
  Metadata,
  type MetadataRequest,
  type MetadataResponse,
  type Uuid,
  ZERO_UUID,
} from "../../protocol/mod.ts";
import { isInternalTopic, type MetadataImage, type PartitionImage, type TopicImage, topicNameProblem } from "../../state/mod.ts";
import { ALL_ON_CLUSTER, ALL_ON_TOPIC, NOT_ASKED } from "../authorized_operations.ts";
import { autoCreate } from "../auto_create.ts";
import { reachableBrokers } from "../endpoints.ts";
import { handler, type RequestContext } from "../handler.ts";

type TopicRow = MetadataResponse["topics"][number];
type PartitionRow = TopicRow["partitions"][number];

export const metadata = handler<MetadataRequest, MetadataResponse>({
  api: Metadata,

  async handle(request, context) {
    const { services, apiVersion } = context;
    const asked = askedTopics(request, apiVersion);
    if (asked === null) return this.refuse(request, "INVALID_REQUEST", "Topic ids need version 12, names cannot be null before");
    let problems: ReadonlyMap<string, KafkaErrorName> = new Map();
    if ("names" in asked && request.allowAutoTopicCreation && services.settings.autoCreateTopicsEnable) {
      const missing = asked.names.filter((name) => !services.controller.image.topics.has(name) && topicNameProblem(name) === null);
      if (missing.length > 0) problems = await autoCreate(services, missing, context.deadline);
    }
    return reply(request, asked, problems, context);
  },

  refuse: (request, error) => ({
    brokers: [],
    // A null name can be asked for since v10 and answered since v12 only.
    topics: (request.topics ?? []).map(({ name, topicId }) => errorRow(error, name ?? "", topicId, NOT_ASKED)),
    errorCode: errorCode(error),
  }),
});

type Asked = { readonly all: true } | { readonly names: readonly string[] } | { readonly ids: readonly Uuid[] };

/** Null when the request names topics in a way that its version does not allow. */
function askedTopics({ topics }: MetadataRequest, apiVersion: number): Asked | null {
  if (topics === null || (apiVersion === 0 && topics.length === 0)) return { all: true };
  if (apiVersion < 12 && topics.some(({ name, topicId }) => name === null || topicId !== ZERO_UUID)) return null;
  const ids = [...new Set(topics.map(({ topicId }) => topicId).filter((id) => id !== ZERO_UUID))];
  if (ids.length > 0) return { ids };
  return { names: [...new Set(topics.map(({ name }) => name).filter((name) => name !== null))] };
}

function reply(
  request: MetadataRequest,
  asked: Asked,
  problems: ReadonlyMap<string, KafkaErrorName>,
  { services, connection }: RequestContext,
): MetadataResponse {
  const { controller } = services;
  const image = controller.image;
  const brokers = reachableBrokers(image, connection.listener).filter((broker) => !broker.fenced);
  for (const broker of brokers) services.advertisedCheck.look(connection.listener, broker, connection.remote);
  const reachable = new Set(brokers.map((broker) => broker.nodeId));
  const operations = request.includeTopicAuthorizedOperations ? ALL_ON_TOPIC : NOT_ASKED;
  return {
    throttleTimeMs: 0,
    brokers,
    clusterId: image.clusterId,
    controllerId: controller.quorum().leader ?? -1,
    topics: topicRows(asked, image, reachable, operations, problems),
    clusterAuthorizedOperations: request.includeClusterAuthorizedOperations ? ALL_ON_CLUSTER : NOT_ASKED,
    errorCode: 0,
  };
}

function topicRows(
  asked: Asked,
  image: MetadataImage,
  reachable: ReadonlySet<number>,
  operations: number,
  problems: ReadonlyMap<string, KafkaErrorName>,
): TopicRow[] {
  if ("all" in asked) return Array.from(image.topics.values(), (topic) => topicRow(topic, reachable, operations));
  if ("ids" in asked) {
    return asked.ids.map((id) => {
      const topic = image.topicById(id);
      return topic === null ? errorRow("UNKNOWN_TOPIC_ID", null, id, NOT_ASKED) : topicRow(topic, reachable, operations);
    });
  }
  return asked.names.map((name) => {
    const topic = image.topics.get(name);
    if (topic !== undefined) return topicRow(topic, reachable, operations);
    const unknown = topicNameProblem(name) === null ? "UNKNOWN_TOPIC_OR_PARTITION" : "INVALID_TOPIC_EXCEPTION";
    return errorRow(problems.get(name) ?? unknown, name, ZERO_UUID, operations);
  });
}

function topicRow(topic: TopicImage, reachable: ReadonlySet<number>, topicAuthorizedOperations: number): TopicRow {
  return {
    errorCode: 0,
    name: topic.name,
    topicId: topic.topicId,
    isInternal: topic.internal,
    partitions: topic.partitions.map((partition) => partitionRow(partition, reachable)),
    topicAuthorizedOperations,
  };
}

function partitionRow(partition: PartitionImage, reachable: ReadonlySet<number>): PartitionRow {
  const error = partition.leader === -1 ? "LEADER_NOT_AVAILABLE" : reachable.has(partition.leader) ? "NONE" : "LISTENER_NOT_FOUND";
  return {
    errorCode: errorCode(error),
    partitionIndex: partition.partition,
    leaderId: partition.leader,
    leaderEpoch: partition.leaderEpoch,
    replicaNodes: partition.replicas,
    isrNodes: partition.isr,
    offlineReplicas: partition.replicas.filter((id) => !reachable.has(id)),
  };
}

function errorRow(error: KafkaErrorName, name: string | null, topicId: Uuid, topicAuthorizedOperations: number): TopicRow {
  const isInternal = name !== null && isInternalTopic(name);
  return { errorCode: errorCode(error), name, topicId, isInternal, partitions: [], topicAuthorizedOperations };
}
