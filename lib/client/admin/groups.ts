/** Groups: list, describe, delete, members out. Each group is its coordinator's; the list is put together from all brokers. */
import { DecodeError, DeleteGroups, DescribeGroups, type Infer, LeaveGroup, ListGroups } from "../../protocol/mod.ts";
import { decodeAssignment, PROTOCOL_TYPE } from "../consumer/member_data.ts";
import { listOf } from "../consumer/partitions.ts";
import { expectNoError, failureOf } from "../errors.ts";
import { atCoordinator } from "../routes.ts";
import type { GroupDescription, GroupListing, Outcome, TopicPartition } from "../types.ts";
import { atCoordinators } from "./at_coordinators.ts";
import type { AdminContext } from "./context.ts";
import { byName, failedWith, noAnswer, outcomeOf } from "./outcomes.ts";

const STATES_SINCE = 4;
const TYPES_SINCE = 5;
const SEVERAL_MEMBERS_SINCE = 3;

export async function listGroups(
  admin: AdminContext,
  states: readonly string[],
  types: readonly string[],
): Promise<readonly GroupListing[]> {
  const { cluster } = admin;
  const deadline = admin.deadline("list groups");
  const minVersion = types.length > 0 ? TYPES_SINCE : states.length > 0 ? STATES_SINCE : 0;
  const nodes = await cluster.retry(deadline, () => cluster.nodes(deadline));
  const lists = await Promise.all(nodes.map(({ id }) =>
    cluster.retry(deadline, async () => {
      const reply = await cluster.call(id, ListGroups, { statesFilter: states, typesFilter: types }, { deadline, minVersion });
      expectNoError(reply.errorCode, `list the groups of node ${id}`);
      return reply.groups.map(({ groupId, protocolType, groupState, groupType }) => ({
        groupId,
        protocolType,
        state: groupState,
        type: groupType,
      }));
    })
  ));
  // While a group moves, two brokers may tell of it.
  const groups = new Map(lists.flat().map((group) => [group.groupId, group]));
  return [...groups.values()].sort((a, b) => a.groupId < b.groupId ? -1 : 1);
}

export async function describeGroups(admin: AdminContext, ids: readonly string[]): Promise<ReadonlyMap<string, Outcome<GroupDescription>>> {
  const { cluster } = admin;
  const deadline = admin.deadline("describe groups");
  const outcomes = await atCoordinators<GroupDescription>(cluster, deadline, ids, async (node, asked) => {
    const { groups } = await cluster.call(node, DescribeGroups, { groups: asked }, { deadline });
    return asked.map((id) => {
      const row = groups.find(({ groupId }) => groupId === id);
      const action = `describe group "${id}"`;
      if (row === undefined) return noAnswer(action);
      // Up to v5 a group that is not there is a dead one, without an error.
      if (row.errorCode === 0 && row.groupState === "Dead") return failedWith(failureOf("GROUP_ID_NOT_FOUND", action));
      return outcomeOf(row.errorCode, action, row.errorMessage, () => descriptionOf(row, node));
    });
  });
  return byName(ids, outcomes);
}

export async function deleteGroups(admin: AdminContext, ids: readonly string[]): Promise<ReadonlyMap<string, Outcome<void>>> {
  const { cluster } = admin;
  const deadline = admin.deadline("delete groups");
  const outcomes = await atCoordinators<void>(cluster, deadline, ids, async (node, asked) => {
    const { results } = await cluster.call(node, DeleteGroups, { groupsNames: asked }, { deadline });
    return asked.map((id): Outcome<void> => {
      const row = results.find(({ groupId }) => groupId === id);
      const action = `delete group "${id}"`;
      return row === undefined ? noAnswer(action) : outcomeOf(row.errorCode, action, null, () => undefined);
    });
  });
  return byName(ids, outcomes);
}

export async function removeGroupMembers(
  admin: AdminContext,
  group: string,
  members: readonly { readonly memberId?: string; readonly groupInstanceId?: string }[],
): Promise<readonly Outcome<void>[]> {
  if (members.length === 0) return [];
  const { cluster } = admin;
  const deadline = admin.deadline("remove group members");
  const rows = await atCoordinator(cluster, "group", group, deadline, async (node) => {
    const reply = await cluster.call(node, LeaveGroup, {
      groupId: group,
      members: members.map(({ memberId = "", groupInstanceId = null }) => ({
        memberId,
        groupInstanceId,
        reason: "removed by an administrator",
      })),
    }, { deadline, minVersion: SEVERAL_MEMBERS_SINCE });
    expectNoError(reply.errorCode, `remove members of group "${group}"`);
    return reply.members;
  });
  // The broker answers in the order in which it was asked; names would not do, an instance is answered with its member id.
  return members.map(({ memberId, groupInstanceId }, i): Outcome<void> => {
    const action = `remove member "${groupInstanceId ?? memberId}" of group "${group}"`;
    const row = rows[i];
    return row === undefined ? noAnswer(action) : outcomeOf(row.errorCode, action, null, () => undefined);
  });
}

type GroupRow = Infer<typeof DescribeGroups.response>["groups"][number];

function descriptionOf(row: GroupRow, coordinator: number): GroupDescription {
  return {
    groupId: row.groupId,
    state: row.groupState,
    protocolType: row.protocolType,
    protocol: row.protocolData,
    coordinator,
    members: row.members.map(({ memberId, groupInstanceId, clientId, clientHost, memberAssignment }) => ({
      memberId,
      groupInstanceId,
      clientId,
      clientHost,
      assignment: row.protocolType === PROTOCOL_TYPE ? assignmentOf(memberAssignment) : [],
    })),
  };
}

/** What a member wrote is opaque to brokers, so anything can be in there: a member that we cannot read is shown without partitions. */
function assignmentOf(bytes: Uint8Array): readonly TopicPartition[] {
  try {
    return listOf(decodeAssignment(bytes));
  } catch (error) {
    if (error instanceof DecodeError) return [];
    throw error;
  }
}
