/**
 * LeaveGroup, versions 0-5: members go, and their group goes on without them.
 * - v0-2 name one member, and the answer is one error. v3+ name several, by member id or, from outside, by instance id (KIP-345).
 * - The reason (v5) changes nothing.
 */
import { errorCode, LeaveGroup, type LeaveGroupRequest, type LeaveGroupResponse } from "../../protocol/mod.ts";
import { handler } from "../handler.ts";

const BATCHED_SINCE = 3;

export const leaveGroup = handler<LeaveGroupRequest, LeaveGroupResponse>({
  api: LeaveGroup,

  async handle(request, { services, deadline, apiVersion }) {
    const members = apiVersion < BATCHED_SINCE
      ? [{ memberId: request.memberId, instanceId: null }]
      : request.members.map(({ memberId, groupInstanceId }) => ({ memberId, instanceId: groupInstanceId }));
    const reply = await services.groups.leave({ groupId: request.groupId, members }, deadline);
    if (apiVersion < BATCHED_SINCE) {
      return { errorCode: errorCode(reply.error === "NONE" ? reply.members[0]?.error ?? "NONE" : reply.error) };
    }
    return {
      errorCode: errorCode(reply.error),
      members: reply.members.map(({ memberId, instanceId, error }) => ({
        memberId,
        groupInstanceId: instanceId,
        errorCode: errorCode(error),
      })),
    };
  },

  refuse: (_request, error) => ({ errorCode: errorCode(error) }),
});
