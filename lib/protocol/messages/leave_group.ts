/**
 * Takes members out of a classic group: the caller itself (up to v2) or a list (from v3).
 * Source: KIP-345 (static members), KIP-800 (reason).
 */
import { api, array, type Draft, type Infer, int16, int32, message, nullable, optional, since, string, until } from "../schema/mod.ts";

export const LeaveGroupRequest = message({
  name: "LeaveGroupRequest",
  apiKey: 13,
  versions: [0, 5],
  flexible: 4,
  fields: {
    groupId: string,
    memberId: until(2, string, ""),
    members: since(
      3,
      array({
        memberId: string,
        groupInstanceId: optional(nullable(string), null),
        reason: since(5, nullable(string), null),
      }),
      [],
    ),
  },
});
export type LeaveGroupRequest = Infer<typeof LeaveGroupRequest>;

export const LeaveGroupResponse = message({
  name: "LeaveGroupResponse",
  apiKey: 13,
  versions: [0, 5],
  flexible: 4,
  fields: {
    throttleTimeMs: since(1, int32, 0),
    errorCode: int16,
    members: since(3, array({ memberId: string, groupInstanceId: nullable(string), errorCode: int16 }), []),
  },
});
export type LeaveGroupResponse = Draft<typeof LeaveGroupResponse>;

export const LeaveGroup = api("LeaveGroup", LeaveGroupRequest, LeaveGroupResponse);
