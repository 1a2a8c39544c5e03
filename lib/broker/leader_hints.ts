/**
 * Who leads a partition and how to reach it, for replies that must send a client elsewhere (KIP-951). Read from the metadata
 * image at the moment of reply; empty when the image knows no leader.
 */
import type { Uuid } from "../protocol/ids.ts";
import { endpointOf } from "./endpoints.ts";
import type { Services } from "./services.ts";

export interface LeaderHint {
  readonly leaderId: number;
  readonly leaderEpoch: number;
}

export interface NodeEndpoint {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
}

export const NO_LEADER: LeaderHint = { leaderId: -1, leaderEpoch: -1 };

export function currentLeader(
  { controller }: Services,
  topic: { readonly name: string } | { readonly topicId: Uuid },
  partition: number,
): LeaderHint {
  const image = "name" in topic ? controller.image.topics.get(topic.name) : controller.image.topicById(topic.topicId);
  const at = image?.partitions[partition];
  return at === undefined ? NO_LEADER : { leaderId: at.leader, leaderEpoch: at.leaderEpoch };
}

/** @param listener only endpoints of the listener that the client came in by are of use to it. */
export function leaderEndpoints({ controller }: Services, leaders: ReadonlySet<number>, listener: string): NodeEndpoint[] {
  const endpoints: NodeEndpoint[] = [];
  for (const broker of controller.image.brokers.values()) {
    if (!leaders.has(broker.id)) continue;
    const endpoint = endpointOf(broker, listener);
    if (endpoint !== null) endpoints.push({ nodeId: broker.id, host: endpoint.host, port: endpoint.port, rack: broker.rack });
  }
  return endpoints;
}
