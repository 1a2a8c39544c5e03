/**
 * The cluster's metadata as brokers see it: the fold of all committed records. Readers get these read-only views of the live
 * state and must not keep them across an await; `MetadataImage.index` says which entry was applied last.
 */
import type { NodeId, Uuid } from "../../protocol/ids.ts";

export interface EndpointImage {
  /** Name of the listener, for example `PLAINTEXT`. */
  readonly listener: string;
  readonly host: string;
  readonly port: number;
  readonly securityProtocol: "PLAINTEXT" | "SSL" | "SASL_PLAINTEXT" | "SASL_SSL";
}

export interface BrokerImage {
  readonly id: NodeId;
  readonly rack: string | null;
  readonly endpoints: readonly EndpointImage[];
  /** Changes with every registration; old incarnations are fenced by it. */
  readonly brokerEpoch: number;
  readonly fenced: boolean;
}

export interface PartitionImage {
  readonly partition: number;
  /** -1: no leader. */
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
  readonly replicas: readonly NodeId[];
  readonly isr: readonly NodeId[];
}

export interface TopicImage {
  readonly name: string;
  readonly topicId: Uuid;
  /** `__consumer_offsets` and its like. */
  readonly internal: boolean;
  readonly partitions: readonly PartitionImage[];
  /** Overrides only; defaults come from `config/`. */
  readonly configs: ReadonlyMap<string, string>;
}

/** `""` as resource name of a broker is the cluster-wide default. */
export type ConfigResourceType = "topic" | "broker" | "group" | "client-metrics";

export interface MetadataImage {
  /** Raft index of the last applied entry. */
  readonly index: number;
  readonly clusterId: Uuid;
  readonly brokers: ReadonlyMap<NodeId, BrokerImage>;
  readonly topics: ReadonlyMap<string, TopicImage>;
  topicById(topicId: Uuid): TopicImage | null;
  /** Overrides of brokers, groups and client metrics (topics carry theirs). */
  configs(type: ConfigResourceType, name: string): ReadonlyMap<string, string>;
  /** Names of the resources of a type that have overrides. */
  configured(type: ConfigResourceType): readonly string[];
  readonly features: ReadonlyMap<string, number>;
  readonly partitionCount: number;
}

/** What one applied entry changed, for those who keep something in step (replica set, coordinators, caches). */
export interface MetadataDelta {
  readonly topicsCreated: readonly TopicImage[];
  readonly topicsDeleted: readonly TopicImage[];
  /** Partition count, leader, replicas or configuration changed. */
  readonly topicsChanged: readonly TopicImage[];
  readonly brokersChanged: boolean;
  readonly configsChanged: readonly { readonly type: ConfigResourceType; readonly name: string }[];
}
