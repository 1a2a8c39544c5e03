/**
 * JoinGroup, versions 0-9: a member comes into its group and waits for the rebalance to end.
 * - v4+: a new dynamic member is sent back with its id first (KIP-394). v5+: static members (KIP-345). v9: KIP-814.
 * - v0 has no rebalance timeout: the session timeout counts.
 * - The leader is told who takes part; the others get an empty list.
 */
import type { JoinReply } from "../../state/groups/mod.ts";
import { errorCode, JoinGroup, type JoinGroupRequest, type JoinGroupResponse, type KafkaErrorName } from "../../protocol/mod.ts";
import { handler } from "../handler.ts";

const KNOWN_MEMBER_ID_SINCE = 4;
const NULLABLE_PROTOCOL_SINCE = 7;
const SKIP_ASSIGNMENT_SINCE = 9;
/** Clients wait for the rebalance timeout and a little longer. */
const GRACE_MS = 10_000;
const BUDGET_MS_MIN = 30_000;

export const joinGroup = handler<JoinGroupRequest, JoinGroupResponse>({
  api: JoinGroup,

  budgetMs: (request) => Math.max(BUDGET_MS_MIN, rebalanceTimeoutMs(request) + GRACE_MS),

  async handle(request, { services, deadline, apiVersion, clientId, connection }) {
    const reply = await services.groups.join({
      groupId: request.groupId,
      memberId: request.memberId,
      instanceId: request.groupInstanceId,
      clientId: clientId ?? "",
      clientHost: `/${connection.remote.host}`,
      sessionTimeoutMs: request.sessionTimeoutMs,
      rebalanceTimeoutMs: rebalanceTimeoutMs(request),
      protocolType: request.protocolType,
      protocols: request.protocols,
      requireKnownMemberId: apiVersion >= KNOWN_MEMBER_ID_SINCE,
      canSkipAssignment: apiVersion >= SKIP_ASSIGNMENT_SINCE,
    }, deadline);
    return response(reply, apiVersion);
  },

  // Written so that every version can carry it.
  refuse: (request, error) => refusal(request.memberId, error),
});

function rebalanceTimeoutMs(request: JoinGroupRequest): number {
  return request.rebalanceTimeoutMs === -1 ? request.sessionTimeoutMs : request.rebalanceTimeoutMs;
}

function response(reply: JoinReply, apiVersion: number): JoinGroupResponse {
  return {
    errorCode: errorCode(reply.error),
    generationId: reply.generation,
    protocolType: reply.protocolType,
    protocolName: reply.protocolName ?? (apiVersion < NULLABLE_PROTOCOL_SINCE ? "" : null),
    leader: reply.leader,
    skipAssignment: reply.skipAssignment,
    memberId: reply.memberId,
    members: reply.members.map(({ memberId, instanceId, metadata }) => ({ memberId, groupInstanceId: instanceId, metadata })),
  };
}

function refusal(memberId: string, error: KafkaErrorName): JoinGroupResponse {
  return { errorCode: errorCode(error), protocolName: "", leader: "", memberId, members: [] };
}
