/** The cluster's metadata as a replicated state machine. */
export * from "./commands.ts";

export type * from "./image.ts";
export { MetadataMachine } from "./machine.ts";
export { decodeRecords, encodeRecords, type MetadataRecord, UnreadableMetadata } from "./records.ts";
export { type MetadataRules, PARTITIONS_PER_REQUEST_MAX } from "./rules.ts";
export { decodeSnapshot, encodeSnapshot, snapshotHash, stateHash } from "./snapshot.ts";
export { MetadataState } from "./state.ts";
export { isInternalTopic, topicNameProblem } from "./topic_name.ts";
