/** What clients of a coordinator are told when its own log answers something: they know coordinators, not their partitions. */
import { kafkaError, type KafkaErrorName } from "../protocol/mod.ts";

/** Kafka's own translation; what is not named in it stays retriable where it was. */
export function coordinatorError(error: KafkaErrorName): KafkaErrorName {
  switch (error) {
    case "UNKNOWN_TOPIC_OR_PARTITION":
    case "NOT_ENOUGH_REPLICAS":
    case "NOT_ENOUGH_REPLICAS_AFTER_APPEND":
    case "REQUEST_TIMED_OUT":
      return "COORDINATOR_NOT_AVAILABLE";
    case "NOT_LEADER_OR_FOLLOWER":
    case "KAFKA_STORAGE_ERROR":
      return "NOT_COORDINATOR";
    default:
      return kafkaError(error).retriable ? "COORDINATOR_NOT_AVAILABLE" : "UNKNOWN_SERVER_ERROR";
  }
}
