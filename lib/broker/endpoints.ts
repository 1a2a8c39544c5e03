/** Which brokers a client can reach: those with an endpoint of the listener that it came in by. Reads the image, keeps nothing. */
import type { BrokerImage, MetadataImage } from "../state/mod.ts";
import type { NodeEndpoint } from "./leader_hints.ts";

export interface ReachableBroker extends NodeEndpoint {
  readonly fenced: boolean;
}

/** In the order of their ids. */
export function reachableBrokers(image: MetadataImage, listener: string): ReachableBroker[] {
  const reachable: ReachableBroker[] = [];
  for (const broker of [...image.brokers.values()].sort((a, b) => a.id - b.id)) {
    const endpoint = endpointOf(broker, listener);
    if (endpoint === null) continue;
    reachable.push({ nodeId: broker.id, host: endpoint.host, port: endpoint.port, rack: broker.rack, fenced: broker.fenced });
  }
  return reachable;
}

export function endpointOf(broker: BrokerImage, listener: string): { readonly host: string; readonly port: number } | null {
  return broker.endpoints.find((endpoint) => endpoint.listener === listener) ?? null;
}
