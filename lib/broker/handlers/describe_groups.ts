/**
 * DescribeGroups, versions 0-6: state, protocol and members of groups.
 * - A group that does not exist is `Dead` without members; from v6 (KIP-1043) it is GROUP_ID_NOT_FOUND as well.
 * - Members' metadata and the protocol are only there while the group is stable.
 * - Without an authorizer everybody may do everything (v3+).
 */
import {
  DescribeGroups,
  type DescribeGroupsRequest,
  type DescribeGroupsResponse,
  errorCode,
  type KafkaErrorName,
} from "../../protocol/mod.ts";
import { ALL_ON_GROUP } from "../authorized_operations.ts";
import { handler, type RequestContext } from "../handler.ts";

const NOT_FOUND_SINCE = 6;

type DescribedGroup = DescribeGroupsResponse["groups"][number];

export const describeGroups = handler<DescribeGroupsRequest, DescribeGroupsResponse>({
  api: DescribeGroups,

  handle(request, context) {
    return {
      groups: request.groups.map((groupId) => {
        const row = describe(groupId, context);
        if (!request.includeAuthorizedOperations || row.errorCode !== 0) return row;
        return { ...row, authorizedOperations: ALL_ON_GROUP };
      }),
    };
  },

  refuse: (request, error, message) => ({ groups: request.groups.map((groupId) => errorRow(groupId, error, message, "")) }),
});

function describe(groupId: string, { services, apiVersion }: RequestContext): DescribedGroup {
  const { error, group } = services.groups.describe(groupId);
  if (error !== "NONE") return errorRow(groupId, error, null, "");
  if (group === null) {
    return errorRow(groupId, apiVersion >= NOT_FOUND_SINCE ? "GROUP_ID_NOT_FOUND" : "NONE", `Group ${groupId} not found.`, "Dead");
  }
  return {
    errorCode: 0,
    groupId,
    groupState: group.state,
    protocolType: group.protocolType,
    protocolData: group.protocolName,
    members: group.members.map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.instanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      memberMetadata: member.metadata,
      memberAssignment: member.assignment,
    })),
  };
}

function errorRow(groupId: string, error: KafkaErrorName, errorMessage: string | null, groupState: string): DescribedGroup {
  return { errorCode: errorCode(error), errorMessage, groupId, groupState, protocolType: "", protocolData: "", members: [] };
}
