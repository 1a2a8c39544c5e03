/**
 * SyncGroup, versions 0-5: the leader brings the assignment, everybody takes theirs once it is durable.
 * - v3+: static members. v5: names protocol type and protocol, and is refused when they are missing or differ (KIP-559).
 */
import { errorCode, SyncGroup, type SyncGroupRequest, type SyncGroupResponse } from "../../protocol/mod.ts";
import { handler } from "../handler.ts";

const PROTOCOL_MANDATORY_SINCE = 5;
/** The leader may take long to assign; a group's own sync timeout ends the wait before, as a rule. */
const BUDGET_MS = 300_000;
const NO_BYTES = new Uint8Array(0);

export const syncGroup = handler<SyncGroupRequest, SyncGroupResponse>({
  api: SyncGroup,

  budgetMs: () => BUDGET_MS,

  async handle(request, { services, deadline, apiVersion }) {
    if (apiVersion >= PROTOCOL_MANDATORY_SINCE && (request.protocolType === null || request.protocolName === null)) {
      return { errorCode: errorCode("INCONSISTENT_GROUP_PROTOCOL"), assignment: NO_BYTES };
    }
    const { error, protocolType, protocolName, assignment } = await services.groups.sync({
      groupId: request.groupId,
      memberId: request.memberId,
      instanceId: request.groupInstanceId,
      generation: request.generationId,
      protocolType: request.protocolType,
      protocolName: request.protocolName,
      assignments: request.assignments,
    }, deadline);
    return { errorCode: errorCode(error), protocolType, protocolName, assignment };
  },

  refuse: (_request, error) => ({ errorCode: errorCode(error), assignment: NO_BYTES }),
});
