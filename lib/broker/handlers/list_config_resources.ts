/**
 * ListConfigResources, versions 0-1: what has settings that can be described (KIP-1142).
 * - v0 is ListClientMetricsResources: client metrics only. No types asked in v1: all of them.
 * - Every topic and broker has settings; groups and client metrics are listed when something was set. Types that are not served
 *   are UNSUPPORTED_VERSION, as in Kafka.
 */
import { errorCode, ListConfigResources, type ListConfigResourcesRequest, type ListConfigResourcesResponse } from "../../protocol/mod.ts";
import type { ConfigResourceType, MetadataImage } from "../../state/mod.ts";
import { resourceCode, resourceType } from "../config_resources.ts";
import { handler } from "../handler.ts";

const SERVED: readonly ConfigResourceType[] = ["topic", "broker", "client-metrics", "group"];

export const listConfigResources = handler<ListConfigResourcesRequest, ListConfigResourcesResponse>({
  api: ListConfigResources,

  handle(request, { services, apiVersion }) {
    const codes = apiVersion === 0 ? [resourceCode("client-metrics")] : [...new Set(request.resourceTypes)];
    const asked = codes.length === 0 ? SERVED : codes.map(resourceType);
    const served = asked.filter((type) => type !== null);
    if (served.length < asked.length) return this.refuse(request, "UNSUPPORTED_VERSION", "Cannot list a resource type that is not served");
    return {
      errorCode: 0,
      configResources: served.flatMap((type) =>
        namesOf(type, services.controller.image).map((resourceName) => ({ resourceName, resourceType: resourceCode(type) }))
      ),
    };
  },

  refuse: (_request, error) => ({ errorCode: errorCode(error), configResources: [] }),
});

function namesOf(type: ConfigResourceType, image: MetadataImage): readonly string[] {
  if (type === "topic") return [...image.topics.keys()];
  if (type === "broker") return [...image.brokers.keys()].map(String);
  return image.configured(type);
}
