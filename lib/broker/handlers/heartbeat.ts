/**
 * Heartbeat, versions 0-4: a member says that it is there, and learns whether it has to join again.
 * - REBALANCE_IN_PROGRESS while its group collects its members; fenced by member, instance (v3+) and generation.
 * - NONE while the coordinator is still reading its groups.
 */
import { errorCode, Heartbeat, type HeartbeatRequest, type HeartbeatResponse } from "../../protocol/mod.ts";
import { handler } from "../handler.ts";

export const heartbeat = handler<HeartbeatRequest, HeartbeatResponse>({
  api: Heartbeat,

  async handle({ groupId, memberId, groupInstanceId, generationId }, { services, deadline }) {
    const question = { groupId, memberId, instanceId: groupInstanceId, generation: generationId };
    const { error } = await services.groups.heartbeat(question, deadline);
    return { errorCode: errorCode(error) };
  },

  refuse: (_request, error) => ({ errorCode: errorCode(error) }),
});
