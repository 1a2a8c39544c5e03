/** The options of a consumer with their defaults, checked before anything is opened. */
import type { ClientSettings } from "../options.ts";
import { expectAtLeast, refuse } from "../options.ts";
import type { Assignor, ConsumerOptions } from "../types.ts";
import { ASSIGNORS } from "./assignors/by_name.ts";

type Callbacks = Pick<ConsumerOptions, "onAssigned" | "onRevoked" | "onLost">;

export interface ConsumerSettings extends Callbacks {
  readonly groupId: string | null;
  readonly groupInstanceId: string | null;
  readonly assignors: readonly Assignor[];
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly maxPollIntervalMs: number;
  readonly autoOffsetReset: "earliest" | "latest" | "none";
  /** Null: only `commit`. */
  readonly autoCommitIntervalMs: number | null;
  readonly isCommittedOnly: boolean;
  readonly fetchMinBytes: number;
  readonly fetchMaxWaitMs: number;
  readonly partitionBytes: number;
  readonly bufferBytes: number;
  readonly rackId: string;
  readonly closeTimeoutMs: number;
  readonly client: ClientSettings;
}

/** @throws {KafkaError} `INVALID_CONFIG` for an option that cannot be used. */
export function consumerSettings(options: ConsumerOptions, client: ClientSettings): ConsumerSettings {
  const numbers = {
    sessionTimeoutMs: options.sessionTimeoutMs ?? 45_000,
    heartbeatIntervalMs: options.heartbeatIntervalMs ?? 3_000,
    maxPollIntervalMs: options.maxPollIntervalMs ?? 300_000,
    partitionBytes: options.partitionBytes ?? 1024 * 1024,
    bufferBytes: options.bufferBytes ?? 16 * 1024 * 1024,
    closeTimeoutMs: options.closeTimeoutMs ?? 10_000,
  };
  const fetchMinBytes = options.fetchMinBytes ?? 1;
  const fetchMaxWaitMs = options.fetchMaxWaitMs ?? 500;
  const autoCommitIntervalMs = options.autoCommitIntervalMs === undefined ? 5_000 : options.autoCommitIntervalMs;
  expectAtLeast(
    numbers,
    ["sessionTimeoutMs", "heartbeatIntervalMs", "maxPollIntervalMs", "partitionBytes", "bufferBytes", "closeTimeoutMs"],
    1,
  );
  expectAtLeast({ fetchMinBytes, fetchMaxWaitMs }, ["fetchMinBytes", "fetchMaxWaitMs"], 0);
  if (autoCommitIntervalMs !== null) expectAtLeast({ autoCommitIntervalMs }, ["autoCommitIntervalMs"], 1);
  if (numbers.heartbeatIntervalMs >= numbers.sessionTimeoutMs) {
    refuse(`"heartbeatIntervalMs" is ${numbers.heartbeatIntervalMs}, expected less than "sessionTimeoutMs" (${numbers.sessionTimeoutMs})`);
  }
  const assignors = options.assignors ?? ["range", "cooperative-sticky"];
  const unknown = assignors.find((name) => !(name in ASSIGNORS));
  if (unknown !== undefined) refuse(`"assignors" has "${unknown}", expected some of ${Object.keys(ASSIGNORS).join(", ")}`);
  if (assignors.length === 0 || new Set(assignors).size < assignors.length) refuse(`"assignors" is empty or has one twice`);
  const autoOffsetReset = options.autoOffsetReset ?? "latest";
  if (!["earliest", "latest", "none"].includes(autoOffsetReset)) {
    refuse(`"autoOffsetReset" is "${autoOffsetReset}", expected earliest, latest or none`);
  }
  const isolation = options.isolation ?? "read_uncommitted";
  if (!["read_uncommitted", "read_committed"].includes(isolation)) {
    refuse(`"isolation" is "${isolation}", expected read_uncommitted or read_committed`);
  }
  if (options.groupId === "") refuse(`"groupId" is empty`);
  if (options.groupInstanceId !== undefined && options.groupId === undefined) refuse(`"groupInstanceId" needs a "groupId"`);
  const { onAssigned, onRevoked, onLost } = options;
  return {
    ...numbers,
    ...(onAssigned && { onAssigned }),
    ...(onRevoked && { onRevoked }),
    ...(onLost && { onLost }),
    groupId: options.groupId ?? null,
    groupInstanceId: options.groupInstanceId ?? null,
    assignors,
    autoOffsetReset,
    autoCommitIntervalMs: options.groupId === undefined ? null : autoCommitIntervalMs,
    isCommittedOnly: isolation === "read_committed",
    fetchMinBytes,
    fetchMaxWaitMs,
    rackId: options.rackId ?? "",
    client,
  };
}
