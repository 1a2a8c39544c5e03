/** Door of `coordinator`: consumer groups over the partitions of `__consumer_offsets`. */
export { type GroupCoordinatorOptions, Groups } from "./groups.ts";
export { OFFSETS_TOPIC } from "./offsets_topic.ts";
export { partitionFor } from "./partition_for.ts";
export { coordinatorSettings } from "./settings.ts";
export type {
  CoordinatorSettings,
  FetchedOffsets,
  GroupCoordinator,
  GroupStats,
  PartitionLag,
  Question,
  RebalancedGroup,
} from "./types.ts";
