/**
 * DescribeConfigs, versions 1-4: settings of topics, brokers and groups with source, synonyms, type and documentation.
 * - Broker "" is the default of all brokers: only what was set there. Another broker's id is INVALID_REQUEST: each describes itself.
 * - Named keys only, where any are given (KIP-133); synonyms and documentation only when asked.
 * - Groups and client metrics are described when nothing was set, too: by their defaults.
 * Not done: broker loggers (levels are set at start), refused as Kafka refuses types it does not know.
 */
import { CONFIG_SOURCE_CODES, CONFIG_TYPE_CODES, type ConfigRow } from "../../config/mod.ts";
import {
  DescribeConfigs,
  type DescribeConfigsRequest,
  type DescribeConfigsResponse,
  errorCode,
  type KafkaErrorName,
} from "../../protocol/mod.ts";
import { refused, type Row } from "../../state/mod.ts";
import { resourceType } from "../config_resources.ts";
import { handler, type RequestContext } from "../handler.ts";
import { settingsOf } from "../settings_of.ts";

type Resource = DescribeConfigsRequest["resources"][number];
type Result = DescribeConfigsResponse["results"][number];

export const describeConfigs = handler<DescribeConfigsRequest, DescribeConfigsResponse>({
  api: DescribeConfigs,

  handle: (request, { services }) => ({
    results: request.resources.map((resource) => {
      const rows = describe(resource, services);
      return rows.ok ? result(resource, rows.value, request) : errorResult(resource, rows.error, rows.message);
    }),
  }),

  refuse: (request, error, message) => ({ results: request.resources.map((resource) => errorResult(resource, error, message)) }),
});

function describe({ resourceType: code, resourceName: name }: Resource, services: RequestContext["services"]): Row<readonly ConfigRow[]> {
  const type = resourceType(code);
  if (type !== null) return settingsOf(type, name, services);
  return refused("INVALID_REQUEST", `Cannot describe "${name}": settings of resource type ${code} are not served`);
}

function result(
  { resourceType, resourceName, configurationKeys }: Resource,
  rows: readonly ConfigRow[],
  request: DescribeConfigsRequest,
): Result {
  const wanted = configurationKeys === null || configurationKeys.length === 0 ? null : new Set(configurationKeys);
  return {
    errorCode: 0,
    // Kafka's way to say that there is none; elsewhere it says null.
    errorMessage: "",
    resourceType,
    resourceName,
    configs: rows.filter(({ name }) => wanted === null || wanted.has(name)).map((row) => ({
      name: row.name,
      value: row.value,
      readOnly: row.readOnly,
      configSource: CONFIG_SOURCE_CODES[row.source],
      isSensitive: row.sensitive,
      synonyms: !request.includeSynonyms ? [] : row.synonyms.map(({ name, value, source }) => ({
        name,
        value: row.sensitive ? null : value,
        source: CONFIG_SOURCE_CODES[source],
      })),
      configType: CONFIG_TYPE_CODES[row.type],
      documentation: request.includeDocumentation ? row.documentation : null,
    })),
  };
}

function errorResult({ resourceType, resourceName }: Resource, error: KafkaErrorName, errorMessage: string): Result {
  return { errorCode: errorCode(error), errorMessage, resourceType, resourceName, configs: [] };
}
