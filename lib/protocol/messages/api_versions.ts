/**
 * Which versions of which APIs the broker serves, and the cluster's features. The response has header v0 in every version.
 * Source: KIP-35, KIP-511 (software name, fallback), KIP-584 (features), KIP-1022.
 */
import { api, array, bool, type Draft, type Infer, int16, int32, int64, message, since, string, tagged } from "../schema/mod.ts";

export const ApiVersionsRequest = message({
  name: "ApiVersionsRequest",
  apiKey: 18,
  versions: [0, 4],
  flexible: 3,
  fields: {
    clientSoftwareName: since(3, string, ""),
    clientSoftwareVersion: since(3, string, ""),
  },
});
export type ApiVersionsRequest = Infer<typeof ApiVersionsRequest>;

export const ApiVersionsResponse = message({
  name: "ApiVersionsResponse",
  apiKey: 18,
  versions: [0, 4],
  flexible: 3,
  fields: {
    errorCode: int16,
    apiKeys: array({ apiKey: int16, minVersion: int16, maxVersion: int16 }),
    throttleTimeMs: since(1, int32, 0),
    supportedFeatures: tagged(0, 3, array({ name: string, minVersion: int16, maxVersion: int16 })),
    /** -1 when not known. */
    finalizedFeaturesEpoch: tagged(1, 3, int64, -1),
    finalizedFeatures: tagged(2, 3, array({ name: string, maxVersionLevel: int16, minVersionLevel: int16 })),
    zkMigrationReady: tagged(3, 3, bool, false),
  },
});
export type ApiVersionsResponse = Draft<typeof ApiVersionsResponse>;

export const ApiVersions = api("ApiVersions", ApiVersionsRequest, ApiVersionsResponse);
