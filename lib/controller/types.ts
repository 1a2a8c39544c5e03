/**
 * What the controller offers to the roles and doors above: the image, and proposals that resolve when committed and applied.
 * All writes of metadata go through these methods and from there through one `propose` (HAZARDS R6).
 */
import type { Deadline } from "../io/deadline.ts";
import type { NodeId, ProducerId, Uuid } from "../protocol/ids.ts";
import type {
  BrokerToRegister as BrokerRegistration,
  ConfigsToChange as ConfigChange,
  PartitionsToAdd as NewPartitions,
  Row,
} from "../state/metadata/mod.ts";
import type { MetadataDelta, MetadataImage, TopicImage } from "../state/metadata/image.ts";

export type { BrokerRegistration, ConfigChange, NewPartitions, Row };

export interface NewTopic {
  readonly name: string;
  /** -1: the broker's default (`num.partitions`). */
  readonly partitions: number;
  /** -1: the default. */
  readonly replicationFactor: number;
  /** Manual assignment by partition; then the two counts above must be -1. */
  readonly assignments: readonly { readonly partition: number; readonly replicas: readonly number[] }[];
  readonly configs: readonly { readonly name: string; readonly value: string | null }[];
  /** Set by the broker for its own topics. */
  readonly internal?: boolean;
}

export interface QuorumStatus {
  readonly leader: NodeId | null;
  readonly term: number;
  readonly highWatermark: number;
  /** Why this node could not store its last snapshot; null when it could. Nothing is lost, but its log grows. */
  readonly snapshotFailure: string | null;
  readonly voters: readonly {
    readonly id: NodeId;
    readonly logEndOffset: number;
    readonly lastFetchMs: number;
    readonly lastCaughtUpMs: number;
  }[];
}

export interface Controller {
  readonly image: MetadataImage;
  /** Called after each applied entry, in order, before the proposal's promise resolves. */
  onApplied(listener: (delta: MetadataDelta, image: MetadataImage) => void): { cancel(): void };
  quorum(): QuorumStatus;

  /** One Raft entry for the whole request. `validateOnly` decides and commits nothing. Rows in the order of `topics`. */
  createTopics(topics: readonly NewTopic[], validateOnly: boolean, deadline: Deadline): Promise<readonly Row<TopicImage>[]>;
  deleteTopics(
    topics: readonly ({ readonly name: string } | { readonly topicId: Uuid })[],
    deadline: Deadline,
  ): Promise<readonly Row<TopicImage>[]>;
  createPartitions(requests: readonly NewPartitions[], validateOnly: boolean, deadline: Deadline): Promise<readonly Row<TopicImage>[]>;
  changeConfigs(changes: readonly ConfigChange[], validateOnly: boolean, deadline: Deadline): Promise<readonly Row<null>[]>;
  /** Makes this node known with its endpoints; resolves to its broker epoch. Once per start, before clients are let in. */
  registerBroker(broker: BrokerRegistration, deadline: Deadline): Promise<number>;
  /** A producer id that was never given before; blocks of 1,000 are reserved by one entry (KIP-730). */
  nextProducerId(deadline: Deadline): Promise<ProducerId>;
}
