/** The producer's options with their defaults, checked. Source: the Java producer's configuration. */
import { COMPRESSION_TYPES } from "../../protocol/mod.ts";
import { expectAtLeast, refuse } from "../options.ts";
import type { OutgoingRecord, ProducerOptions } from "../types.ts";

export interface ProducerSettings extends Required<Omit<ProducerOptions, "partitioner" | keyof import("../types.ts").ClientOptions>> {
  readonly partitioner: ((record: OutgoingRecord, partitions: number) => number) | null;
}

/** More requests at once than a broker remembers batches would let a retry be taken for something new (KIP-98). */
const IDEMPOTENT_IN_FLIGHT_MAX = 5;

/** @throws {KafkaError} `INVALID_CONFIG` */
export function producerSettings(options: ProducerOptions): ProducerSettings {
  const acks = options.acks ?? "all";
  const settings: ProducerSettings = {
    acks,
    idempotent: options.idempotent ?? acks === "all",
    compression: options.compression ?? "none",
    lingerMs: options.lingerMs ?? 5,
    batchBytes: options.batchBytes ?? 262_144,
    deliveryTimeoutMs: options.deliveryTimeoutMs ?? 120_000,
    inFlightMax: options.inFlightMax ?? IDEMPOTENT_IN_FLIGHT_MAX,
    bufferBytes: options.bufferBytes ?? 32 * 1024 * 1024,
    partitioner: options.partitioner ?? null,
  };
  if (acks !== "all" && acks !== 1 && acks !== 0) refuse(`"acks" is ${JSON.stringify(acks)}, expected "all", 1 or 0`);
  if (settings.idempotent && acks !== "all") refuse(`"idempotent" needs "acks" to be "all"`);
  if (!COMPRESSION_TYPES.includes(settings.compression)) {
    refuse(`"compression" is ${JSON.stringify(settings.compression)}, expected one of ${COMPRESSION_TYPES.join(", ")}`);
  }
  expectAtLeast(settings, ["lingerMs"], 0);
  expectAtLeast(settings, ["batchBytes", "deliveryTimeoutMs", "inFlightMax", "bufferBytes"], 1);
  if (settings.idempotent && settings.inFlightMax > IDEMPOTENT_IN_FLIGHT_MAX) {
    refuse(`"inFlightMax" is ${settings.inFlightMax}, an idempotent producer may have ${IDEMPOTENT_IN_FLIGHT_MAX}`);
  }
  return settings;
}
