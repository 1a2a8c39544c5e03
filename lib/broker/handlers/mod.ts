/**
 * Every Kafka API that this broker serves: one import and one line each, in the order of their names. The router serves exactly these,
 * and ApiVersions advertises exactly these (law 12).
 */
import type { AnyHandler } from "../handler.ts";
import { deleteRecords } from "./delete_records.ts";
import { describeLogDirs } from "./describe_log_dirs.ts";
import { describeProducers } from "./describe_producers.ts";
import { fetch } from "./fetch.ts";
import { initProducerId } from "./init_producer_id.ts";
import { listOffsets } from "./list_offsets.ts";
import { offsetForLeaderEpoch } from "./offset_for_leader_epoch.ts";
import { produce } from "./produce.ts";

export const HANDLERS: readonly AnyHandler[] = [
  deleteRecords,
  describeLogDirs,
  describeProducers,
  fetch,
  initProducerId,
  listOffsets,
  offsetForLeaderEpoch,
  produce,
];
