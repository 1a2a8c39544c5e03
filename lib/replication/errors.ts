/** Replication's own failures, and what a log's refusal of an append means to a producer. */
import { Closed, Overloaded } from "../io/mod.ts";
import type { KafkaErrorName } from "../protocol/mod.ts";
import { CorruptLog, DiskFull, StorageFenced } from "../storage/mod.ts";

/** DeleteRecords on a topic that only compacts. */
export class RecordsNotDeletable extends Error {
  override readonly name = "RecordsNotDeletable";
  constructor(topic: string, partition: number) {
    super(`Cannot delete records of "${topic}-${partition}": its "cleanup.policy" has no "delete"`);
  }
}

/** Nothing was appended in any of these cases, and all of them may pass: the producer is to try again. Others are thrown on. */
export function appendRefusal(error: unknown): { readonly error: KafkaErrorName; readonly message: string } {
  if (error instanceof Closed) return { error: "NOT_LEADER_OR_FOLLOWER", message: "its log is closed" };
  // Tried again without asking for the leader anew, which is where it should come back to.
  if (error instanceof Overloaded) return { error: "NOT_ENOUGH_REPLICAS", message: error.message };
  if (error instanceof DiskFull || error instanceof StorageFenced || error instanceof CorruptLog) {
    return { error: "KAFKA_STORAGE_ERROR", message: error.message };
  }
  throw error;
}
