/** Groups: who is in them, what they read, how they end. */
import {
  DeleteGroups,
  DescribeGroups,
  FindCoordinator,
  Heartbeat,
  InitProducerId,
  JoinGroup,
  LeaveGroup,
  ListGroups,
  OffsetCommit,
  OffsetDelete,
  OffsetFetch,
  SyncGroup,
} from "../../../../lib/protocol/mod.ts";
import { Peer, type Reply, until } from "../peer.ts";
import { FOREIGN_ID, made } from "./topics.ts";

/** Asks until the groups' own topic and producer ids are there. */
export async function coordinatorReady(bootstrap: string): Promise<void> {
  await until(bootstrap, "its coordinator answers", async (peer) => {
    const found: Reply = await peer.ask("", FindCoordinator, 2, { key: "ready", keyType: 0 });
    const listed: Reply = found?.errorCode === 0
      ? await peer.ask("", OffsetFetch, 7, { groupId: "ready", topics: null, requireStable: false })
      : null;
    // Kafka's first producer ids come from its controller, and the first to ask is told to ask again.
    const ids: Reply = await peer.ask("", InitProducerId, 4, { transactionalId: null, transactionTimeoutMs: 60_000 });
    return listed?.errorCode === 0 && ids?.errorCode === 0;
  });
}

/** A subscription that Kafka can read: with any other bytes its group never leaves the first rebalance. */
const subscription = Buffer.from("0000000000010004" + "6b657074" + "ffffffff", "hex");
const protocols = (...names: string[]) => names.map((name) => ({ name, metadata: subscription }));
const joining = (groupId: string, more: object = {}) => ({
  groupId,
  sessionTimeoutMs: 30_000,
  rebalanceTimeoutMs: 30_000,
  memberId: "",
  groupInstanceId: null,
  protocolType: "consumer",
  protocols: protocols("range"),
  reason: null,
  ...more,
});

/** Joins, by way of MEMBER_ID_REQUIRED where the version asks for it; answers with the member's id. */
async function joined(peer: Peer, groupId: string, version: number, more: object = {}): Promise<string> {
  let reply: Reply = await peer.ask(`join ${groupId}`, JoinGroup, version, joining(groupId, more));
  if (reply?.errorCode === 79) {
    reply = await peer.ask(`join ${groupId} again`, JoinGroup, version, joining(groupId, { ...more, memberId: reply.memberId }));
  }
  return String(reply?.memberId);
}

const syncing = (groupId: string, memberId: string, more: object = {}) => ({
  groupId,
  generationId: 1,
  memberId,
  groupInstanceId: null,
  protocolType: "consumer",
  protocolName: "range",
  assignments: [{ memberId, assignment: Buffer.from("assignment") }],
  ...more,
});

export async function members(peer: Peer): Promise<void> {
  for (let v = 0; v <= 9; v++) {
    const group = `alone-${v}`;
    const member = await joined(peer, group, v);
    const at = (max: number) => Math.min(v, max);
    const beat = (what: string, more: object) =>
      peer.ask(what, Heartbeat, at(4), { groupId: group, generationId: 1, memberId: member, ...more });
    await beat("heartbeat before sync", {});
    await peer.ask("sync, old generation", SyncGroup, at(5), syncing(group, member, { generationId: 0 }));
    await peer.ask("sync, unknown member", SyncGroup, at(5), syncing(group, "nobody"));
    await peer.ask("sync, other type", SyncGroup, at(5), syncing(group, member, { protocolType: "connect" }));
    if (v >= 5) await peer.ask("sync, other protocol", SyncGroup, 5, syncing(group, member, { protocolName: "other" }));
    await peer.ask("sync", SyncGroup, at(5), syncing(group, member));
    await peer.ask("sync again", SyncGroup, at(5), syncing(group, member));
    await beat("heartbeat", {});
    await beat("heartbeat, old generation", { generationId: 0 });
    await beat("heartbeat, generation of the future", { generationId: 2 });
    await beat("heartbeat, unknown member", { memberId: "nobody" });
    await beat("heartbeat, unknown group", { groupId: "nowhere" });
    await beat("heartbeat, empty group", { groupId: "" });
    if (at(4) >= 3) await beat("heartbeat, unknown instance", { groupInstanceId: "nobody" });
    await peer.ask("described", DescribeGroups, at(6), { groups: [group], includeAuthorizedOperations: true });
    await peer.ask("join again", JoinGroup, v, joining(group, { memberId: member }));
    await peer.ask("delete while it has members", DeleteGroups, at(2), { groupsNames: [group] });
    await peer.ask("leave, unknown", LeaveGroup, at(5), {
      groupId: group,
      memberId: "nobody",
      members: [{ memberId: "nobody", groupInstanceId: null }],
    });
    await peer.ask("leave, unknown group", LeaveGroup, at(5), { groupId: "nowhere", memberId: member, members: [{ memberId: member }] });
    await peer.ask("leave", LeaveGroup, at(5), {
      groupId: group,
      memberId: member,
      members: [{ memberId: member, groupInstanceId: null }],
    });
    await peer.ask("described, empty", DescribeGroups, at(6), { groups: [group], includeAuthorizedOperations: false });
    await peer.ask("heartbeat after that", Heartbeat, at(4), { groupId: group, generationId: 1, memberId: member });
    if (v < 5) await peer.ask("delete, alone", DeleteGroups, at(2), { groupsNames: [group] });
    await peer.ask("delete", DeleteGroups, at(2), { groupsNames: [group, "nowhere", ""] });
    await peer.ask("delete again", DeleteGroups, at(2), { groupsNames: [group] });
  }
  await peer.every("empty group", JoinGroup, () => joining(""));
  await peer.every("no protocols", JoinGroup, () => joining("bad", { protocols: [] }));
  await peer.every("no protocol type", JoinGroup, () => joining("bad", { protocolType: "" }));
  await peer.every("short session", JoinGroup, () => joining("bad", { sessionTimeoutMs: 1 }));
  await peer.every("long session", JoinGroup, () => joining("bad", { sessionTimeoutMs: 2_000_000_000 }));
  await peer.every("unknown member", JoinGroup, () => joining("bad", { memberId: "nobody" }));
  await peer.ask("delete what nobody joined", DeleteGroups, 2, { groupsNames: ["bad"] });
  await peer.every("sync, unknown group", SyncGroup, () => syncing("nowhere", "nobody"));
  await peer.every("sync, empty group", SyncGroup, () => syncing("", "nobody"));
  await peer.every("leave, empty group", LeaveGroup, () => ({ groupId: "", memberId: "x", members: [{ memberId: "x" }] }));
  await peer.every("leave, nobody", LeaveGroup, () => ({ groupId: "nowhere", memberId: "", members: [] }));
}

export async function rebalances(peer: Peer): Promise<void> {
  const first = await joined(peer, "pair", 5);
  await peer.ask("sync", SyncGroup, 3, syncing("pair", first));
  await peer.ask("inconsistent protocols", JoinGroup, 5, joining("pair", { protocols: protocols("sticky") }));
  await peer.ask("inconsistent type", JoinGroup, 5, joining("pair", { protocolType: "connect" }));
  const second: Reply = await peer.ask("second", JoinGroup, 5, joining("pair", { protocols: protocols("sticky", "range") }));
  const secondJoins = new Peer(peer.bootstrap);
  secondJoins.call(first, "<first>");
  secondJoins.call(second.memberId, "<second>");
  const parked = secondJoins.ask(
    "second waits",
    JoinGroup,
    5,
    joining("pair", { memberId: second.memberId, protocols: protocols("sticky", "range") }),
  );
  // The rebalance has begun when the first member is told of it.
  await until(peer.bootstrap, "the rebalance has begun", async (asking) => {
    const told: Reply = await asking.ask("", Heartbeat, 3, { groupId: "pair", generationId: 1, memberId: first });
    return told?.errorCode === 27;
  });
  await peer.ask("commit during the rebalance", OffsetCommit, 7, {
    groupId: "pair",
    generationIdOrMemberEpoch: 1,
    memberId: first,
    topics: [],
  });
  await peer.ask("sync during the rebalance", SyncGroup, 3, syncing("pair", first));
  await peer.ask("described during the rebalance", DescribeGroups, 5, { groups: ["pair"], includeAuthorizedOperations: false });
  await peer.ask("first joins again", JoinGroup, 5, joining("pair", { memberId: first }));
  await parked;
  peer.steps.push(...secondJoins.steps);
  const follower = new Peer(peer.bootstrap);
  const waiting = follower.ask("second's assignment", SyncGroup, 3, syncing("pair", second.memberId, { generationId: 2, assignments: [] }));
  await peer.ask(
    "leader's sync",
    SyncGroup,
    3,
    syncing("pair", first, {
      generationId: 2,
      assignments: [{ memberId: first, assignment: Buffer.from("one") }, { memberId: second.memberId, assignment: Buffer.from("two") }],
    }),
  );
  await waiting;
  peer.steps.push(...follower.steps);
  await peer.ask("stable", DescribeGroups, 5, { groups: ["pair"], includeAuthorizedOperations: false });
  await peer.ask(
    "follower joins with the same",
    JoinGroup,
    5,
    joining("pair", { memberId: second.memberId, protocols: protocols("sticky", "range") }),
  );
  await peer.ask("both leave", LeaveGroup, 3, {
    groupId: "pair",
    members: [{ memberId: first }, { memberId: second.memberId }, { memberId: "nobody" }],
  });
}

export async function staticMembers(peer: Peer): Promise<void> {
  const first = await joined(peer, "static", 5, { groupInstanceId: "one" });
  await peer.ask("sync", SyncGroup, 3, syncing("static", first, { groupInstanceId: "one" }));
  for (const version of [5, 7, 9]) {
    const group = `static-${version}`;
    const original = await joined(peer, group, version, { groupInstanceId: "one" });
    await peer.ask("sync", SyncGroup, Math.min(version, 5), syncing(group, original, { groupInstanceId: "one" }));
    const successor = await joined(peer, group, version, { groupInstanceId: "one" });
    await peer.ask("heartbeat of the old one", Heartbeat, 4, {
      groupId: group,
      generationId: 1,
      memberId: original,
      groupInstanceId: "one",
    });
    await peer.ask("heartbeat of the new one", Heartbeat, 4, {
      groupId: group,
      generationId: 1,
      memberId: successor,
      groupInstanceId: "one",
    });
    await peer.ask("sync of the old one", SyncGroup, 5, syncing(group, original, { groupInstanceId: "one" }));
    await peer.ask("sync of the new one", SyncGroup, 5, syncing(group, successor, { groupInstanceId: "one" }));
    await peer.ask("join of the old one", JoinGroup, version, joining(group, { memberId: original, groupInstanceId: "one" }));
    await peer.ask("commit of the old one", OffsetCommit, 9, {
      groupId: group,
      generationIdOrMemberEpoch: 1,
      memberId: original,
      groupInstanceId: "one",
      topics: [],
    });
    await peer.ask("described", DescribeGroups, 5, { groups: [group], includeAuthorizedOperations: false });
    await peer.ask("leave of the old one", LeaveGroup, 4, { groupId: group, members: [{ memberId: original, groupInstanceId: "one" }] });
    await peer.ask("leave by instance", LeaveGroup, 4, {
      groupId: group,
      members: [{ memberId: "", groupInstanceId: "one" }, { memberId: "", groupInstanceId: "two" }],
    });
  }
}

export async function committed(peer: Peer): Promise<void> {
  const id = await made(peer, "kept", 2);
  const commit = (what: string, more: object = {}, topic: object = {}, partition: object = {}) =>
    peer.every(what, OffsetCommit, () => ({
      groupId: "keeper",
      generationIdOrMemberEpoch: -1,
      memberId: "",
      groupInstanceId: null,
      topics: [{
        name: "kept",
        topicId: id,
        partitions: [{ partitionIndex: 0, committedOffset: 5, committedLeaderEpoch: 0, committedMetadata: "note", ...partition }],
        ...topic,
      }],
      ...more,
    }));
  const fetch = (
    what: string,
    groupId: string,
    topics: readonly { name: string; topicId: string; partitionIndexes: number[] }[] | null,
    requireStable = false,
  ) =>
    peer.every(
      what,
      OffsetFetch,
      () => ({ groupId, topics, groups: [{ groupId, memberId: null, memberEpoch: -1, topics }], requireStable }),
      {
        from: topics === null ? 2 : 1,
      },
    );
  const kept = (...partitionIndexes: number[]) => [{ name: "kept", topicId: id, partitionIndexes }];
  await fetch("nothing yet", "keeper", kept(0, 1));
  await commit("simple");
  await commit("unknown topic", {}, { name: "kept-no", topicId: FOREIGN_ID });
  await commit("unknown partition", {}, {}, { partitionIndex: 9 });
  await commit("negative offset", {}, {}, { committedOffset: -1 });
  await commit("null metadata", {}, {}, { partitionIndex: 1, committedMetadata: null });
  await commit("large metadata", {}, {}, { committedMetadata: "x".repeat(5000) });
  await commit("with a member", { memberId: "nobody" });
  await commit("with a generation", { generationIdOrMemberEpoch: 1, memberId: "nobody" });
  await commit("with a generation, unknown group", { groupId: "keeper-no", generationIdOrMemberEpoch: 1, memberId: "nobody" });
  await commit("empty group", { groupId: "" });
  await commit("nothing", { topics: [] });
  await fetch("two partitions", "keeper", kept(0, 1, 9));
  await fetch("all", "keeper", null);
  await fetch("no topics", "keeper", []);
  await fetch("unknown topic", "keeper", [{ name: "kept-no", topicId: FOREIGN_ID, partitionIndexes: [0] }]);
  await fetch("unknown group", "keeper-no", kept(0));
  await fetch("unknown group, all", "keeper-no", null);
  await fetch("empty group", "", kept(0));
  await fetch("stable", "keeper", kept(0), true);
  await peer.every(
    "two groups",
    OffsetFetch,
    () => ({ groups: ["keeper", "keeper-no"].map((groupId) => ({ groupId, topics: null })), requireStable: false }),
    { from: 8 },
  );
  await peer.every(
    "with a member",
    OffsetFetch,
    () => ({ groups: [{ groupId: "keeper", memberId: "nobody", memberEpoch: 3, topics: null }], requireStable: false }),
    { from: 9 },
  );
  const member = await joined(peer, "busy", 5);
  await peer.ask("sync", SyncGroup, 3, syncing("busy", member));
  const busy = { groupId: "busy", generationIdOrMemberEpoch: 1, memberId: member };
  await commit("by a member", busy);
  await commit("by a member, old generation", { ...busy, generationIdOrMemberEpoch: 0 });
  await commit("by a member, future generation", { ...busy, generationIdOrMemberEpoch: 5 });
  await commit("by nobody", { ...busy, memberId: "nobody" });
  await commit("by nobody, no generation", { ...busy, generationIdOrMemberEpoch: -1, memberId: "" });
  await commit("by a member with an instance", { ...busy, groupInstanceId: "x" });
  const forget = (what: string, groupId: string, topics: readonly unknown[]) => peer.ask(what, OffsetDelete, 0, { groupId, topics });
  await forget("of a group with members", "busy", [{ name: "kept", partitions: [{ partitionIndex: 0 }] }]);
  await forget("unknown group", "keeper-no", [{ name: "kept", partitions: [{ partitionIndex: 0 }] }]);
  await forget("empty group", "", []);
  await forget("unknown topic and partition", "keeper", [{ name: "kept-no", partitions: [{ partitionIndex: 0 }] }, {
    name: "kept",
    partitions: [{ partitionIndex: 9 }],
  }]);
  await forget("one", "keeper", [{ name: "kept", partitions: [{ partitionIndex: 0 }] }]);
  await peer.every("twice", OffsetCommit, () => ({
    groupId: "keeper",
    generationIdOrMemberEpoch: -1,
    memberId: "",
    groupInstanceId: null,
    topics: [{
      name: "kept",
      topicId: id,
      partitions: [7, 6].map((committedOffset) => ({ partitionIndex: 0, committedOffset, committedLeaderEpoch: 0, committedMetadata: "" })),
    }],
  }));
  await fetch("one partition twice", "keeper", kept(0, 0));
  await forget("twice", "keeper", [{ name: "kept", partitions: [{ partitionIndex: 0 }, { partitionIndex: 0 }] }]);
  await forget("one again", "keeper", [{ name: "kept", partitions: [{ partitionIndex: 0 }] }]);
  await fetch("after that", "keeper", null);
  await peer.every("all", ListGroups, () => ({ statesFilter: [], typesFilter: [] }));
  for (const state of ["Stable", "stable", "Empty", "NoSuchState"]) {
    await peer.every(`state ${state}`, ListGroups, () => ({ statesFilter: [state], typesFilter: [] }), { from: 4 });
  }
  for (const type of ["classic", "Classic", "consumer", "share", "nonsense"]) {
    await peer.ask(`type ${type}`, ListGroups, 5, { statesFilter: [], typesFilter: [type] });
  }
  await peer.every("several", DescribeGroups, () => ({ groups: ["busy", "keeper", "keeper-no", ""], includeAuthorizedOperations: true }));
  await peer.every("nothing", DescribeGroups, () => ({ groups: [], includeAuthorizedOperations: false }));
  await peer.every("twice", DescribeGroups, () => ({ groups: ["keeper", "keeper"], includeAuthorizedOperations: false }));
  await peer.ask("leave", LeaveGroup, 1, { groupId: "busy", memberId: member });
  await peer.ask("delete all", DeleteGroups, 2, { groupsNames: ["busy", "keeper", "keeper-no", "keeper"] });
  await fetch("after all", "keeper", null);
}

export async function coordinators(peer: Peer): Promise<void> {
  const find = (what: string, key: string, keyType: number, from = 0) =>
    peer.every(what, FindCoordinator, () => ({ key, keyType, coordinatorKeys: [key] }), { from });
  await find("group", "g", 0);
  await find("empty group", "", 0);
  await find("type 9", "g", 9, 1);
  await find("share", "g", 2, 1);
  await find("share, good key", `g:${FOREIGN_ID}:0`, 2, 1);
  await peer.every("several", FindCoordinator, () => ({ keyType: 0, coordinatorKeys: ["a", "b", "a"] }), { from: 4 });
  await peer.every("nothing", FindCoordinator, () => ({ keyType: 0, coordinatorKeys: [] }), { from: 4 });
  await find("transaction", "t", 1, 1);
}

export const scenarios = { members, rebalances, staticMembers, committed, coordinators };
