/**
 * Deletes topics by name, or by id from v6 on.
 * Source: KIP-4, KIP-516 (topic ids), KIP-599 (throttling).
 */
import {
  api,
  array,
  type Draft,
  explanation,
  type Infer,
  int16,
  int32,
  message,
  nullable,
  optional,
  since,
  string,
  until,
  uuid,
} from "../schema/mod.ts";

export const DeleteTopicsRequest = message({
  name: "DeleteTopicsRequest",
  apiKey: 20,
  versions: [1, 6],
  flexible: 4,
  fields: {
    topics: since(6, array({ name: optional(nullable(string), null), topicId: uuid }), []),
    topicNames: until(5, array(string), []),
    timeoutMs: int32,
  },
});
export type DeleteTopicsRequest = Infer<typeof DeleteTopicsRequest>;

export const DeleteTopicsResponse = message({
  name: "DeleteTopicsResponse",
  apiKey: 20,
  versions: [1, 6],
  flexible: 4,
  fields: {
    throttleTimeMs: optional(int32, 0),
    responses: array({
      name: nullable(string, 6),
      topicId: since(6, uuid),
      errorCode: int16,
      errorMessage: since(5, nullable(explanation), null),
    }),
  },
});
export type DeleteTopicsResponse = Draft<typeof DeleteTopicsResponse>;

export const DeleteTopics = api("DeleteTopics", DeleteTopicsRequest, DeleteTopicsResponse);
