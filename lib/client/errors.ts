/**
 * The one failure that callers of the client see: Kafka's name of the error, whether trying again makes sense, and whether the thing may
 * have happened all the same. Decides no retries; which names are retriable is in the protocol's table, which follows the Java client.
 */
import { errorName, kafkaError, type KafkaErrorName } from "../protocol/mod.ts";

export interface KafkaErrorOptions {
  readonly cause?: unknown;
  /** Default: as the protocol's table says. */
  readonly retriable?: boolean;
  /** The request had left and its reply did not come: the broker may have acted on it. */
  readonly isOutcomeUnknown?: boolean;
}

/** What Kafka calls by name, thrown or as a value in a result. */
export class KafkaError extends Error {
  override readonly name = "KafkaError";
  readonly error: KafkaErrorName;
  readonly retriable: boolean;
  /** True: it may have happened. Only for a request that left and was not answered (law 1). */
  readonly isOutcomeUnknown: boolean;

  constructor(error: KafkaErrorName, message: string, options: KafkaErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.error = error;
    this.retriable = options.retriable ?? kafkaError(error).retriable;
    this.isOutcomeUnknown = options.isOutcomeUnknown ?? false;
  }
}

/** A batch that cannot be read, and where it ends: who can do without it seeks there. */
export class CorruptBatch extends KafkaError {
  readonly topic: string;
  readonly partition: number;
  readonly baseOffset: number;
  /** The offset behind it, as far as its header can be believed. */
  readonly nextOffset: number;

  constructor(of: Pick<CorruptBatch, "topic" | "partition" | "baseOffset" | "nextOffset">, why: string, options: KafkaErrorOptions = {}) {
    super("CORRUPT_MESSAGE", `Cannot read "${of.topic}-${of.partition}": the batch at offset ${of.baseOffset}: ${why}`, options);
    this.topic = of.topic;
    this.partition = of.partition;
    this.baseOffset = of.baseOffset;
    this.nextOffset = of.nextOffset;
  }
}

/**
 * The failure that an error code in a reply stands for.
 * @param action continues "Cannot ": `describe topic "orders"`. @param detail the broker's own sentence, where it gave one.
 */
export function failureOf(code: number | KafkaErrorName, action: string, detail: string | null = null): KafkaError {
  const error = typeof code === "number" ? errorName(code) : code;
  const unknownCode = typeof code === "number" && error === "UNKNOWN_SERVER_ERROR" && code !== -1 ? `error code ${code}` : null;
  const why = detail || unknownCode || inSentence(kafkaError(error).text);
  return new KafkaError(error, `Cannot ${action}: ${why} (${error})`);
}

/** @throws {KafkaError} unless `code` is 0. */
export function expectNoError(code: number, action: string, detail: string | null = null): void {
  if (code !== 0) throw failureOf(code, action, detail);
}

const inSentence = (text: string): string => /^[A-Z][a-z ]/.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text;
