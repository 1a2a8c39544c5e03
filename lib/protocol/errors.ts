/**
 * The one table of Kafka's error codes: name, code, whether a client may try again unchanged, and what it means.
 * Decides nothing: `broker/error_mapping.ts` turns our own failures into these names. Source: the code list of Apache Kafka 4.3.1.
 */

const FATAL = false;
const RETRY = true;

/** In code order. `RETRY` is what Kafka's own clients treat as retriable. */
const TABLE = {
  UNKNOWN_SERVER_ERROR: [-1, FATAL, "The broker failed in a way that it did not foresee"],
  NONE: [0, FATAL, "No error"],
  OFFSET_OUT_OF_RANGE: [1, FATAL, "The offset is outside of what the log holds"],
  CORRUPT_MESSAGE: [2, RETRY, "The records are damaged, oversized, or lack a key that the topic needs"],
  UNKNOWN_TOPIC_OR_PARTITION: [3, RETRY, "This broker does not host the topic or partition"],
  INVALID_FETCH_SIZE: [4, FATAL, "The fetch size is not valid"],
  LEADER_NOT_AVAILABLE: [5, RETRY, "The partition has no leader at the moment"],
  NOT_LEADER_OR_FOLLOWER: [6, RETRY, "This broker does not lead the partition, or holds no replica of it"],
  REQUEST_TIMED_OUT: [7, RETRY, "The request's time passed before its outcome was known"],
  BROKER_NOT_AVAILABLE: [8, FATAL, "The broker is not there"],
  REPLICA_NOT_AVAILABLE: [9, RETRY, "The replica is not there at the moment"],
  MESSAGE_TOO_LARGE: [10, FATAL, "The record batch is larger than the topic allows"],
  STALE_CONTROLLER_EPOCH: [11, FATAL, "Another controller took over"],
  OFFSET_METADATA_TOO_LARGE: [12, FATAL, "The note stored with a committed offset is too long"],
  NETWORK_EXCEPTION: [13, RETRY, "The connection ended before the answer came"],
  COORDINATOR_LOAD_IN_PROGRESS: [14, RETRY, "The coordinator is still reading its state"],
  COORDINATOR_NOT_AVAILABLE: [15, RETRY, "There is no coordinator at the moment"],
  NOT_COORDINATOR: [16, RETRY, "This broker does not coordinate the group or transaction"],
  INVALID_TOPIC_EXCEPTION: [17, FATAL, "The topic name is not valid, or the topic does not allow this"],
  RECORD_LIST_TOO_LARGE: [18, FATAL, "The record batch is larger than a log segment"],
  NOT_ENOUGH_REPLICAS: [19, RETRY, "Fewer replicas are in sync than the topic requires: nothing was written"],
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: [20, RETRY, "The records were written, but to fewer in-sync replicas than the topic requires"],
  INVALID_REQUIRED_ACKS: [21, FATAL, "acks is none of -1, 0 and 1"],
  ILLEGAL_GENERATION: [22, FATAL, "The group is at another generation"],
  INCONSISTENT_GROUP_PROTOCOL: [23, FATAL, "The member's protocols have nothing in common with those of the group"],
  INVALID_GROUP_ID: [24, FATAL, "The group id is not valid"],
  UNKNOWN_MEMBER_ID: [25, FATAL, "The group does not know this member"],
  INVALID_SESSION_TIMEOUT: [26, FATAL, "The session timeout is outside of the broker's bounds"],
  REBALANCE_IN_PROGRESS: [27, FATAL, "The group is rebalancing: join again"],
  INVALID_COMMIT_OFFSET_SIZE: [28, FATAL, "The offset commit is too large"],
  TOPIC_AUTHORIZATION_FAILED: [29, FATAL, "Not allowed on this topic"],
  GROUP_AUTHORIZATION_FAILED: [30, FATAL, "Not allowed on this group"],
  CLUSTER_AUTHORIZATION_FAILED: [31, FATAL, "Not allowed on the cluster"],
  INVALID_TIMESTAMP: [32, FATAL, "A record's timestamp is too far from the broker's time"],
  UNSUPPORTED_SASL_MECHANISM: [33, FATAL, "The broker does not offer this SASL mechanism"],
  ILLEGAL_SASL_STATE: [34, FATAL, "The request does not fit where the authentication stands"],
  UNSUPPORTED_VERSION: [35, FATAL, "The version of the request is not served"],
  TOPIC_ALREADY_EXISTS: [36, FATAL, "A topic with this name exists"],
  INVALID_PARTITIONS: [37, FATAL, "The number of partitions is not valid"],
  INVALID_REPLICATION_FACTOR: [38, FATAL, "The replication factor is below 1 or above the number of brokers"],
  INVALID_REPLICA_ASSIGNMENT: [39, FATAL, "The replica assignment is not valid"],
  INVALID_CONFIG: [40, FATAL, "A setting is unknown or its value is not valid"],
  NOT_CONTROLLER: [41, RETRY, "This node is not the controller"],
  INVALID_REQUEST: [42, FATAL, "The request is malformed or contradicts itself"],
  UNSUPPORTED_FOR_MESSAGE_FORMAT: [43, FATAL, "The record format does not support this"],
  POLICY_VIOLATION: [44, FATAL, "A policy of the cluster forbids this"],
  OUT_OF_ORDER_SEQUENCE_NUMBER: [45, FATAL, "The producer's sequence numbers have a gap"],
  DUPLICATE_SEQUENCE_NUMBER: [46, FATAL, "The producer's sequence number was seen before"],
  INVALID_PRODUCER_EPOCH: [47, FATAL, "The producer's epoch is old"],
  INVALID_TXN_STATE: [48, FATAL, "The transaction's state does not allow this"],
  INVALID_PRODUCER_ID_MAPPING: [49, FATAL, "The producer id does not belong to this transactional id"],
  INVALID_TRANSACTION_TIMEOUT: [50, FATAL, "The transaction timeout is above the broker's maximum"],
  CONCURRENT_TRANSACTIONS: [51, RETRY, "Another operation on the same transaction is under way"],
  TRANSACTION_COORDINATOR_FENCED: [52, FATAL, "Another coordinator took over the transaction"],
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: [53, FATAL, "Not allowed on this transactional id"],
  SECURITY_DISABLED: [54, FATAL, "Security is switched off"],
  OPERATION_NOT_ATTEMPTED: [55, FATAL, "Not tried, because another part of the request failed"],
  KAFKA_STORAGE_ERROR: [56, RETRY, "The broker's disk failed"],
  LOG_DIR_NOT_FOUND: [57, FATAL, "The broker has no such log directory"],
  SASL_AUTHENTICATION_FAILED: [58, FATAL, "The credentials were refused"],
  UNKNOWN_PRODUCER_ID: [59, FATAL, "The broker remembers nothing of this producer id"],
  REASSIGNMENT_IN_PROGRESS: [60, FATAL, "The partition is being reassigned"],
  DELEGATION_TOKEN_AUTH_DISABLED: [61, FATAL, "Delegation tokens are switched off"],
  DELEGATION_TOKEN_NOT_FOUND: [62, FATAL, "The delegation token is not known"],
  DELEGATION_TOKEN_OWNER_MISMATCH: [63, FATAL, "The principal neither owns nor may renew the delegation token"],
  DELEGATION_TOKEN_REQUEST_NOT_ALLOWED: [64, FATAL, "Delegation tokens cannot be asked for on a connection of this kind"],
  DELEGATION_TOKEN_AUTHORIZATION_FAILED: [65, FATAL, "Not allowed on this delegation token"],
  DELEGATION_TOKEN_EXPIRED: [66, FATAL, "The delegation token's time is over"],
  INVALID_PRINCIPAL_TYPE: [67, FATAL, "The type of principal is not supported"],
  NON_EMPTY_GROUP: [68, FATAL, "The group still has members"],
  GROUP_ID_NOT_FOUND: [69, FATAL, "There is no such group"],
  FETCH_SESSION_ID_NOT_FOUND: [70, RETRY, "The broker does not hold this fetch session"],
  INVALID_FETCH_SESSION_EPOCH: [71, RETRY, "The fetch session is at another epoch"],
  LISTENER_NOT_FOUND: [72, RETRY, "The leader has no listener like the one that was asked"],
  TOPIC_DELETION_DISABLED: [73, FATAL, "Deleting topics is switched off"],
  FENCED_LEADER_EPOCH: [74, RETRY, "The leader epoch of the request is older than the broker's"],
  UNKNOWN_LEADER_EPOCH: [75, RETRY, "The leader epoch of the request is newer than the broker's"],
  UNSUPPORTED_COMPRESSION_TYPE: [76, FATAL, "The client's version cannot read this compression"],
  STALE_BROKER_EPOCH: [77, FATAL, "The broker registered again since"],
  OFFSET_NOT_AVAILABLE: [78, RETRY, "The new leader does not know its high watermark yet"],
  MEMBER_ID_REQUIRED: [79, FATAL, "Join again with the member id of this answer"],
  PREFERRED_LEADER_NOT_AVAILABLE: [80, RETRY, "The preferred leader is not there"],
  GROUP_MAX_SIZE_REACHED: [81, FATAL, "The group has as many members as it may have"],
  FENCED_INSTANCE_ID: [82, FATAL, "Another consumer uses the same group.instance.id"],
  ELIGIBLE_LEADERS_NOT_AVAILABLE: [83, RETRY, "None of the replicas that may lead is there"],
  ELECTION_NOT_NEEDED: [84, RETRY, "The partition already has the leader that it should have"],
  NO_REASSIGNMENT_IN_PROGRESS: [85, FATAL, "The partition is not being reassigned"],
  GROUP_SUBSCRIBED_TO_TOPIC: [86, FATAL, "The group is subscribed to the topic whose offsets should be deleted"],
  INVALID_RECORD: [87, FATAL, "The broker refused a record as not valid"],
  UNSTABLE_OFFSET_COMMIT: [88, RETRY, "Offsets of an open transaction are not settled yet"],
  THROTTLING_QUOTA_EXCEEDED: [89, RETRY, "A quota is used up: try again later"],
  PRODUCER_FENCED: [90, FATAL, "A newer producer with the same transactional id took over"],
  RESOURCE_NOT_FOUND: [91, FATAL, "The request names something that does not exist"],
  DUPLICATE_RESOURCE: [92, FATAL, "The request names the same thing twice"],
  UNACCEPTABLE_CREDENTIAL: [93, FATAL, "The credential does not meet the rules"],
  INCONSISTENT_VOTER_SET: [94, FATAL, "Sender or receiver is not one of the expected voters"],
  INVALID_UPDATE_VERSION: [95, FATAL, "The version of the update is not valid"],
  FEATURE_UPDATE_FAILED: [96, FATAL, "The features could not be updated"],
  PRINCIPAL_DESERIALIZATION_FAILURE: [97, FATAL, "The principal of a forwarded request could not be read"],
  SNAPSHOT_NOT_FOUND: [98, FATAL, "There is no such snapshot"],
  POSITION_OUT_OF_RANGE: [99, FATAL, "The position is outside of the snapshot"],
  UNKNOWN_TOPIC_ID: [100, RETRY, "This broker does not host the topic id"],
  DUPLICATE_BROKER_REGISTRATION: [101, FATAL, "Another broker uses this id"],
  BROKER_ID_NOT_REGISTERED: [102, FATAL, "No broker with this id is registered"],
  INCONSISTENT_TOPIC_ID: [103, RETRY, "The log belongs to another topic id"],
  INCONSISTENT_CLUSTER_ID: [104, FATAL, "The request is meant for another cluster"],
  TRANSACTIONAL_ID_NOT_FOUND: [105, FATAL, "There is no such transactional id"],
  FETCH_SESSION_TOPIC_ID_ERROR: [106, RETRY, "The fetch session mixes topic names and topic ids"],
  INELIGIBLE_REPLICA: [107, FATAL, "A replica may not be in sync now"],
  NEW_LEADER_ELECTED: [108, FATAL, "The change was made and gave the partition another leader"],
  OFFSET_MOVED_TO_TIERED_STORAGE: [109, FATAL, "The offset lies in tiered storage"],
  FENCED_MEMBER_EPOCH: [110, FATAL, "The member must give up its partitions and join again"],
  UNRELEASED_INSTANCE_ID: [111, FATAL, "Another member still holds this instance id"],
  UNSUPPORTED_ASSIGNOR: [112, FATAL, "The group does not support this assignor"],
  STALE_MEMBER_EPOCH: [113, FATAL, "The member epoch is old: heartbeat, then try again"],
  MISMATCHED_ENDPOINT_TYPE: [114, FATAL, "The request reached an endpoint of another type"],
  UNSUPPORTED_ENDPOINT_TYPE: [115, FATAL, "This type of endpoint is not served"],
  UNKNOWN_CONTROLLER_ID: [116, FATAL, "There is no controller with this id"],
  UNKNOWN_SUBSCRIPTION_ID: [117, FATAL, "The telemetry subscription is not known or out of date"],
  TELEMETRY_TOO_LARGE: [118, FATAL, "The telemetry is larger than the broker accepts"],
  INVALID_REGISTRATION: [119, FATAL, "The controller refused the broker's registration"],
  TRANSACTION_ABORTABLE: [120, FATAL, "The transaction failed and must be aborted; the transactional id stays usable"],
  INVALID_RECORD_STATE: [121, FATAL, "The record cannot be acknowledged in its present state"],
  SHARE_SESSION_NOT_FOUND: [122, RETRY, "The broker does not hold this share session"],
  INVALID_SHARE_SESSION_EPOCH: [123, RETRY, "The share session is at another epoch"],
  FENCED_STATE_EPOCH: [124, FATAL, "The share group's state is at another epoch"],
  INVALID_VOTER_KEY: [125, FATAL, "The voter key is not that of this replica"],
  DUPLICATE_VOTER: [126, FATAL, "The voter is in the voter set already"],
  VOTER_NOT_FOUND: [127, FATAL, "The voter is not in the voter set"],
  INVALID_REGULAR_EXPRESSION: [128, FATAL, "The regular expression is not valid"],
  REBOOTSTRAP_REQUIRED: [129, FATAL, "The client must start again from its bootstrap servers"],
  STREAMS_INVALID_TOPOLOGY: [130, FATAL, "The streams topology is not valid"],
  STREAMS_INVALID_TOPOLOGY_EPOCH: [131, FATAL, "The streams topology epoch is not valid"],
  STREAMS_TOPOLOGY_FENCED: [132, FATAL, "The streams topology is out of date"],
  SHARE_SESSION_LIMIT_REACHED: [133, RETRY, "The broker holds as many share sessions as it may"],
} as const satisfies Record<string, readonly [code: number, retriable: boolean, text: string]>;

/** Kafka's name of an error: how every room but the wire speaks of it. */
export type KafkaErrorName = keyof typeof TABLE;

export interface KafkaError {
  readonly name: KafkaErrorName;
  readonly code: number;
  /** The same request may succeed later, or at another broker. */
  readonly retriable: boolean;
  readonly text: string;
}

/** Every error, in code order from -1. */
export const KAFKA_ERRORS: readonly KafkaError[] = (Object.keys(TABLE) as KafkaErrorName[]).map((name) => {
  const [code, retriable, text] = TABLE[name];
  return { name, code, retriable, text };
});

/** The int16 that goes on the wire. */
export function errorCode(name: KafkaErrorName): number {
  return TABLE[name][0];
}

/** The name of a code from the wire; a code that this table does not know is UNKNOWN_SERVER_ERROR, as in Kafka's clients. */
export function errorName(code: number): KafkaErrorName {
  return KAFKA_ERRORS[code + 1]?.name ?? "UNKNOWN_SERVER_ERROR";
}

/** The row of an error, for messages and retry decisions. */
export function kafkaError(name: KafkaErrorName): KafkaError {
  const [code, retriable, text] = TABLE[name];
  return { name, code, retriable, text };
}
