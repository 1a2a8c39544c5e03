/**
 * Brings the leader's assignment to the coordinator, and each member its part.
 * Source: KIP-345 (static members), KIP-559 (protocol type and name).
 */
import { api, array, bytes, type Draft, type Infer, int16, int32, message, nullable, since, string } from "../schema/mod.ts";

export const SyncGroupRequest = message({
  name: "SyncGroupRequest",
  apiKey: 14,
  versions: [0, 5],
  flexible: 4,
  fields: {
    groupId: string,
    generationId: int32,
    memberId: string,
    groupInstanceId: since(3, nullable(string), null),
    protocolType: since(5, nullable(string), null),
    protocolName: since(5, nullable(string), null),
    /** Empty but from the leader. */
    assignments: array({ memberId: string, assignment: bytes }),
  },
});
export type SyncGroupRequest = Infer<typeof SyncGroupRequest>;

export const SyncGroupResponse = message({
  name: "SyncGroupResponse",
  apiKey: 14,
  versions: [0, 5],
  flexible: 4,
  fields: {
    throttleTimeMs: since(1, int32, 0),
    errorCode: int16,
    protocolType: since(5, nullable(string), null),
    protocolName: since(5, nullable(string), null),
    assignment: bytes,
  },
});
export type SyncGroupResponse = Draft<typeof SyncGroupResponse>;

export const SyncGroup = api("SyncGroup", SyncGroupRequest, SyncGroupResponse);
