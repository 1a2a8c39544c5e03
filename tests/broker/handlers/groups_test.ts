import { expect, test } from "bun:test";
import { HANDLERS } from "../../../lib/broker/handlers/mod.ts";
import { deleteGroups } from "../../../lib/broker/handlers/delete_groups.ts";
import { describeGroups } from "../../../lib/broker/handlers/describe_groups.ts";
import { findCoordinator } from "../../../lib/broker/handlers/find_coordinator.ts";
import { heartbeat } from "../../../lib/broker/handlers/heartbeat.ts";
import { joinGroup } from "../../../lib/broker/handlers/join_group.ts";
import { leaveGroup } from "../../../lib/broker/handlers/leave_group.ts";
import { listGroups } from "../../../lib/broker/handlers/list_groups.ts";
import { offsetCommit } from "../../../lib/broker/handlers/offset_commit.ts";
import { offsetDelete } from "../../../lib/broker/handlers/offset_delete.ts";
import { offsetFetch } from "../../../lib/broker/handlers/offset_fetch.ts";
import { syncGroup } from "../../../lib/broker/handlers/sync_group.ts";
import { errorCode, type KafkaErrorName, ZERO_UUID } from "../../../lib/protocol/mod.ts";
import { TestNode } from "../../coordinator/setup.ts";
import { subscription } from "../../state/groups/scenario.ts";
import { GroupClient, ORDERS, versionsOf } from "./groups_setup.ts";

const code = (name: KafkaErrorName) => errorCode(name);
const ASSIGNMENT = new Uint8Array([7]);

const join = (more: object = {}) => ({
  groupId: "g",
  sessionTimeoutMs: 10_000,
  rebalanceTimeoutMs: 20_000,
  memberId: "",
  protocolType: "consumer",
  protocols: [{ name: "range", metadata: subscription(["orders"]) }],
  ...more,
});

/** A group of one, stable. */
async function stable(client: GroupClient, groupId = "g"): Promise<{ memberId: string; generationId: number }> {
  const { memberId, generationId } = await client.ask(joinGroup, 3, join({ groupId }));
  const assignments = [{ memberId, assignment: ASSIGNMENT }];
  await client.ask(syncGroup, 3, { groupId, generationId, memberId, groupInstanceId: null, assignments });
  return { memberId, generationId: generationId ?? -1 };
}

const commit = (offset: number, more: object = {}) => ({
  groupId: "g",
  generationIdOrMemberEpoch: -1,
  memberId: "",
  topics: [{
    name: "orders",
    topicId: ORDERS.topicId,
    partitions: [{ partitionIndex: 0, committedOffset: offset, committedLeaderEpoch: 4, committedMetadata: "note" }],
  }],
  ...more,
});

test("the eleven group APIs are served at the versions of Apache Kafka 4.3.1", () => {
  const served = new Map(HANDLERS.map(({ api }) => [api.name, [api.minVersion, api.maxVersion]]));
  const expected: Record<string, [number, number]> = {
    OffsetCommit: [2, 10],
    OffsetFetch: [1, 10],
    FindCoordinator: [0, 6],
    JoinGroup: [0, 9],
    Heartbeat: [0, 4],
    LeaveGroup: [0, 5],
    SyncGroup: [0, 5],
    DescribeGroups: [0, 6],
    ListGroups: [0, 5],
    DeleteGroups: [0, 2],
    OffsetDelete: [0, 0],
  };
  for (const [name, range] of Object.entries(expected)) expect([name, served.get(name)]).toEqual([name, range]);
});

test.each(versionsOf(joinGroup))("JoinGroup v%i takes a new member in, from v4 on with its id first", async (version) => {
  const client = new GroupClient();
  const first = await client.ask(joinGroup, version, join());
  if (version < 4) {
    expect(first).toMatchObject({ errorCode: 0, generationId: 1, protocolName: "range", leader: first.memberId });
    expect(first.members).toMatchObject([{ memberId: first.memberId, metadata: subscription(["orders"]) }]);
  } else {
    expect(first).toMatchObject({ errorCode: code("MEMBER_ID_REQUIRED"), generationId: -1, members: [] });
    const second = await client.ask(joinGroup, version, join({ memberId: first.memberId }));
    expect(second).toMatchObject({ errorCode: 0, generationId: 1, leader: first.memberId, memberId: first.memberId });
    expect(second.protocolType).toBe(version >= 7 ? "consumer" : null);
  }
  expect(first.memberId).toStartWith("me-");
});

test.each(versionsOf(joinGroup))("JoinGroup v%i refuses in a form that the version has", async (version) => {
  const client = new GroupClient();
  const refused = await client.ask(joinGroup, version, join({ sessionTimeoutMs: 1 }));
  expect(refused).toMatchObject({ errorCode: code("INVALID_SESSION_TIMEOUT"), leader: "", memberId: "", members: [] });
  expect(refused.protocolName).toBe(version >= 7 ? null : "");
  expect(client.refuse(joinGroup, version, join()).errorCode).toBe(code("NOT_COORDINATOR"));
});

test("JoinGroup v0 waits for the session timeout, later ones for the rebalance timeout", () => {
  const request = { ...join(), groupInstanceId: null, reason: null };
  expect(joinGroup.budgetMs!({ ...request, rebalanceTimeoutMs: -1, sessionTimeoutMs: 300_000 })).toBe(310_000);
  expect(joinGroup.budgetMs!({ ...request, rebalanceTimeoutMs: 90_000 })).toBe(100_000);
  expect(joinGroup.budgetMs!({ ...request, rebalanceTimeoutMs: 5_000 })).toBe(30_000);
});

test.each(versionsOf(syncGroup))("SyncGroup v%i gives the leader's assignment to its members", async (version) => {
  const client = new GroupClient();
  const { memberId, generationId } = await client.ask(joinGroup, 3, join());
  const request = { groupId: "g", generationId, memberId, groupInstanceId: null, protocolType: "consumer", protocolName: "range" };
  const reply = await client.ask(syncGroup, version, { ...request, assignments: [{ memberId, assignment: ASSIGNMENT }] });
  expect(reply).toMatchObject({ errorCode: 0, assignment: ASSIGNMENT, protocolName: version >= 5 ? "range" : null });
  if (version >= 5) {
    const unnamed = await client.ask(syncGroup, version, { ...request, protocolName: null, assignments: [] });
    expect(unnamed.errorCode).toBe(code("INCONSISTENT_GROUP_PROTOCOL"));
  }
  expect(client.refuse(syncGroup, version, { ...request, assignments: [] }).errorCode).toBe(code("NOT_COORDINATOR"));
});

test.each(versionsOf(heartbeat))("Heartbeat v%i tells a member whether all is well", async (version) => {
  const client = new GroupClient();
  const { memberId, generationId } = await stable(client);
  const request = { groupId: "g", generationId, memberId, groupInstanceId: null };
  expect(await client.ask(heartbeat, version, request)).toEqual({ throttleTimeMs: 0, errorCode: 0 });
  expect((await client.ask(heartbeat, version, { ...request, generationId: 9 })).errorCode).toBe(code("ILLEGAL_GENERATION"));
  expect((await client.ask(heartbeat, version, { ...request, groupId: "nobody" })).errorCode).toBe(code("UNKNOWN_MEMBER_ID"));
  expect((await client.ask(heartbeat, version, { ...request, groupId: "" })).errorCode).toBe(code("INVALID_GROUP_ID"));
});

test.each(versionsOf(leaveGroup))("LeaveGroup v%i lets members go, with an error for each from v3 on", async (version) => {
  const client = new GroupClient();
  const { memberId } = await stable(client);
  const one = (id: string) => ({ memberId: id, groupInstanceId: null, reason: "closed" });
  const request = version < 3 ? { groupId: "g", memberId } : { groupId: "g", members: [one(memberId), one("stranger")] };
  const left = await client.ask(leaveGroup, version, request);
  expect(left.errorCode).toBe(0);
  expect((left.members ?? []).map((member) => member.errorCode)).toEqual(version < 3 ? [] : [0, code("UNKNOWN_MEMBER_ID")]);
  const again = await client.ask(leaveGroup, version, request);
  expect(version < 3 ? again.errorCode : again.members![0]!.errorCode).toBe(code("UNKNOWN_MEMBER_ID"));
});

test.each(versionsOf(offsetCommit))("OffsetCommit v%i stores offsets of topics that exist", async (version) => {
  const client = new GroupClient();
  const byId = version >= 10;
  const topic = { ...commit(5).topics[0]!, name: byId ? "" : "orders" };
  const partitions = [...topic.partitions, { ...topic.partitions[0]!, partitionIndex: 3 }];
  const unknown = { ...topic, name: byId ? "" : "nothing", topicId: "AAAAAAAAAAAAAAAAAAAAAQ" };
  const reply = await client.ask(offsetCommit, version, commit(5, { topics: [unknown, { ...topic, partitions }] }));
  expect(reply.topics.map((each) => each.partitions.map((row) => row.errorCode))).toEqual([
    [code(byId ? "UNKNOWN_TOPIC_ID" : "UNKNOWN_TOPIC_OR_PARTITION")],
    [0, code("UNKNOWN_TOPIC_OR_PARTITION")],
  ]);
  expect(reply.topics[1]!.topicId).toBe(byId ? ORDERS.topicId : ZERO_UUID);
  const fetched = await client.ask(offsetFetch, 8, {
    groups: [{ groupId: "g", topics: [{ name: "orders", partitionIndexes: [0] }] }],
  });
  expect(fetched.groups![0]!.topics[0]!.partitions[0]).toEqual({
    partitionIndex: 0,
    committedOffset: 5,
    committedLeaderEpoch: version >= 6 ? 4 : -1,
    metadata: "note",
    errorCode: 0,
  });
});

test.each(versionsOf(offsetCommit))("OffsetCommit v%i puts an error of the group into every row", async (version) => {
  const client = new GroupClient();
  const topics = [{ ...commit(5).topics[0]!, name: version >= 10 ? "" : "orders" }];
  const gone = await client.ask(offsetCommit, version, commit(5, { generationIdOrMemberEpoch: 3, memberId: "m", topics }));
  const error = code(version >= 9 ? "GROUP_ID_NOT_FOUND" : "ILLEGAL_GENERATION");
  expect(gone.topics.map((topic) => topic.partitions)).toEqual([[{ partitionIndex: 0, errorCode: error }]]);
  expect(client.refuse(offsetCommit, version, commit(5, { topics })).topics[0]!.partitions[0]!.errorCode).toBe(code("NOT_COORDINATOR"));
});

test.each(versionsOf(offsetFetch))("OffsetFetch v%i tells what is committed and -1 for what is not", async (version) => {
  const client = new GroupClient();
  await client.ask(offsetCommit, 9, commit(5));
  const topic = { name: version >= 10 ? "" : "orders", topicId: ORDERS.topicId, partitionIndexes: [0, 2] };
  const none = { committedOffset: -1, committedLeaderEpoch: -1, metadata: "", errorCode: 0 };
  const found = { committedOffset: 5, committedLeaderEpoch: version >= 5 ? 4 : -1, metadata: "note", errorCode: 0 };
  const rows = [{ partitionIndex: 0, ...found }, { partitionIndex: 2, ...none }];

  if (version < 8) {
    const reply = await client.ask(offsetFetch, version, { groupId: "g", topics: [topic], requireStable: version >= 7 });
    expect(reply).toMatchObject({ errorCode: 0, topics: [{ name: "orders", partitions: rows }] });
    const nobody = await client.ask(offsetFetch, version, { groupId: "nobody", topics: [topic] });
    expect(nobody.topics![0]!.partitions.map((row) => row.committedOffset)).toEqual([-1, -1]);
    if (version < 2) return;
    const all = await client.ask(offsetFetch, version, { groupId: "g", topics: null });
    expect(all.topics).toMatchObject([{ name: "orders", partitions: [rows[0]] }]);
    return;
  }
  const unknown = { name: "", topicId: "AAAAAAAAAAAAAAAAAAAAAQ", partitionIndexes: [1] };
  const reply = await client.ask(offsetFetch, version, {
    groups: [{ groupId: "g", topics: version >= 10 ? [unknown, topic] : [topic] }, { groupId: "g", topics: null }, {
      groupId: "nobody",
      topics: null,
    }],
    requireStable: true,
  });
  const [asked, all, nobody] = reply.groups!;
  expect(asked!.topics.at(-1)!.partitions).toEqual(rows);
  if (version >= 10) {
    expect(asked!.topics[0]!.partitions).toEqual([{ partitionIndex: 1, ...none, errorCode: code("UNKNOWN_TOPIC_ID") }]);
    expect(asked!.topics.map(({ topicId }) => topicId)).toEqual([unknown.topicId as typeof ZERO_UUID, ORDERS.topicId]);
  }
  expect(all!.topics).toMatchObject([{ name: version >= 10 ? "" : "orders", partitions: [rows[0]] }]);
  expect(nobody).toMatchObject({ errorCode: 0, topics: [] });
});

test("OffsetFetch puts an error of the group where the version has a place for it", async () => {
  const client = new GroupClient(new TestNode([ORDERS]));
  const error = code("NOT_COORDINATOR");
  const one = { groupId: "g", topics: [{ name: "orders", partitionIndexes: [0] }] };
  const v1 = await client.ask(offsetFetch, 1, one);
  expect(v1.topics![0]!.partitions[0]).toMatchObject({ errorCode: error, committedOffset: -1 });
  expect(await client.ask(offsetFetch, 7, one)).toMatchObject({ errorCode: error, topics: [] });
  expect((await client.ask(offsetFetch, 9, { groups: [one] })).groups).toMatchObject([{ errorCode: error, topics: [] }]);
  for (const version of versionsOf(offsetFetch)) {
    client.refuse(offsetFetch, version, version < 8 ? one : { groups: [{ ...one, topics: null }] });
  }
});

test.each(versionsOf(findCoordinator))(
  "FindCoordinator v%i makes the offsets topic and names the address of the listener",
  async (version) => {
    const client = new GroupClient(new TestNode([ORDERS]));
    const request = version < 4 ? { key: "g" } : { keyType: 0, coordinatorKeys: ["g", "h"] };
    const reply = await client.ask(findCoordinator, version, request);
    const at = { nodeId: 1, host: "broker.test", port: 9092, errorCode: 0 };
    if (version < 4) expect(reply).toMatchObject(at);
    else expect(reply.coordinators).toMatchObject([{ key: "g", ...at }, { key: "h", ...at }]);
    expect(client.node.creations).toBe(1);
    const elsewhere = await client.ask(findCoordinator, version, request, "INSIDE");
    expect((version < 4 ? elsewhere : elsewhere.coordinators![0]!).errorCode).toBe(code("COORDINATOR_NOT_AVAILABLE"));
    expect((version < 4 ? elsewhere : elsewhere.coordinators![0]!).port).toBe(-1);
  },
);

test("FindCoordinator refuses transactions and share groups, which are not served", async () => {
  const client = new GroupClient();
  const transaction = await client.ask(findCoordinator, 4, { keyType: 1, coordinatorKeys: ["t"] });
  expect(transaction.coordinators).toMatchObject([{ key: "t", nodeId: -1, errorCode: code("INVALID_REQUEST") }]);
  const share = await client.ask(findCoordinator, 6, { keyType: 2, coordinatorKeys: ["g:AAAAAAAAAAAAAAAAAAAAAQ:0"] });
  expect(share.coordinators![0]!.errorCode).toBe(code("INVALID_REQUEST"));
});

test.each(versionsOf(listGroups))("ListGroups v%i lists groups, by state from v4 and by type from v5", async (version) => {
  const client = new GroupClient();
  await stable(client);
  await client.ask(offsetCommit, 9, commit(1, { groupId: "h" }));
  const names = async (filter: object) => (await client.ask(listGroups, version, filter)).groups.map(({ groupId }) => groupId).sort();
  expect(await names({})).toEqual(["g", "h"]);
  if (version >= 4) {
    expect(await names({ statesFilter: ["stable"] })).toEqual(["g"]);
    expect(await names({ statesFilter: ["Empty", "Stable"] })).toEqual(["g", "h"]);
    expect(await names({ statesFilter: ["nonsense"] })).toEqual([]);
    expect((await client.ask(listGroups, version, {})).groups.map(({ groupState }) => groupState).sort()).toEqual(["Empty", "Stable"]);
  }
  if (version >= 5) {
    expect(await names({ typesFilter: ["Classic"] })).toEqual(["g", "h"]);
    expect(await names({ typesFilter: ["consumer"] })).toEqual([]);
    expect((await client.ask(listGroups, version, {})).groups[0]!.groupType).toBe("classic");
  }
});

test.each(versionsOf(describeGroups))("DescribeGroups v%i shows a group with its members, and what is not a group", async (version) => {
  const client = new GroupClient();
  const { memberId } = await stable(client);
  const { groups } = await client.ask(describeGroups, version, { groups: ["g", "nobody"], includeAuthorizedOperations: version >= 3 });
  expect(groups[0]).toMatchObject({
    errorCode: 0,
    groupId: "g",
    groupState: "Stable",
    protocolType: "consumer",
    protocolData: "range",
    members: [{
      memberId,
      groupInstanceId: null,
      clientId: "me",
      clientHost: "/127.0.0.1",
      memberMetadata: subscription(["orders"]),
      memberAssignment: ASSIGNMENT,
    }],
    authorizedOperations: version >= 3 ? 3400 : -2147483648,
  });
  expect(groups[1]).toMatchObject({ groupState: "Dead", members: [], errorCode: version >= 6 ? code("GROUP_ID_NOT_FOUND") : 0 });
  expect(groups[1]!.errorMessage).toBe(version >= 6 ? "Group nobody not found." : null);
});

test.each(versionsOf(deleteGroups))("DeleteGroups v%i forgets groups without members", async (version) => {
  const client = new GroupClient();
  await stable(client);
  await client.ask(offsetCommit, 9, commit(1, { groupId: "h" }));
  const { results } = await client.ask(deleteGroups, version, { groupsNames: ["g", "h", "nobody"] });
  expect(results).toEqual([
    { groupId: "g", errorCode: code("NON_EMPTY_GROUP") },
    { groupId: "h", errorCode: 0 },
    { groupId: "nobody", errorCode: code("GROUP_ID_NOT_FOUND") },
  ]);
});

test("OffsetDelete v0 forgets offsets that the group does not read", async () => {
  const client = new GroupClient();
  const { memberId, generationId } = await stable(client);
  await client.ask(offsetCommit, 9, commit(1, { memberId, generationIdOrMemberEpoch: generationId }));
  const topics = [{ name: "orders", partitions: [{ partitionIndex: 0 }, { partitionIndex: 9 }] }, {
    name: "nothing",
    partitions: [{ partitionIndex: 0 }],
  }];
  const reply = await client.ask(offsetDelete, 0, { groupId: "g", topics });
  expect(reply).toMatchObject({
    errorCode: 0,
    topics: [
      {
        name: "orders",
        partitions: [{ partitionIndex: 0, errorCode: code("GROUP_SUBSCRIBED_TO_TOPIC") }, {
          partitionIndex: 9,
          errorCode: code("UNKNOWN_TOPIC_OR_PARTITION"),
        }],
      },
      { name: "nothing", partitions: [{ partitionIndex: 0, errorCode: code("UNKNOWN_TOPIC_OR_PARTITION") }] },
    ],
  });
  await client.ask(leaveGroup, 1, { groupId: "g", memberId });
  const after = await client.ask(offsetDelete, 0, { groupId: "g", topics: [topics[0]!] });
  expect(after.topics[0]!.partitions[0]!.errorCode).toBe(0);
  expect((await client.ask(offsetDelete, 0, { groupId: "nobody", topics })).errorCode).toBe(code("GROUP_ID_NOT_FOUND"));
});
