/**
 * The one translation of the rooms' own failures into Kafka's errors: a pure table by sort of failure and family of API, because clients
 * do not accept every code everywhere (a Java consumer stops on REQUEST_TIMED_OUT in a fetch; a -1 on produce makes producers write
 * twice). Handlers catch where they can say of which partition, group or topic it was; the router catches the rest. Broken invariants
 * are not translated: they stop the node. Source: the error handling of Kafka's clients and group coordinator, HAZARDS W1.
 */
import { NotController } from "../controller/mod.ts";
import { Closed, DeadlineExceeded, InvariantBroken, IoFailed, Overloaded } from "../io/mod.ts";
import type { KafkaErrorName } from "../protocol/mod.ts";
import { RecordsNotDeletable } from "../replication/mod.ts";
import { CorruptLog, DiskFull, OffsetOutOfRange, StorageFenced } from "../storage/mod.ts";

/** What went wrong, as far as a client can care. */
type Failure =
  /** May have happened or not: never told as "nothing was written". */
  | "unknownOutcome"
  /** Nothing was done; the same request may succeed soon. */
  | "overloaded"
  /** Nothing was done; the disk is nearly full. */
  | "diskFull"
  | "ioFailed"
  | "corrupt"
  /** A log or partition that moved, was deleted, or whose node stops. */
  | "closed"
  | "unforeseen";

export type ApiFamily = "produce" | "fetch" | "coordinator" | "other";

type Row = Readonly<Record<ApiFamily, KafkaErrorName>>;

const row = (produce: KafkaErrorName, fetch: KafkaErrorName, coordinator: KafkaErrorName, other: KafkaErrorName): Row => ({
  produce,
  fetch,
  coordinator,
  other,
});

const CODES: Readonly<Record<Failure, Row>> = {
  unknownOutcome: row("REQUEST_TIMED_OUT", "KAFKA_STORAGE_ERROR", "COORDINATOR_NOT_AVAILABLE", "REQUEST_TIMED_OUT"),
  overloaded: row("NOT_ENOUGH_REPLICAS", "KAFKA_STORAGE_ERROR", "COORDINATOR_NOT_AVAILABLE", "REQUEST_TIMED_OUT"),
  diskFull: row("KAFKA_STORAGE_ERROR", "KAFKA_STORAGE_ERROR", "COORDINATOR_NOT_AVAILABLE", "KAFKA_STORAGE_ERROR"),
  ioFailed: row("REQUEST_TIMED_OUT", "KAFKA_STORAGE_ERROR", "COORDINATOR_NOT_AVAILABLE", "KAFKA_STORAGE_ERROR"),
  corrupt: row("KAFKA_STORAGE_ERROR", "CORRUPT_MESSAGE", "NOT_COORDINATOR", "CORRUPT_MESSAGE"),
  closed: row("NOT_LEADER_OR_FOLLOWER", "NOT_LEADER_OR_FOLLOWER", "NOT_COORDINATOR", "NOT_LEADER_OR_FOLLOWER"),
  unforeseen: row("REQUEST_TIMED_OUT", "UNKNOWN_SERVER_ERROR", "UNKNOWN_SERVER_ERROR", "UNKNOWN_SERVER_ERROR"),
};

/** The code that tells a client what to do about `error`. @throws {InvariantBroken} when that is what `error` is. */
export function kafkaErrorOf(error: unknown, family: ApiFamily = "other"): KafkaErrorName {
  if (error instanceof InvariantBroken) throw error;
  if (error instanceof OffsetOutOfRange) return "OFFSET_OUT_OF_RANGE";
  if (error instanceof NotController && !error.outcomeUnknown) return "NOT_CONTROLLER";
  if (error instanceof RecordsNotDeletable) return "POLICY_VIOLATION";
  return CODES[failureOf(error)][family];
}

/** By API key: OffsetCommit, OffsetFetch, FindCoordinator, the classic group APIs, and what admins delete of groups. */
const COORDINATOR_KEYS: ReadonlySet<number> = new Set([8, 9, 10, 11, 12, 13, 14, 15, 16, 42, 47]);

export function apiFamilyOf(apiKey: number): ApiFamily {
  if (apiKey === 0) return "produce";
  if (apiKey === 1) return "fetch";
  return COORDINATOR_KEYS.has(apiKey) ? "coordinator" : "other";
}

/** What clients are told of a write of a coordinator: of one whose outcome is unknown they know this name. */
export const groupWriteError = (error: KafkaErrorName): KafkaErrorName =>
  error === "REQUEST_TIMED_OUT" ? CODES.unknownOutcome.coordinator : error;

/** Nobody wrote code for this error: it deserves a line in the log, where it came from included. */
export function isUnforeseen(error: unknown): boolean {
  const isKnown = error instanceof OffsetOutOfRange || error instanceof NotController || error instanceof RecordsNotDeletable;
  return !isKnown && failureOf(error) === "unforeseen";
}

function failureOf(error: unknown): Failure {
  if (error instanceof DeadlineExceeded || error instanceof StorageFenced || error instanceof NotController) return "unknownOutcome";
  if (error instanceof Overloaded) return "overloaded";
  if (error instanceof DiskFull) return "diskFull";
  if (error instanceof CorruptLog) return "corrupt";
  if (error instanceof Closed) return "closed";
  if (error instanceof IoFailed) return "ioFailed";
  return "unforeseen";
}
