/**
 * ApiVersions v0-4: what this broker serves.
 * - The list is the handlers' own (law 12); Produce is listed from 0 for librdkafka's sake, by its declaration.
 * - A version that is not served is answered in version 0 with UNSUPPORTED_VERSION and the whole list, so that the client can ask again.
 * - From v3 the client names its software; a name or version that is not of Kafka's form is refused with INVALID_REQUEST.
 * - Features are the finalized ones of the metadata image; their level is also the highest that is supported.
 * Source: KIP-35, KIP-511, KIP-584.
 */
import { advertisedVersions, ApiVersions, type ApiVersionsRequest, type ApiVersionsResponse, errorCode } from "../../protocol/mod.ts";
import type { MetadataImage } from "../../state/metadata/image.ts";
import { type AnyHandler, type Handler, handler } from "../handler.ts";

/** Letters and digits, with dots and hyphens between them (KIP-511). */
const SOFTWARE = /^[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?$/;
/** First version that names the client's software. */
const SOFTWARE_SINCE = 3;

/** @param handlers the table that this handler is part of. */
export function apiVersions(handlers: () => readonly AnyHandler[]): Handler<ApiVersionsRequest, ApiVersionsResponse> {
  let cached: ApiVersionsResponse["apiKeys"] | null = null;
  const served = () =>
    cached ??= handlers().map(({ api }) => ({ apiKey: api.key, ...advertisedVersions(api) })).sort((a, b) => a.apiKey - b.apiKey);

  return handler({
    api: ApiVersions,

    handle({ clientSoftwareName, clientSoftwareVersion }, { apiVersion, connection, services }) {
      if (apiVersion >= SOFTWARE_SINCE) {
        if (!SOFTWARE.test(clientSoftwareName) || !SOFTWARE.test(clientSoftwareVersion)) {
          return { errorCode: errorCode("INVALID_REQUEST"), apiKeys: [] };
        }
        connection.clientSoftwareName = clientSoftwareName;
        connection.clientSoftwareVersion = clientSoftwareVersion;
      }
      return { errorCode: errorCode("NONE"), apiKeys: served(), ...features(services.controller.image) };
    },

    unsupportedVersion: () => ({ errorCode: errorCode("UNSUPPORTED_VERSION"), apiKeys: served() }),

    refuse: (_request, error) => ({ errorCode: errorCode(error), apiKeys: [] }),
  });
}

function features(image: MetadataImage) {
  const supportedFeatures = [];
  const finalizedFeatures = [];
  for (const [name, level] of image.features) {
    if (level < 1) continue; // Level 0 is "off", which is said by leaving the feature out.
    supportedFeatures.push({ name, minVersion: 1, maxVersion: level });
    finalizedFeatures.push({ name, maxVersionLevel: level, minVersionLevel: level });
  }
  return { supportedFeatures, finalizedFeatures, finalizedFeaturesEpoch: image.index };
}
