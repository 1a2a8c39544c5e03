/**
 * Creates topics.
 * Source: KIP-4, KIP-464 (defaults), KIP-525 (configs in the reply), KIP-516 (topic ids), KIP-599 (throttling).
 */
import {
  api,
  array,
  bool,
  type Draft,
  explanation,
  type Infer,
  int16,
  int32,
  int8,
  message,
  nullable,
  optional,
  since,
  string,
  tagged,
  uuid,
} from "../schema/mod.ts";

export const CreateTopicsRequest = message({
  name: "CreateTopicsRequest",
  apiKey: 19,
  versions: [2, 7],
  flexible: 5,
  fields: {
    topics: array({
      name: string,
      /** -1 for the broker's default, and with assignments. */
      numPartitions: int32,
      /** -1 for the broker's default, and with assignments. */
      replicationFactor: int16,
      assignments: array({ partitionIndex: int32, brokerIds: array(int32) }),
      configs: array({ name: string, value: nullable(string) }),
    }),
    timeoutMs: optional(int32, 60000),
    /** Check and answer, create nothing. */
    validateOnly: optional(bool, false),
  },
});
export type CreateTopicsRequest = Infer<typeof CreateTopicsRequest>;

export const CreateTopicsResponse = message({
  name: "CreateTopicsResponse",
  apiKey: 19,
  versions: [2, 7],
  flexible: 5,
  fields: {
    throttleTimeMs: optional(int32, 0),
    topics: array({
      name: string,
      topicId: since(7, uuid),
      errorCode: int16,
      errorMessage: nullable(explanation),
      /** Written only when the configs below could not be told. */
      topicConfigErrorCode: tagged(0, 5, int16),
      numPartitions: since(5, int32, -1),
      replicationFactor: since(5, int16, -1),
      configs: since(
        5,
        nullable(array({
          name: string,
          value: nullable(string),
          readOnly: bool,
          configSource: optional(int8, -1),
          isSensitive: bool,
        })),
      ),
    }),
  },
});
export type CreateTopicsResponse = Draft<typeof CreateTopicsResponse>;

export const CreateTopics = api("CreateTopics", CreateTopicsRequest, CreateTopicsResponse);
