/** Door of `replication`: the partitions of this node and how they follow the metadata. */
export { RecordsNotDeletable } from "./errors.ts";
export { LocalPartition } from "./partition.ts";
export { ReplicaSet, type ReplicaSetNeeds, type SettingsOf } from "./replica_set.ts";
export type { AppendOptions, AppendResult, Partition, PartitionRead, Partitions, Reader, ReadRequest, RecordError } from "./types.ts";
