/**
 * Replaces all settings of a resource; old, IncrementalAlterConfigs is the one to use.
 * Source: KIP-133.
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
  string,
} from "../schema/mod.ts";

export const AlterConfigsRequest = message({
  name: "AlterConfigsRequest",
  apiKey: 33,
  versions: [0, 2],
  flexible: 2,
  fields: {
    resources: array({
      resourceType: int8,
      resourceName: string,
      configs: array({ name: string, value: nullable(string) }),
    }),
    validateOnly: bool,
  },
});
export type AlterConfigsRequest = Infer<typeof AlterConfigsRequest>;

export const AlterConfigsResponse = message({
  name: "AlterConfigsResponse",
  apiKey: 33,
  versions: [0, 2],
  flexible: 2,
  fields: {
    throttleTimeMs: optional(int32, 0),
    responses: array({
      errorCode: int16,
      errorMessage: nullable(explanation),
      resourceType: int8,
      resourceName: string,
    }),
  },
});
export type AlterConfigsResponse = Draft<typeof AlterConfigsResponse>;

export const AlterConfigs = api("AlterConfigs", AlterConfigsRequest, AlterConfigsResponse);
