/**
 * Says that a member of a classic group is alive; hears of rebalances.
 * Source: KIP-345 (static members).
 */
import { api, type Draft, type Infer, int16, int32, message, nullable, since, string } from "../schema/mod.ts";

export const HeartbeatRequest = message({
  name: "HeartbeatRequest",
  apiKey: 12,
  versions: [0, 4],
  flexible: 4,
  fields: {
    groupId: string,
    generationId: int32,
    memberId: string,
    groupInstanceId: since(3, nullable(string), null),
  },
});
export type HeartbeatRequest = Infer<typeof HeartbeatRequest>;

export const HeartbeatResponse = message({
  name: "HeartbeatResponse",
  apiKey: 12,
  versions: [0, 4],
  flexible: 4,
  fields: {
    throttleTimeMs: since(1, int32, 0),
    errorCode: int16,
  },
});
export type HeartbeatResponse = Draft<typeof HeartbeatResponse>;

export const Heartbeat = api("Heartbeat", HeartbeatRequest, HeartbeatResponse);
