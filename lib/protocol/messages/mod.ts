/** Door of `messages`: one file per Kafka API, plus what Kafka keeps in its internal topics. */
import type { AnyApi } from "../schema/mod.ts";
import { AlterConfigs } from "./alter_configs.ts";
import { ApiVersions } from "./api_versions.ts";
import { CreatePartitions } from "./create_partitions.ts";
import { CreateTopics } from "./create_topics.ts";
import { DeleteGroups } from "./delete_groups.ts";
import { DeleteRecords } from "./delete_records.ts";
import { DeleteTopics } from "./delete_topics.ts";
import { DescribeCluster } from "./describe_cluster.ts";
import { DescribeConfigs } from "./describe_configs.ts";
import { DescribeGroups } from "./describe_groups.ts";
import { DescribeLogDirs } from "./describe_log_dirs.ts";
import { DescribeProducers } from "./describe_producers.ts";
import { DescribeQuorum } from "./describe_quorum.ts";
import { DescribeTopicPartitions } from "./describe_topic_partitions.ts";
import { Fetch } from "./fetch.ts";
import { FindCoordinator } from "./find_coordinator.ts";
import { Heartbeat } from "./heartbeat.ts";
import { IncrementalAlterConfigs } from "./incremental_alter_configs.ts";
import { InitProducerId } from "./init_producer_id.ts";
import { JoinGroup } from "./join_group.ts";
import { LeaveGroup } from "./leave_group.ts";
import { ListConfigResources } from "./list_config_resources.ts";
import { ListGroups } from "./list_groups.ts";
import { ListOffsets } from "./list_offsets.ts";
import { Metadata } from "./metadata.ts";
import { OffsetCommit } from "./offset_commit.ts";
import { OffsetDelete } from "./offset_delete.ts";
import { OffsetFetch } from "./offset_fetch.ts";
import { OffsetForLeaderEpoch } from "./offset_for_leader_epoch.ts";
import { Produce } from "./produce.ts";
import { SaslAuthenticate } from "./sasl_authenticate.ts";
import { SaslHandshake } from "./sasl_handshake.ts";
import { SyncGroup } from "./sync_group.ts";

export * from "./alter_configs.ts";
export * from "./api_versions.ts";
export * from "./consumer_offsets.ts";
export * from "./consumer_protocol.ts";
export * from "./create_partitions.ts";
export * from "./create_topics.ts";
export * from "./delete_groups.ts";
export * from "./delete_records.ts";
export * from "./delete_topics.ts";
export * from "./describe_cluster.ts";
export * from "./describe_configs.ts";
export * from "./describe_groups.ts";
export * from "./describe_log_dirs.ts";
export * from "./describe_producers.ts";
export * from "./describe_quorum.ts";
export * from "./describe_topic_partitions.ts";
export * from "./fetch.ts";
export * from "./find_coordinator.ts";
export * from "./heartbeat.ts";
export * from "./incremental_alter_configs.ts";
export * from "./init_producer_id.ts";
export * from "./join_group.ts";
export * from "./leave_group.ts";
export * from "./list_config_resources.ts";
export * from "./list_groups.ts";
export * from "./list_offsets.ts";
export * from "./metadata.ts";
export * from "./offset_commit.ts";
export * from "./offset_delete.ts";
export * from "./offset_fetch.ts";
export * from "./offset_for_leader_epoch.ts";
export * from "./produce.ts";
export * from "./sasl_authenticate.ts";
export * from "./sasl_handshake.ts";
export * from "./sync_group.ts";

/** Every API that is declared, in key order. What is served is the handlers' business. */
export const APIS: readonly AnyApi[] = [
  Produce,
  Fetch,
  ListOffsets,
  Metadata,
  OffsetCommit,
  OffsetFetch,
  FindCoordinator,
  JoinGroup,
  Heartbeat,
  LeaveGroup,
  SyncGroup,
  DescribeGroups,
  ListGroups,
  SaslHandshake,
  ApiVersions,
  CreateTopics,
  DeleteTopics,
  DeleteRecords,
  InitProducerId,
  OffsetForLeaderEpoch,
  DescribeConfigs,
  AlterConfigs,
  DescribeLogDirs,
  SaslAuthenticate,
  CreatePartitions,
  DeleteGroups,
  IncrementalAlterConfigs,
  OffsetDelete,
  DescribeQuorum,
  DescribeCluster,
  DescribeProducers,
  ListConfigResources,
  DescribeTopicPartitions,
];
