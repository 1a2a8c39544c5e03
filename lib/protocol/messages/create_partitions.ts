/**
 * Raises the number of partitions of topics.
 * Source: KIP-195, KIP-599 (throttling).
 */
import { api, array, bool, type Draft, explanation, type Infer, int16, int32, message, nullable, optional, string } from "../schema/mod.ts";

export const CreatePartitionsRequest = message({
  name: "CreatePartitionsRequest",
  apiKey: 37,
  versions: [0, 3],
  flexible: 2,
  fields: {
    topics: array({
      name: string,
      /** The new total. */
      count: int32,
      /** Null lets the cluster place the replicas. */
      assignments: nullable(array({ brokerIds: array(int32) })),
    }),
    timeoutMs: int32,
    validateOnly: bool,
  },
});
export type CreatePartitionsRequest = Infer<typeof CreatePartitionsRequest>;

export const CreatePartitionsResponse = message({
  name: "CreatePartitionsResponse",
  apiKey: 37,
  versions: [0, 3],
  flexible: 2,
  fields: {
    throttleTimeMs: optional(int32, 0),
    results: array({ name: string, errorCode: int16, errorMessage: optional(nullable(explanation), null) }),
  },
});
export type CreatePartitionsResponse = Draft<typeof CreatePartitionsResponse>;

export const CreatePartitions = api("CreatePartitions", CreatePartitionsRequest, CreatePartitionsResponse);
