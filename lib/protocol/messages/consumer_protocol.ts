/**
 * What consumers put into the opaque bytes of JoinGroup and SyncGroup. Each blob is an int16 version and then one of these; a
 * reader takes a newer version as the newest that it knows and leaves what follows. Source: KIP-429 (owned partitions), KIP-792
 * (generation), KIP-881 (racks).
 */
import { array, bytes, type Infer, int32, message, nullable, optional, since, string } from "../schema/mod.ts";

export const ConsumerProtocolSubscription = message({
  name: "ConsumerProtocolSubscription",
  versions: [0, 3],
  fields: {
    topics: array(string),
    userData: optional(nullable(bytes), null),
    ownedPartitions: since(1, array({ topic: string, partitions: array(int32) }), []),
    generationId: since(2, int32, -1),
    rackId: since(3, nullable(string), null),
  },
});
export type ConsumerProtocolSubscription = Infer<typeof ConsumerProtocolSubscription>;

export const ConsumerProtocolAssignment = message({
  name: "ConsumerProtocolAssignment",
  versions: [0, 3],
  fields: {
    assignedPartitions: array({ topic: string, partitions: array(int32) }),
    userData: optional(nullable(bytes), null),
  },
});
export type ConsumerProtocolAssignment = Infer<typeof ConsumerProtocolAssignment>;
