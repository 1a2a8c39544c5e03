/** What a failure means for a batch: whether it goes again, under which identity, and whether it may be in the log. Pure. Source: KIP-360. */
import type { KafkaErrorName } from "../../protocol/mod.ts";
import { kafkaError } from "../../protocol/mod.ts";

export type Verdict =
  /** It is in the log, as an earlier try put it there; nobody tells where. */
  | "duplicate"
  /** The sequence does not fit: something before it is missing, or the broker has lost what it knew. */
  | "out-of-order"
  /** The broker knows nothing of the producer any more. */
  | "forgotten"
  /** The producer's epoch or id is refused. */
  | "refused-identity"
  | "too-large"
  /** Again, perhaps elsewhere. */
  | "again"
  | "fatal";

const VERDICTS: Partial<Record<KafkaErrorName, Verdict>> = {
  DUPLICATE_SEQUENCE_NUMBER: "duplicate",
  OUT_OF_ORDER_SEQUENCE_NUMBER: "out-of-order",
  UNKNOWN_PRODUCER_ID: "forgotten",
  INVALID_PRODUCER_EPOCH: "refused-identity",
  INVALID_PRODUCER_ID_MAPPING: "refused-identity",
  MESSAGE_TOO_LARGE: "too-large",
  RECORD_LIST_TOO_LARGE: "too-large",
};

/** Without an identity the errors about it say nothing that could be mended. */
export function verdictOf(error: KafkaErrorName, isIdempotent: boolean): Verdict {
  const verdict = VERDICTS[error];
  if (verdict === "too-large" || (verdict !== undefined && isIdempotent)) return verdict;
  return kafkaError(error).retriable ? "again" : "fatal";
}

/** Answers that may come although the batch was appended. */
const MAY_BE_WRITTEN: ReadonlySet<KafkaErrorName> = new Set([
  "REQUEST_TIMED_OUT",
  "NOT_ENOUGH_REPLICAS_AFTER_APPEND",
  "KAFKA_STORAGE_ERROR",
  "UNKNOWN_SERVER_ERROR",
]);
/**
 * Answers that would have been the same for every earlier try: it cannot be in the log. INVALID_TIMESTAMP and INVALID_RECORD are none: they depend on
 * the broker's clock and on the topic's settings, which may have changed since a try whose answer got lost. So may the greatest size; but what is too
 * large must be split, and whoever makes it smaller while producers write has to expect a batch that comes twice.
 */
const NEVER_WRITTEN: ReadonlySet<KafkaErrorName> = new Set([
  "OUT_OF_ORDER_SEQUENCE_NUMBER",
  "UNKNOWN_PRODUCER_ID",
  "INVALID_PRODUCER_EPOCH",
  "INVALID_PRODUCER_ID_MAPPING",
  "MESSAGE_TOO_LARGE",
  "RECORD_LIST_TOO_LARGE",
  "UNSUPPORTED_COMPRESSION_TYPE",
  "UNSUPPORTED_FOR_MESSAGE_FORMAT",
  "INVALID_REQUIRED_ACKS",
]);

/** Whether a batch may be in the log after this answer, with what was known before. */
export function mayBeWrittenAfter(error: KafkaErrorName, before: boolean): boolean {
  return !NEVER_WRITTEN.has(error) && (before || MAY_BE_WRITTEN.has(error));
}
