/**
 * Changes single settings of a resource.
 * Source: KIP-339.
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

export const IncrementalAlterConfigsRequest = message({
  name: "IncrementalAlterConfigsRequest",
  apiKey: 44,
  versions: [0, 1],
  flexible: 1,
  fields: {
    resources: array({
      resourceType: int8,
      resourceName: string,
      configs: array({
        name: string,
        /** 0 set, 1 delete, 2 append, 3 subtract. */
        configOperation: int8,
        value: nullable(string),
      }),
    }),
    validateOnly: bool,
  },
});
export type IncrementalAlterConfigsRequest = Infer<typeof IncrementalAlterConfigsRequest>;

export const IncrementalAlterConfigsResponse = message({
  name: "IncrementalAlterConfigsResponse",
  apiKey: 44,
  versions: [0, 1],
  flexible: 1,
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
export type IncrementalAlterConfigsResponse = Draft<typeof IncrementalAlterConfigsResponse>;

export const IncrementalAlterConfigs = api("IncrementalAlterConfigs", IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse);
