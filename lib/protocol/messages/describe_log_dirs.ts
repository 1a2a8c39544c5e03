/**
 * Disk usage by directory, topic and partition.
 * Source: KIP-113, KIP-827 (volume sizes).
 */
import {
  api,
  array,
  bool,
  type Draft,
  type Infer,
  int16,
  int32,
  int64,
  message,
  nullable,
  optional,
  since,
  string,
} from "../schema/mod.ts";

export const DescribeLogDirsRequest = message({
  name: "DescribeLogDirsRequest",
  apiKey: 35,
  versions: [1, 5],
  flexible: 2,
  fields: {
    /** Null: all. */
    topics: nullable(array({ topic: string, partitions: array(int32) })),
  },
});
export type DescribeLogDirsRequest = Infer<typeof DescribeLogDirsRequest>;

export const DescribeLogDirsResponse = message({
  name: "DescribeLogDirsResponse",
  apiKey: 35,
  versions: [1, 5],
  flexible: 2,
  fields: {
    throttleTimeMs: optional(int32, 0),
    errorCode: since(3, int16),
    results: array({
      errorCode: int16,
      logDir: string,
      topics: array({
        name: string,
        partitions: array({ partitionIndex: int32, partitionSize: int64, offsetLag: int64, isFutureKey: bool }),
      }),
      /** Of the volume; -1 when not known. */
      totalBytes: since(4, int64, -1),
      usableBytes: since(4, int64, -1),
      isCordoned: since(5, bool, false),
    }),
  },
});
export type DescribeLogDirsResponse = Draft<typeof DescribeLogDirsResponse>;

export const DescribeLogDirs = api("DescribeLogDirs", DescribeLogDirsRequest, DescribeLogDirsResponse);
