/**
 * Settings of topics, brokers and groups with their source, synonyms and documentation.
 * Source: KIP-133, KIP-226 (synonyms), KIP-569 (documentation).
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
} from "../schema/mod.ts";

export const DescribeConfigsRequest = message({
  name: "DescribeConfigsRequest",
  apiKey: 32,
  versions: [1, 4],
  flexible: 4,
  fields: {
    resources: array({
      /** 2 topic, 4 broker, 8 broker logger, 16 client metrics, 32 group. */
      resourceType: int8,
      resourceName: string,
      /** Null: all. */
      configurationKeys: nullable(array(string)),
    }),
    includeSynonyms: optional(bool, false),
    includeDocumentation: since(3, bool, false),
  },
});
export type DescribeConfigsRequest = Infer<typeof DescribeConfigsRequest>;

export const DescribeConfigsResponse = message({
  name: "DescribeConfigsResponse",
  apiKey: 32,
  versions: [1, 4],
  flexible: 4,
  fields: {
    throttleTimeMs: optional(int32, 0),
    results: array({
      errorCode: int16,
      errorMessage: nullable(explanation),
      resourceType: int8,
      resourceName: string,
      configs: array({
        name: string,
        value: nullable(string),
        readOnly: bool,
        /** 1 topic, 2 one broker, 3 all brokers, 4 static, 5 default, 6 logger, 7 client metrics, 8 group. */
        configSource: optional(int8, -1),
        isSensitive: bool,
        synonyms: array({ name: string, value: nullable(string), source: int8 }),
        configType: since(3, int8, 0),
        documentation: since(3, nullable(string)),
      }),
    }),
  },
});
export type DescribeConfigsResponse = Draft<typeof DescribeConfigsResponse>;

export const DescribeConfigs = api("DescribeConfigs", DescribeConfigsRequest, DescribeConfigsResponse);
