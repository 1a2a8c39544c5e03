/**
 * State and members of classic groups.
 * Source: KIP-345 (static members), KIP-430 (operations), KIP-1043 (GROUP_ID_NOT_FOUND with a message).
 */
import {
  api,
  array,
  bool,
  bytes,
  type Draft,
  explanation,
  type Infer,
  int16,
  int32,
  message,
  nullable,
  since,
  string,
} from "../schema/mod.ts";

export const DescribeGroupsRequest = message({
  name: "DescribeGroupsRequest",
  apiKey: 15,
  versions: [0, 6],
  flexible: 5,
  fields: {
    groups: array(string),
    includeAuthorizedOperations: since(3, bool, false),
  },
});
export type DescribeGroupsRequest = Infer<typeof DescribeGroupsRequest>;

export const DescribeGroupsResponse = message({
  name: "DescribeGroupsResponse",
  apiKey: 15,
  versions: [0, 6],
  flexible: 5,
  fields: {
    throttleTimeMs: since(1, int32, 0),
    groups: array({
      errorCode: int16,
      errorMessage: since(6, nullable(explanation), null),
      groupId: string,
      groupState: string,
      protocolType: string,
      protocolData: string,
      members: array({
        memberId: string,
        groupInstanceId: since(4, nullable(string), null),
        clientId: string,
        clientHost: string,
        memberMetadata: bytes,
        memberAssignment: bytes,
      }),
      authorizedOperations: since(3, int32, -2147483648),
    }),
  },
});
export type DescribeGroupsResponse = Draft<typeof DescribeGroupsResponse>;

export const DescribeGroups = api("DescribeGroups", DescribeGroupsRequest, DescribeGroupsResponse);
