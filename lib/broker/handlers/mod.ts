/**
 * Every Kafka API that this broker serves: one import and one line each, in the order of their names. The router serves exactly these,
 * and ApiVersions advertises exactly these (law 12).
 */
import type { AnyHandler } from "../handler.ts";
import { alterConfigs } from "./alter_configs.ts";
import { apiVersions } from "./api_versions.ts";
import { createPartitions } from "./create_partitions.ts";
import { createTopics } from "./create_topics.ts";
import { deleteGroups } from "./delete_groups.ts";
import { deleteRecords } from "./delete_records.ts";
import { deleteTopics } from "./delete_topics.ts";
import { describeCluster } from "./describe_cluster.ts";
import { describeConfigs } from "./describe_configs.ts";
import { describeGroups } from "./describe_groups.ts";
import { describeLogDirs } from "./describe_log_dirs.ts";
import { describeProducers } from "./describe_producers.ts";
import { describeQuorum } from "./describe_quorum.ts";
import { describeTopicPartitions } from "./describe_topic_partitions.ts";
import { fetch } from "./fetch.ts";
import { findCoordinator } from "./find_coordinator.ts";
import { heartbeat } from "./heartbeat.ts";
import { incrementalAlterConfigs } from "./incremental_alter_configs.ts";
import { initProducerId } from "./init_producer_id.ts";
import { joinGroup } from "./join_group.ts";
import { leaveGroup } from "./leave_group.ts";
import { listConfigResources } from "./list_config_resources.ts";
import { listGroups } from "./list_groups.ts";
import { listOffsets } from "./list_offsets.ts";
import { metadata } from "./metadata.ts";
import { offsetCommit } from "./offset_commit.ts";
import { offsetDelete } from "./offset_delete.ts";
import { offsetFetch } from "./offset_fetch.ts";
import { offsetForLeaderEpoch } from "./offset_for_leader_epoch.ts";
import { produce } from "./produce.ts";
import { saslAuthenticate } from "./sasl_authenticate.ts";
import { saslHandshake } from "./sasl_handshake.ts";
import { syncGroup } from "./sync_group.ts";

export const HANDLERS: readonly AnyHandler[] = [
  alterConfigs,
  apiVersions(() => HANDLERS),
  createPartitions,
  createTopics,
  deleteGroups,
  deleteRecords,
  deleteTopics,
  describeCluster,
  describeConfigs,
  describeGroups,
  describeLogDirs,
  describeProducers,
  describeQuorum,
  describeTopicPartitions,
  fetch,
  findCoordinator,
  heartbeat,
  incrementalAlterConfigs,
  initProducerId,
  joinGroup,
  leaveGroup,
  listConfigResources,
  listGroups,
  listOffsets,
  metadata,
  offsetCommit,
  offsetDelete,
  offsetFetch,
  offsetForLeaderEpoch,
  produce,
  saslAuthenticate,
  saslHandshake,
  syncGroup,
];
