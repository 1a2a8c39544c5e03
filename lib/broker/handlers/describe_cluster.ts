/**
 * DescribeCluster, versions 0-2: cluster id, controller, brokers by the listener that the client came in by (KIP-700).
 * - Asking a broker for controller endpoints is MISMATCHED_ENDPOINT_TYPE (KIP-919): clients bootstrap at brokers here.
 * - Fenced brokers only when asked (KIP-1073).
 */
import { DescribeCluster, type DescribeClusterRequest, type DescribeClusterResponse, errorCode } from "../../protocol/mod.ts";
import { ALL_ON_CLUSTER, NOT_ASKED } from "../authorized_operations.ts";
import { reachableBrokers } from "../endpoints.ts";
import { handler } from "../handler.ts";

const BROKERS = 1;
const CONTROLLERS = 2;

export const describeCluster = handler<DescribeClusterRequest, DescribeClusterResponse>({
  api: DescribeCluster,

  handle(request, { services, connection }) {
    const { endpointType } = request;
    if (endpointType === CONTROLLERS) {
      return this.refuse(request, "MISMATCHED_ENDPOINT_TYPE", "Cannot list controllers here: this is a broker, ask for brokers");
    }
    if (endpointType !== BROKERS) {
      return this.refuse(request, "UNSUPPORTED_ENDPOINT_TYPE", `Cannot list endpoints of type ${endpointType}: known are 1 and 2`);
    }
    const { controller } = services;
    return {
      errorCode: 0,
      endpointType,
      clusterId: controller.image.clusterId,
      controllerId: controller.quorum().leader ?? -1,
      brokers: reachableBrokers(controller.image, connection.listener)
        .filter((broker) => request.includeFencedBrokers || !broker.fenced)
        .map(({ nodeId, fenced, ...where }) => ({ brokerId: nodeId, ...where, isFenced: fenced })),
      clusterAuthorizedOperations: request.includeClusterAuthorizedOperations ? ALL_ON_CLUSTER : NOT_ASKED,
    };
  },

  refuse: (_request, error, errorMessage) => ({
    errorCode: errorCode(error),
    errorMessage,
    clusterId: "",
    brokers: [],
  }),
});
