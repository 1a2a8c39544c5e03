/**
 * Enters a classic group and waits for the round of rebalancing to gather.
 * Source: KIP-62 (rebalance timeout), KIP-345 (static members), KIP-394 (member id first), KIP-559 (protocol type), KIP-800 (reason),
 * KIP-814 (skipped assignment).
 */
import {
  api,
  array,
  bool,
  bytes,
  type Draft,
  type Infer,
  int16,
  int32,
  message,
  nullable,
  optional,
  since,
  string,
} from "../schema/mod.ts";

export const JoinGroupRequest = message({
  name: "JoinGroupRequest",
  apiKey: 11,
  versions: [0, 9],
  flexible: 6,
  fields: {
    groupId: string,
    sessionTimeoutMs: int32,
    /** v0 has none: the session timeout counts. */
    rebalanceTimeoutMs: since(1, int32, -1),
    /** Empty in the first attempt. */
    memberId: string,
    groupInstanceId: since(5, nullable(string), null),
    protocolType: string,
    /** In the member's order of preference. */
    protocols: array({ name: string, metadata: bytes }),
    reason: since(8, nullable(string), null),
  },
});
export type JoinGroupRequest = Infer<typeof JoinGroupRequest>;

export const JoinGroupResponse = message({
  name: "JoinGroupResponse",
  apiKey: 11,
  versions: [0, 9],
  flexible: 6,
  fields: {
    throttleTimeMs: since(2, int32, 0),
    errorCode: int16,
    generationId: optional(int32, -1),
    protocolType: since(7, nullable(string), null),
    protocolName: nullable(string, 7),
    /** Member id of the leader, who makes the assignment. */
    leader: string,
    /** The leader is to keep the assignment as it is. */
    skipAssignment: since(9, bool, false),
    memberId: string,
    /** Empty but for the leader. */
    members: array({ memberId: string, groupInstanceId: since(5, nullable(string), null), metadata: bytes }),
  },
});
export type JoinGroupResponse = Draft<typeof JoinGroupResponse>;

export const JoinGroup = api("JoinGroup", JoinGroupRequest, JoinGroupResponse);
