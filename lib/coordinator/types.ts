/** What the group coordinator offers to handlers and doors. Filled in by the coordinator's own work; see `groups.ts` in this room. */
export interface GroupCoordinator {
  /** Partition of `__consumer_offsets` that hosts the group: Java's `abs(hashCode) % partitions`. */
  partitionFor(groupId: string): number;
}
