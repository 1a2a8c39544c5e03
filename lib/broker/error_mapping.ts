/**
 * The one translation of the rooms' own failures into Kafka's errors. Handlers catch where they can say of which partition, group or
 * topic it was; the router catches the rest. Broken invariants are not translated: they stop the node.
 */
import { NotController } from "../controller/mod.ts";
import { Closed, DeadlineExceeded, InvariantBroken, IoFailed, Overloaded } from "../io/mod.ts";
import type { KafkaErrorName } from "../protocol/mod.ts";
import { RecordsNotDeletable } from "../replication/errors.ts";
import { CorruptLog, DiskFull, OffsetOutOfRange, StorageFenced } from "../storage/errors.ts";

/** @throws {InvariantBroken} when that is what `error` is. */
export function kafkaErrorOf(error: unknown): KafkaErrorName {
  if (error instanceof InvariantBroken) throw error;
  if (error instanceof OffsetOutOfRange) return "OFFSET_OUT_OF_RANGE";
  if (error instanceof NotController) return "NOT_CONTROLLER";
  if (error instanceof DeadlineExceeded) return "REQUEST_TIMED_OUT";
  // Every client tries this one again; that nothing was done is more than it needs to know.
  if (error instanceof Overloaded) return "REQUEST_TIMED_OUT";
  // A log or a partition that was closed under the request: it moved, was deleted, or this node stops.
  if (error instanceof Closed) return "NOT_LEADER_OR_FOLLOWER";
  if (error instanceof CorruptLog) return "CORRUPT_MESSAGE";
  if (error instanceof DiskFull || error instanceof StorageFenced || error instanceof IoFailed) return "KAFKA_STORAGE_ERROR";
  if (error instanceof RecordsNotDeletable) return "POLICY_VIOLATION";
  return "UNKNOWN_SERVER_ERROR";
}
