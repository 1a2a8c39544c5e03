/** The cluster and its nodes: what the metadata says of them. Changes nothing. */
import { z } from "@hono/zod-openapi";
import type { BrokerImage } from "../../../state/mod.ts";
import { VERSION } from "../../../version.ts";
import type { AdminContext } from "../../mod.ts";
import type { Api } from "../operation.ts";
import { brokerParam, count, field, flag, text } from "../params.ts";
import { brokerWithId } from "../topic_schemas.ts";

const tag = "cluster";

const Broker = z.object({
  id: field(z.int().min(0), "Id of the node", 1),
  rack: field(z.string().nullable(), "Where it stands; null when nobody said", null),
  fenced: flag("Whether it is taken for gone", false),
  listeners: field(
    z.array(z.object({
      name: text("Name of the listener", "PLAINTEXT"),
      host: text("Host that clients are told", "127.0.0.1"),
      port: field(z.int().min(0).max(65_535), "Port that clients are told", 9092),
      securityProtocol: text("How clients talk there", "PLAINTEXT"),
    })),
    "Addresses for Kafka clients",
    [],
  ),
}).openapi("Broker");

const Cluster = z.object({
  clusterId: text("Identity of the cluster", "5L6g3nShT-eMCtK--X86sw"),
  nodeId: field(z.int().min(0), "Node that answers", 1),
  version: text("Version of the node that answers", "1.0.0"),
  controllerId: field(z.int().nullable(), "Node that decides about the metadata; null while there is none", 1),
  metadataIndex: count("Entry of the metadata log that was applied last here", 42),
  topicCount: count("Topics, the brokers' own included"),
  partitionCount: count("Partitions of all topics", 12),
  features: z.record(z.string(), z.int()).openapi({
    description: "Levels of the cluster's features",
    examples: [{ "metadata.version": 1 }],
    additionalProperties: { type: "integer", description: "Level of the feature", examples: [1] },
  }),
  brokers: field(z.array(Broker), "Nodes in the order of their ids", []),
}).openapi("Cluster");

const Quorum = z.object({
  leader: field(z.int().nullable(), "Node that leads the metadata; null while there is none", 1),
  term: count("Term of that leader", 7),
  highWatermark: field(z.int(), "Last entry that is committed", 42),
  voters: field(
    z.array(z.object({
      id: field(z.int().min(0), "Id of the node", 1),
      logEndOffset: field(z.int(), "Last entry that it has", 42),
      lastFetchMs: field(z.int(), "When it was last heard of, in milliseconds since 1970; -1 when unknown", 1760000000000),
      lastCaughtUpMs: field(z.int(), "When it last had everything, in milliseconds since 1970; -1 when unknown", 1760000000000),
    })),
    "Nodes that vote",
    [],
  ),
}).openapi("Quorum");

export function clusterRoutes(api: Api, { services }: AdminContext): void {
  const { controller } = services;

  api.add({
    method: "get",
    path: "/v1/cluster",
    id: "getCluster",
    tag,
    summary: "Show the cluster",
    description: "Identity, nodes and size of the cluster, as this node knows it.",
    answer: Cluster,
    answers: { 200: "The cluster" },
  }, () => {
    const { image } = controller;
    return {
      status: 200,
      body: {
        clusterId: image.clusterId,
        nodeId: services.nodeId,
        version: VERSION,
        controllerId: controller.quorum().leader,
        metadataIndex: image.index,
        topicCount: image.topics.size,
        partitionCount: image.partitionCount,
        features: Object.fromEntries(image.features),
        brokers: [...image.brokers.values()].sort((a, b) => a.id - b.id).map(brokerView),
      },
    };
  });

  api.add({
    method: "get",
    path: "/v1/brokers/{broker}",
    id: "getBroker",
    tag,
    summary: "Show a broker",
    description: "One node and the addresses that clients are told.",
    params: { broker: brokerParam },
    answer: Broker,
    answers: { 200: "The node" },
    problems: [404],
  }, ({ params }) => ({ status: 200, body: brokerView(brokerWithId(params.broker, services)) }));

  api.add({
    method: "get",
    path: "/v1/quorum",
    id: "getQuorum",
    tag,
    summary: "Show the metadata quorum",
    description: "The Raft group that holds the metadata, as this node sees it.",
    answer: Quorum,
    answers: { 200: "The quorum" },
  }, () => {
    const { leader, term, highWatermark, voters } = controller.quorum();
    return { status: 200, body: { leader, term, highWatermark, voters: voters.map((voter) => ({ ...voter })) } };
  });
}

const brokerView = ({ id, rack, fenced, endpoints }: BrokerImage): z.output<typeof Broker> => ({
  id,
  rack,
  fenced,
  listeners: endpoints.map(({ listener, host, port, securityProtocol }) => ({ name: listener, host, port, securityProtocol })),
});
