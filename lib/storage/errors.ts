/** Storage's own failures. `broker/error_mapping.ts` gives them Kafka codes. */

export class OffsetOutOfRange extends Error {
  override readonly name = "OffsetOutOfRange";
  constructor(readonly offset: number, readonly logStartOffset: number, readonly logEndOffset: number) {
    super(`Cannot read at offset ${offset}: the log has ${logStartOffset} to ${logEndOffset}`);
  }
}

/** Bytes on disk that fail their checksum although valid data follows: not a torn tail, never cut (HAZARDS W4). */
export class CorruptLog extends Error {
  override readonly name = "CorruptLog";
}

/** The disk is nearly full: producers are refused until space returns (HAZARDS W3). */
export class DiskFull extends Error {
  override readonly name = "DiskFull";
}

/** A sync failed or hung: what waited is unknown, and this node accepts nothing more (HAZARDS W1, W2). */
export class StorageFenced extends Error {
  override readonly name = "StorageFenced";
}

/** The data directory cannot be used; the message says why and what to do. */
export class DataDirectoryRefused extends Error {
  override readonly name = "DataDirectoryRefused";
}
