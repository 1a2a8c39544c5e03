/**
 * FindCoordinator, versions 0-6: which node answers for a group.
 * - v4+ ask for several keys. Makes `__consumer_offsets` when the first group appears, and waits for it.
 * - Addresses are those of the listener that the request came in by.
 * - Not served, and said so by INVALID_REQUEST: transactions (key type 1), share groups (2).
 */
import {
  errorCode,
  FindCoordinator,
  type FindCoordinatorRequest,
  type FindCoordinatorResponse,
  kafkaError,
  type KafkaErrorName,
} from "../../protocol/mod.ts";
import { endpointOf } from "../endpoints.ts";
import { handler, type RequestContext } from "../handler.ts";

const MANY_KEYS_SINCE = 4;
const GROUP = 0;

interface Found {
  readonly error: KafkaErrorName;
  readonly message: string;
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
}

export const findCoordinator = handler<FindCoordinatorRequest, FindCoordinatorResponse>({
  api: FindCoordinator,

  async handle(request, context) {
    if (context.apiVersion < MANY_KEYS_SINCE) return single(await find(request.key, request.keyType, context));
    const keys = request.coordinatorKeys;
    const found = await Promise.all(keys.map((key) => find(key, request.keyType, context)));
    return { coordinators: found.map((each, i) => row(keys[i]!, each)) };
  },

  refuse: (request, error, message) => {
    const found = notFound(error, message);
    return { ...single(found), coordinators: request.coordinatorKeys.map((key) => row(key, found)) };
  },
});

async function find(key: string, keyType: number, { services, deadline, connection }: RequestContext): Promise<Found> {
  if (keyType !== GROUP) {
    return notFound("INVALID_REQUEST", `Cannot find a coordinator of key type ${keyType}: this broker serves groups only`);
  }
  const { error, nodeId } = await services.groups.locate(key, deadline);
  if (nodeId === null) return notFound(error, kafkaError(error).text);
  const broker = services.controller.image.brokers.get(nodeId);
  const endpoint = broker === undefined ? null : endpointOf(broker, connection.listener);
  if (endpoint === null) {
    return notFound("COORDINATOR_NOT_AVAILABLE", `Node ${nodeId} coordinates the group and has no listener "${connection.listener}"`);
  }
  return { error: "NONE", message: "NONE", nodeId, host: endpoint.host, port: endpoint.port };
}

function notFound(error: KafkaErrorName, message: string): Found {
  return { error, message, nodeId: -1, host: "", port: -1 };
}

function single({ error, message, nodeId, host, port }: Found): FindCoordinatorResponse {
  return { errorCode: errorCode(error), errorMessage: message, nodeId, host, port };
}

function row(key: string, { error, message, nodeId, host, port }: Found) {
  return { key, nodeId, host, port, errorCode: errorCode(error), errorMessage: error === "NONE" ? "" : message };
}
