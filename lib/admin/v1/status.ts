/** The one table from Kafka's errors to HTTP: status, and the problem body of a refusal. What is not in it is ours to explain: 500. */
import type { KafkaErrorName } from "../../protocol/mod.ts";
import { kafkaError } from "../../protocol/mod.ts";
import { type FieldError, type Problem, problemReply, problemType } from "../problem.ts";

const STATUS: Readonly<Partial<Record<KafkaErrorName, number>>> = {
  CORRUPT_MESSAGE: 400,
  INVALID_CONFIG: 400,
  INVALID_GROUP_ID: 400,
  INVALID_PARTITIONS: 400,
  INVALID_RECORD: 400,
  INVALID_REPLICA_ASSIGNMENT: 400,
  INVALID_REPLICATION_FACTOR: 400,
  INVALID_REQUEST: 400,
  INVALID_REQUIRED_ACKS: 400,
  INVALID_TIMESTAMP: 400,
  INVALID_TOPIC_EXCEPTION: 400,
  OFFSET_METADATA_TOO_LARGE: 400,
  OFFSET_OUT_OF_RANGE: 400,
  UNSUPPORTED_COMPRESSION_TYPE: 400,
  UNSUPPORTED_VERSION: 400,
  POLICY_VIOLATION: 403,
  TOPIC_DELETION_DISABLED: 403,
  GROUP_ID_NOT_FOUND: 404,
  RESOURCE_NOT_FOUND: 404,
  UNKNOWN_TOPIC_ID: 404,
  UNKNOWN_TOPIC_OR_PARTITION: 404,
  GROUP_SUBSCRIBED_TO_TOPIC: 409,
  ILLEGAL_GENERATION: 409,
  NON_EMPTY_GROUP: 409,
  TOPIC_ALREADY_EXISTS: 409,
  UNKNOWN_MEMBER_ID: 409,
  MESSAGE_TOO_LARGE: 413,
  RECORD_LIST_TOO_LARGE: 413,
  NOT_CONTROLLER: 421,
  NOT_COORDINATOR: 421,
  NOT_LEADER_OR_FOLLOWER: 421,
  COORDINATOR_LOAD_IN_PROGRESS: 503,
  COORDINATOR_NOT_AVAILABLE: 503,
  LEADER_NOT_AVAILABLE: 503,
  NOT_ENOUGH_REPLICAS: 503,
  REBALANCE_IN_PROGRESS: 503,
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: 504,
  REQUEST_TIMED_OUT: 504,
  KAFKA_STORAGE_ERROR: 507,
};

/** Every error of Kafka that has a status of its own, for the page. */
export const KAFKA_PROBLEMS = Object.keys(STATUS) as readonly KafkaErrorName[];

/** Seconds after which it makes sense to try again what was not done. */
const RETRY_AFTER_S = "1";

export const statusOf = (error: KafkaErrorName): number => STATUS[error] ?? 500;

/** @param detail what to do; Kafka's own words when there is nothing better. */
export function kafkaProblem(error: KafkaErrorName, detail?: string | null, errors?: readonly FieldError[]): Problem {
  const { text } = kafkaError(error);
  const status = statusOf(error);
  const more = status === 504 ? ": look what is there before trying again" : "";
  return {
    type: problemType(error.toLowerCase().replaceAll("_", "-")),
    title: text,
    status,
    detail: (detail || text) + more,
    kafkaError: error,
    ...(errors && { errors }),
  };
}

export function kafkaProblemReply(body: Problem): Response {
  return problemReply(body, body.status === 503 ? { "retry-after": RETRY_AFTER_S } : {});
}

/** Thrown by a route that refuses: nothing was done. */
export class Refused extends Error {
  override readonly name = "Refused";
  readonly problem: Problem;

  constructor(error: KafkaErrorName, detail?: string | null, errors?: readonly FieldError[]) {
    const problem = kafkaProblem(error, detail, errors);
    super(problem.detail);
    this.problem = problem;
  }
}
