/** Consumer groups: list, show, offsets with lag, reset, delete. What a group is, the coordinator knows. */
import { z } from "@hono/zod-openapi";
import type { AdminContext } from "../../mod.ts";
import { assignedPartitions } from "../groups/assignment.ts";
import { committedOf, groupNamed, groupOf } from "../groups/committed.ts";
import { applyReset, hasMembers, planReset } from "../groups/reset.ts";
import type { Api } from "../operation.ts";
import { nextCursor, pageByText, pageQuery } from "../paging.ts";
import { count, field, flag, groupId, offset, OFFSET_MAX, partitionIndex, partitionParam, text, topicName } from "../params.ts";
import { Refused } from "../status.ts";
import { topicNamed } from "../topic_schemas.ts";

const tag = "groups";
const STATES = ["Empty", "PreparingRebalance", "CompletingRebalance", "Stable", "Dead"] as const;
/** So that texts are in the order of the numbers. */
const DIGITS = 10;

const state = field(z.enum(STATES), "Where the group stands; only in `Stable` it reads", "Stable");
const partitions = field(z.array(partitionIndex), "Indexes of partitions", [0, 1]);

const Group = z.object({
  groupId,
  state,
  protocolType: text("`consumer` for consumers; empty for a group that only keeps offsets", "consumer"),
}).openapi("Group");

const GroupPage = z.object({ groups: field(z.array(Group), "In the order of their ids", []), nextCursor }).openapi("GroupPage");

const GroupDetail = Group.extend({
  coordinator: field(z.int().min(0), "Node that coordinates it", 1),
  protocol: text("How partitions are given to members; empty unless it is stable", "range"),
  totalLag: field(
    z.int().min(0).nullable(),
    "Records that it has not read, of all partitions with a committed offset; null when some are not here",
    42,
  ),
  members: field(
    z.array(z.object({
      memberId: text("Id that the coordinator gave it", "billing-1-5f0c"),
      instanceId: field(z.string().nullable(), "Its own id, of a static member; null otherwise", null),
      clientId: text("What the client calls itself", "billing-1"),
      clientHost: text("Where it comes from", "/127.0.0.1"),
      assignment: field(
        z.array(z.object({ topic: topicName, partitions })).nullable(),
        "What it reads; null when the group has a format of its own",
        [{ topic: "orders", partitions: [0, 1] }],
      ),
    })),
    "Who reads",
    [],
  ),
}).openapi("GroupDetail");

const GroupOffsets = z.object({
  offsets: field(
    z.array(z.object({
      topic: topicName,
      partition: partitionIndex,
      committedOffset: offset("Offset that is read next"),
      leaderEpoch: field(z.int(), "Epoch of the last record read; -1 when unknown", 0),
      metadata: text("Note that was stored with it", ""),
      committedAtMs: count("When it was committed, in milliseconds since 1970", 1760000000000),
      endOffset: field(z.int().min(0).nullable(), "High watermark of the partition; null when it is not here", 1084),
      lag: field(z.int().min(0).nullable(), "Records that it has not read; null when the end is not known", 42),
    })),
    "In the order of topic and partition",
    [],
  ),
  nextCursor,
}).openapi("GroupOffsets");

const kind = <K extends string>(value: K, description: string) => z.literal(value).openapi({ description, examples: [value] });
const Target = z.discriminatedUnion("kind", [
  z.strictObject({ kind: kind("earliest", "The first record that is there") }),
  z.strictObject({ kind: kind("latest", "Only what is written from now on") }),
  z.strictObject({
    kind: kind("timestamp", "The first record that is not older; the end when there is none"),
    timestamp: field(z.int().min(0).max(OFFSET_MAX), "Milliseconds since 1970", 1760000000000),
  }),
  z.strictObject({ kind: kind("offset", "The same offset everywhere"), offset: offset("Offset that is read next") }),
  z.strictObject({
    kind: kind("shift", "So many offsets from the committed one"),
    by: field(z.int().min(-OFFSET_MAX).max(OFFSET_MAX), "Negative: back", -100),
  }),
]);

const Reset = z.strictObject({
  to: Target.openapi({
    description: "Where to go on. What lies outside of a log becomes the nearest offset in it",
    examples: [{ kind: "earliest" }],
  }),
  topics: z.array(
    z.strictObject({
      topic: topicName,
      partitions: field(z.array(partitionIndex).min(1).max(10_000).optional(), "All of them when absent", [0, 1]),
    }),
  ).min(1).max(1_000).superRefine((topics, context) => {
    for (const [at, { topic, partitions = [] }] of topics.entries()) {
      const message = "what the request does not have already";
      if (topics.findIndex((other) => other.topic === topic) < at) {
        context.addIssue({ code: "custom", path: [at, "topic"], message, input: topic });
      }
      for (const [own, index] of partitions.entries()) {
        if (partitions.indexOf(index) < own) context.addIssue({ code: "custom", path: [at, "partitions", own], message, input: index });
      }
    }
  }).optional().openapi({ description: "Everything that the group has committed when absent", examples: [[{ topic: "orders" }]] }),
  dryRun: field(z.boolean().default(false), "Answers with what would be done, and does nothing", true),
}).openapi("ResetOffsets");

const ResetResult = z.object({
  groupId,
  dryRun: flag("Whether nothing was done", false),
  offsets: field(
    z.array(z.object({
      topic: topicName,
      partition: partitionIndex,
      before: field(z.int().min(0).nullable(), "Offset that was committed; null when none was", 1042),
      after: offset("Offset that is committed now", 0),
      clamped: flag("Whether what was asked lies outside of the log, and `after` is the nearest offset in it", false),
    })),
    "In the order of topic and partition",
    [],
  ),
}).openapi("ResetResult");

const DeletedOffsets = z.object({ groupId, topic: topicName, partitions }).openapi("DeletedOffsets");
const DeletedGroup = z.object({ groupId }).openapi("DeletedGroup");

export function groupRoutes(api: Api, { services }: AdminContext): void {
  const { groups } = services;

  api.add({
    method: "get",
    path: "/v1/groups",
    id: "listGroups",
    tag,
    summary: "List groups",
    description: "Groups that this node coordinates.",
    query: {
      state: z.enum(STATES).optional().openapi({ description: "Only groups in this state", example: "Stable" }),
      prefix: z.string().max(1_024).optional().openapi({ description: "Only ids that begin with it", example: "bil" }),
      ...pageQuery,
    },
    answer: GroupPage,
    answers: { 200: "A page of groups" },
  }, ({ query: { state, prefix = "", ...page } }) => {
    const { error, groups: all } = groups.list();
    if (error !== "NONE") throw new Refused(error, "The groups are being read after the start: ask again in a moment");
    const wanted = all.filter((group) => (state === undefined || group.state === state) && group.groupId.startsWith(prefix));
    const { rows, nextCursor } = pageByText(wanted, ({ groupId }) => groupId, page);
    return {
      status: 200,
      body: { groups: rows.map(({ groupId, state, protocolType }) => ({ groupId, state, protocolType })), nextCursor },
    };
  });

  api.add({
    method: "get",
    path: "/v1/groups/{group}",
    id: "getGroup",
    tag,
    summary: "Show a group",
    description: "State and members of a group, what each of them reads, and how far the group is behind in all.",
    params: { group: groupId },
    answer: GroupDetail,
    answers: { 200: "The group" },
    problems: [404, 421],
  }, async ({ params, deadline }) => {
    const { groupId, state, protocolType, protocolName, members } = groupNamed(services, params.group);
    const lags = (await committedOf(services, groupId, deadline)).map(({ lag }) => lag);
    const { nodeId } = await groups.locate(groupId, deadline);
    return {
      status: 200,
      body: {
        groupId,
        state,
        protocolType,
        coordinator: nodeId ?? services.nodeId,
        protocol: protocolName,
        totalLag: lags.reduce((sum, lag) => sum === null || lag === null ? null : sum + lag, 0),
        members: members.map(({ memberId, instanceId, clientId, clientHost, assignment }) => ({
          memberId,
          instanceId,
          clientId,
          clientHost,
          assignment: assignedPartitions(assignment),
        })),
      },
    };
  });

  api.add({
    method: "delete",
    path: "/v1/groups/{group}",
    id: "deleteGroup",
    tag,
    summary: "Delete a group",
    description: "Forgets a group without members, with its offsets.",
    params: { group: groupId },
    answer: DeletedGroup,
    answers: { 200: "What was deleted" },
    problems: [404, 409, 421, 507],
  }, async ({ params, deadline }) => {
    const { groupId } = groupNamed(services, params.group);
    const [row] = await groups.deleteGroups([groupId], deadline);
    if (row!.error === "NON_EMPTY_GROUP") throw new Refused(row!.error, hasMembers(groupId));
    if (row!.error !== "NONE") throw new Refused(row!.error);
    return { status: 200, body: { groupId } };
  });

  api.add({
    method: "get",
    path: "/v1/groups/{group}/offsets",
    id: "listGroupOffsets",
    tag,
    summary: "List offsets of a group",
    description: "Every committed offset beside the end of its partition.",
    params: { group: groupId },
    query: {
      topic: topicName.optional().openapi({ description: "Only offsets of this topic", example: "orders" }),
      ...pageQuery,
    },
    answer: GroupOffsets,
    answers: { 200: "A page of offsets" },
    problems: [404, 421],
  }, async ({ params, query: { topic, ...page }, deadline }) => {
    const { groupId } = groupNamed(services, params.group);
    const all = (await committedOf(services, groupId, deadline)).filter((row) => topic === undefined || row.topic === topic);
    const { rows, nextCursor } = pageByText(all, (row) => `${row.topic}/${String(row.partition).padStart(DIGITS, "0")}`, page);
    const offsets = rows.map(({ topic, partition, committed, endOffset, lag }) => ({
      topic,
      partition,
      committedOffset: committed.offset,
      leaderEpoch: committed.leaderEpoch,
      metadata: committed.metadata,
      committedAtMs: committed.commitTimestampMs,
      endOffset,
      lag,
    }));
    return { status: 200, body: { offsets, nextCursor } };
  });

  api.add({
    method: "delete",
    path: "/v1/groups/{group}/offsets",
    id: "deleteGroupOffsets",
    tag,
    summary: "Delete offsets of a group",
    description: "Forgets how far a group has read a topic. Not while the group is subscribed to it.",
    params: { group: groupId },
    query: { topic: topicName, partition: partitionParam.optional() },
    answer: DeletedOffsets,
    answers: { 200: "What was forgotten; an offset that was not there is fine" },
    problems: [404, 409, 421, 507],
  }, async ({ params, query, deadline }) => {
    const { groupId } = groupNamed(services, params.group);
    const topic = topicNamed(query.topic, services);
    const all = topic.partitions.map(({ partition }) => partition);
    if (query.partition !== undefined && !all.includes(query.partition)) {
      throw new Refused(
        "UNKNOWN_TOPIC_OR_PARTITION",
        `There is no partition ${query.partition} of "${topic.name}": it has ${all.length}, from 0 on`,
      );
    }
    const partitions = query.partition === undefined ? all : [query.partition];
    const reply = await groups.deleteOffsets({ groupId, topics: [{ topic: topic.name, partitions }] }, deadline);
    const inside = reply.topics.flatMap(({ partitions }) => partitions).find(({ error }) => error !== "NONE");
    const error = reply.error !== "NONE" ? reply.error : inside?.error ?? "NONE";
    if (error !== "NONE") throw new Refused(error, error === "NON_EMPTY_GROUP" ? hasMembers(groupId) : null);
    return { status: 200, body: { groupId, topic: topic.name, partitions } };
  });

  api.add({
    method: "post",
    path: "/v1/groups/{group}/offsets/reset",
    id: "resetGroupOffsets",
    tag,
    summary: "Reset offsets of a group",
    description:
      "Lets a group go on elsewhere. Only without members: stop them first. All partitions are looked at before one is changed, and they change " +
      "together. A group that does not exist is made when topics are named.",
    params: { group: groupId },
    body: Reset,
    answer: ResetResult,
    answers: { 200: "What was done, or would be" },
    problems: [404, 409, 421, 507],
  }, async ({ params, body, deadline }) => {
    const id = params.group;
    const group = groupOf(services, id);
    if (group !== null && group.members.length > 0) throw new Refused("NON_EMPTY_GROUP", hasMembers(id));
    if (group === null && body.topics === undefined) {
      throw new Refused("GROUP_ID_NOT_FOUND", `There is no group "${id}": name the topics that it shall have offsets of`);
    }
    const steps = await planReset(services, id, { to: body.to, topics: body.topics ?? null }, deadline);
    if (!body.dryRun) {
      const { error } = await groups.locate(id, deadline);
      if (error !== "NONE") throw new Refused(error, "There is no coordinator yet: ask again in a moment");
      await applyReset(services, id, steps, deadline);
    }
    const offsets = steps.map(({ topic, partition, before, after, isClamped }) => ({
      topic,
      partition,
      before,
      after,
      clamped: isClamped,
    }));
    return { status: 200, body: { groupId: id, dryRun: body.dryRun, offsets } };
  });
}
