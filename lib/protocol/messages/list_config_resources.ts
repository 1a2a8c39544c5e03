/**
 * Names of the resources that have settings; v0 is ListClientMetricsResources.
 * Source: KIP-714, KIP-1142.
 */
import { api, array, type Draft, type Infer, int16, int32, int8, message, optional, since, string } from "../schema/mod.ts";

export const ListConfigResourcesRequest = message({
  name: "ListConfigResourcesRequest",
  apiKey: 74,
  versions: [0, 1],
  flexible: 0,
  fields: {
    resourceTypes: since(1, array(int8), []),
  },
});
export type ListConfigResourcesRequest = Infer<typeof ListConfigResourcesRequest>;

export const ListConfigResourcesResponse = message({
  name: "ListConfigResourcesResponse",
  apiKey: 74,
  versions: [0, 1],
  flexible: 0,
  fields: {
    throttleTimeMs: optional(int32, 0),
    errorCode: int16,
    configResources: array({ resourceName: string, resourceType: since(1, int8, 16) }),
  },
});
export type ListConfigResourcesResponse = Draft<typeof ListConfigResourcesResponse>;

export const ListConfigResources = api("ListConfigResources", ListConfigResourcesRequest, ListConfigResourcesResponse);
