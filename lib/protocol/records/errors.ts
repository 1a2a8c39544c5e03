/** What can be wrong with records. `broker/error_mapping.ts` gives these Kafka codes where they reach it. */

/** Bytes that are not what their header says. */
export class CorruptRecords extends Error {
  override readonly name = "CorruptRecords";
}

/** Compressed bytes that would become more than the reader allows (HAZARDS N5). Nothing near that size was allocated. */
export class DecompressionLimitExceeded extends Error {
  override readonly name = "DecompressionLimitExceeded";
  constructor(codec: string, readonly limitBytes: number) {
    super(`Cannot decompress ${codec}: the output is larger than the limit of ${limitBytes} bytes`);
  }
}
