/** Door of `records`: batches, records, codecs and their checks. Pure. */
export * from "./batch.ts";
export * from "./build.ts";
export { compress, decompress, decompressAsync } from "./compression/mod.ts";
export * from "./control.ts";
export { crc32c, slowChecksums } from "./crc32c.ts";
export { CorruptRecords, DecompressionLimitExceeded } from "./errors.ts";
export { encodeRecords, forEachRecord, type NewRecord, readHeaders, type RecordHeader, type RecordView } from "./record.ts";
export * from "./validate.ts";
export { type Cursor, readVarint, readVarlong, varintBytes, varlongBytes, writeVarint, writeVarlong } from "./varint.ts";
