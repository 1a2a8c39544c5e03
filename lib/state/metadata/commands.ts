/** What may be asked of the metadata, and what is answered. Randomness and defaults arrive inside: deciding is pure. */
import type { KafkaErrorName } from "../../protocol/errors.ts";
import type { NodeId, ProducerId, Uuid } from "../../protocol/ids.ts";
import type { ConfigResourceType, EndpointImage, TopicImage } from "./image.ts";

/** A row of a reply: what was done, or why not. `message` says what to do. */
export type Row<T> = { readonly ok: true; readonly value: T } | {
  readonly ok: false;
  readonly error: KafkaErrorName;
  readonly message: string;
};

export interface TopicToCreate {
  readonly name: string;
  /** Used when the topic is new; never given before. */
  readonly topicId: Uuid;
  /** -1: the default. */
  readonly partitions: number;
  /** -1: the default. */
  readonly replicationFactor: number;
  /** By partition; then both counts are -1. */
  readonly assignments: readonly { readonly partition: number; readonly replicas: readonly number[] }[];
  readonly configs: readonly { readonly name: string; readonly value: string | null }[];
}

export type TopicKey = { readonly name: string } | { readonly topicId: Uuid };

export interface PartitionsToAdd {
  readonly topic: string;
  readonly totalCount: number;
  /** One row of replicas for each new partition; null: placed by the controller. */
  readonly assignments: readonly (readonly number[])[] | null;
}

export interface ConfigOperation {
  readonly name: string;
  readonly operation: "set" | "delete" | "append" | "subtract";
  readonly value: string | null;
}

export interface ConfigsToChange {
  readonly type: ConfigResourceType;
  readonly name: string;
  readonly operations: readonly ConfigOperation[];
  /** Overrides that no operation names are removed. */
  readonly replaceAll: boolean;
}

export interface BrokerToRegister {
  readonly id: NodeId;
  readonly rack: string | null;
  readonly endpoints: readonly EndpointImage[];
}

export type MetadataCommand =
  | { readonly kind: "createCluster"; readonly clusterId: Uuid; readonly features: ReadonlyMap<string, number> }
  | { readonly kind: "registerBroker"; readonly broker: BrokerToRegister }
  | { readonly kind: "createTopics"; readonly topics: readonly TopicToCreate[] }
  | { readonly kind: "deleteTopics"; readonly topics: readonly TopicKey[] }
  | { readonly kind: "createPartitions"; readonly requests: readonly PartitionsToAdd[] }
  | { readonly kind: "changeConfigs"; readonly changes: readonly ConfigsToChange[] }
  | { readonly kind: "reserveProducerIds"; readonly count: number }
  | { readonly kind: "setFeature"; readonly feature: string; readonly level: number };

/** The reply of each command, by its kind. */
export interface MetadataReplies {
  /** The cluster's id: the one that was there, if there was one. */
  createCluster: Uuid;
  /** The broker epoch of this registration. */
  registerBroker: number;
  createTopics: readonly Row<TopicImage>[];
  deleteTopics: readonly Row<TopicImage>[];
  createPartitions: readonly Row<TopicImage>[];
  changeConfigs: readonly Row<null>[];
  /** First id of the block. */
  reserveProducerIds: ProducerId;
  setFeature: null;
}

export type MetadataReply = MetadataReplies[MetadataCommand["kind"]];

export const done = <T>(value: T): Row<T> => ({ ok: true, value });
export const refused = (error: KafkaErrorName, message: string): Row<never> => ({ ok: false, error, message });
