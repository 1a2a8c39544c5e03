/** Commits that meet a rebalance or each other on their way to the coordinator. */
import { expect, test } from "bun:test";
import { Assignment } from "../../../lib/client/consumer/assignment.ts";
import { Committing } from "../../../lib/client/consumer/committing.ts";
import type { GroupMember } from "../../../lib/client/consumer/group_member.ts";
import { OffsetCommits } from "../../../lib/client/consumer/offset_commits.ts";
import { consumerSettings } from "../../../lib/client/consumer/settings.ts";
import { clientSettings } from "../../../lib/client/options.ts";
import { errorCode, type KafkaErrorName, type OffsetCommitRequest } from "../../../lib/protocol/mod.ts";
import { io, soon } from "../setup.ts";
import { FakeCluster } from "./fake_cluster.ts";

const T0 = { topic: "t", partition: 0 };

function setup(onReply: (commit: number) => KafkaErrorName) {
  const cluster = new FakeCluster(1);
  let commits = 0;
  cluster.on["OffsetCommit"] = () => ({
    topics: [{ name: "t", partitions: [{ partitionIndex: 0, errorCode: errorCode(onReply(commits++)) }] }],
  });
  const options = { bootstrapServers: "fake:1", groupId: "g" };
  const settings = consumerSettings(options, clientSettings(options));
  const assignment = new Assignment({ settings, commitBefore: () => Promise.resolve() });
  assignment.add([T0]);
  const group = { generation: 1 };
  const member = {
    get committer() {
      return { memberId: "m", generation: group.generation, groupInstanceId: null };
    },
    commitRefused: () => null,
  } as unknown as GroupMember;
  const committing = new Committing({
    ...{ io, settings, commits: new OffsetCommits(cluster, "g") },
    assignment: () => assignment,
    member: () => member,
  });
  const sent = () =>
    cluster.asked<OffsetCommitRequest>("OffsetCommit").map(({ draft }) => [
      draft.generationIdOrMemberEpoch,
      draft.topics[0]!.partitions[0]!.committedOffset,
    ]);
  return { committing, assignment, group, sent };
}

test("a commit that has to be repeated goes on in a later generation while the partition is still ours", async () => {
  const { committing, assignment, group, sent } = setup((commit) => {
    group.generation = 2;
    return commit === 0 ? "NOT_COORDINATOR" : "NONE";
  });
  await committing.send([{ ...T0, offset: 5 }], soon());
  expect(sent()).toEqual([[1, 5], [2, 5]]);
  expect(assignment.get(T0)!.committedOffset).toBe(5);
});

test("a commit is not repeated when the partition went to somebody else meanwhile, even if it has come back", async () => {
  for (const comesBack of [false, true]) {
    const { committing, assignment, group, sent } = setup(() => {
      group.generation = 2;
      assignment.remove([T0]);
      if (comesBack) assignment.add([T0]);
      return "NOT_COORDINATOR";
    });
    await expect(committing.send([{ ...T0, offset: 5 }], soon())).rejects.toMatchObject({ error: "REBALANCE_IN_PROGRESS" });
    expect(sent()).toEqual([[1, 5]]);
  }
});

test("a topic that was deleted does not hold up a rebalance; a commit that somebody asked for is repeated", async () => {
  const { committing, assignment, sent } = setup((commit) => commit < 3 ? "UNKNOWN_TOPIC_OR_PARTITION" : "NONE");
  assignment.get(T0)!.moveTo(5, -1);
  await committing.before(assignment.partitions.values());
  expect(sent()).toEqual([[1, 5]]);
  await committing.send([{ ...T0, offset: 6 }], soon());
  expect(sent()).toEqual([[1, 5], [1, 6], [1, 6], [1, 6]]);
});

test("a commit that has to be repeated does not come behind a later one", async () => {
  const { committing, sent } = setup((commit) => commit === 0 ? "COORDINATOR_LOAD_IN_PROGRESS" : "NONE");
  await Promise.all([committing.send([{ ...T0, offset: 5 }], soon()), committing.send([{ ...T0, offset: 7 }], soon())]);
  expect(sent()).toEqual([[1, 5], [1, 5], [1, 7]]);
});
